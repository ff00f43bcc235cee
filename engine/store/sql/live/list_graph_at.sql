-- All resources as they were at a time, with who holds them today, for their graph; account and repository may be NULL. One row each.
SELECT f.account, f.kind, f.name, f.spec, 'past', g.name
FROM fleet_at($at::TIMESTAMPTZ) f
LEFT JOIN claims c ON c.key = f.key
LEFT JOIN gitops_repositories g ON g.id = c.repository_id
WHERE ($account IS NULL OR f.account = $account) AND ($repository IS NULL OR g.name = $repository)
ORDER BY f.key
