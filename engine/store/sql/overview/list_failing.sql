-- Names of repositories in service whose last tick failed; account may be NULL. One row each.
SELECT name
FROM gitops_repositories
WHERE removed_at IS NULL AND enabled AND failure_count > 0 AND ($account IS NULL OR account = $account)
ORDER BY name
