-- The live fleet by key, for analysis; account may be NULL. One row for each resource.
SELECT r.account, r.kind, r.name, r.spec, r.version, r.updated_at AS since, r.updated_by AS actor, s.state, s.holder AS repository
FROM resources r JOIN resource_states s ON s.key = r.key
WHERE $account IS NULL OR r.account = $account
ORDER BY r.key
