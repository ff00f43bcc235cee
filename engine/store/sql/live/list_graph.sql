-- All live resources with state and holder, for their graph; account and repository may be NULL. One row each.
SELECT s.account, s.kind, s.name, r.spec, s.state, s.holder
FROM resource_states s JOIN resources r ON r.key = s.key
WHERE ($account IS NULL OR s.account = $account) AND ($repository IS NULL OR s.holder = $repository)
ORDER BY s.key
