-- All claims in one account with the names of the repositories that wait for them, longest first; in no order. One row for each claimed resource.
SELECT c.kind, c.name, c.repository_id, c.base, c.base_revision, c.base_version, c.rejections, w.names
FROM claims c
LEFT JOIN (SELECT w.key, array_agg(g.name ORDER BY w.since, w.repository_id) AS names
           FROM waiting_claims w JOIN gitops_repositories g ON g.id = w.repository_id
           WHERE w.account = $account
           GROUP BY w.key) w ON w.key = c.key
WHERE c.account = $account
