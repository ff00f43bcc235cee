-- Spec and claim of some resources, with the names of the repositories that wait for it, longest first. One row for each key that has either.
SELECT wanted.key, r.spec, c.repository_id, c.base, c.base_revision, c.base_version, c.rejections, w.names
FROM (SELECT unnest($keys::VARCHAR[]) AS key) wanted
LEFT JOIN resources r ON r.key = wanted.key
LEFT JOIN claims c ON c.key = wanted.key
LEFT JOIN (SELECT w.key, array_agg(g.name ORDER BY w.since, w.repository_id) AS names
           FROM waiting_claims w JOIN gitops_repositories g ON g.id = w.repository_id
           WHERE w.key IN (SELECT unnest($keys::VARCHAR[]))
           GROUP BY w.key) w ON w.key = wanted.key
WHERE r.key IS NOT NULL OR c.key IS NOT NULL
ORDER BY wanted.key
