-- Live resources with state and holder, by key, a page at a time; every filter may be NULL. One row each, with the count of all.
SELECT s.account, s.kind, s.name, r.spec, r.version, epoch_us(r.updated_at), r.updated_by, s.holder, s.state, s.found
FROM (
    SELECT key, account, kind, name, holder, state, count(*) OVER () AS found
    FROM resource_states
    WHERE ($account IS NULL OR account = $account) AND ($kind IS NULL OR kind = $kind) AND ($state IS NULL OR state = $state)
      AND ($repository IS NULL OR holder = $repository) AND ($text IS NULL OR contains(lower(name), lower($text)))
    ORDER BY key
    LIMIT $limit OFFSET $skip::BIGINT
) s JOIN resources r ON r.key = s.key
ORDER BY s.key
