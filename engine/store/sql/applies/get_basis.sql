-- How far the live fleets of accounts and the proposals of repositories have moved, and which of these are paused. One row.
SELECT (SELECT string_agg(name || ' ' || CAST(live_version AS VARCHAR), ',' ORDER BY name)
        FROM accounts WHERE name IN (SELECT unnest($accounts::VARCHAR[]))),
       (SELECT string_agg(CAST(id AS VARCHAR) || ' ' || CAST(proposals_version AS VARCHAR) || ' ' || CAST(paused_at IS NULL AS VARCHAR), ',' ORDER BY id)
        FROM gitops_repositories WHERE id IN (SELECT unnest($repository_ids::BIGINT[])))
