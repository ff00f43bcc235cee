-- One live resource with its last writer and its claim's holder. At most one row.
SELECT r.spec, r.version, epoch_us(r.updated_at), r.updated_by, g.name, c.base IS NOT NULL
FROM resources r LEFT JOIN claims c ON c.key = r.key LEFT JOIN gitops_repositories g ON g.id = c.repository_id
WHERE r.key = $key
