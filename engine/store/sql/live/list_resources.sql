-- Live resources with last writer and holder; kind may be NULL. Keyset by key. One row each.
SELECT r.account, r.kind, r.name, r.spec, r.version, epoch_us(r.updated_at), r.updated_by, g.name, c.base IS NOT NULL
FROM resources r LEFT JOIN claims c ON c.key = r.key LEFT JOIN gitops_repositories g ON g.id = c.repository_id
WHERE ($account IS NULL OR r.account = $account) AND ($kind IS NULL OR r.kind = $kind) AND ($after IS NULL OR r.key > $after)
ORDER BY r.key
LIMIT $limit
