-- What a repository holds and others wait for, with the one that waits longest. One row each.
SELECT c.account, c.kind, c.name, (array_agg(g.name ORDER BY w.since, w.repository_id))[1]
FROM claims c JOIN waiting_claims w ON w.key = c.key JOIN gitops_repositories g ON g.id = w.repository_id
WHERE c.repository_id = $repository_id
GROUP BY c.key, c.account, c.kind, c.name
ORDER BY c.key
