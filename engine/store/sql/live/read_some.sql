-- Spec and claim of some resources. One row for each key that has either.
SELECT wanted.key, r.spec, c.repository_id, c.base, c.base_revision, c.base_version, c.rejections
FROM (SELECT unnest($keys::VARCHAR[]) AS key) wanted LEFT JOIN resources r ON r.key = wanted.key LEFT JOIN claims c ON c.key = wanted.key
WHERE r.key IS NOT NULL OR c.key IS NOT NULL
ORDER BY wanted.key
