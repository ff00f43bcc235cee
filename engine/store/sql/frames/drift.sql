-- Every drift episode, oldest first, for analysis; those that last are counted up to a time. Account may be NULL. One row each.
SELECT d.id, g.name AS repository, d.account, d.kind, d.name, d.change, d.severity,
       array_to_string(list_transform(from_json(d.fields, '[{"path":"VARCHAR"}]'), lambda f: f.path), ', ') AS paths,
       d.moved_by, d.moved_at, d.opened_at, d.closed_at, d.closed_at IS NULL AS open, d.outcome,
       epoch(coalesce(d.closed_at, $now::TIMESTAMPTZ)) - epoch(coalesce(d.moved_at, d.opened_at)) AS lasted_s, d.opened_run, d.closed_run
FROM drift_episodes d LEFT JOIN gitops_repositories g ON g.id = d.repository_id
WHERE $account IS NULL OR d.account = $account
ORDER BY d.id
