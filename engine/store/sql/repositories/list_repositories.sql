-- Registered repositories by name; account may be NULL. One row each.
SELECT __repository__
FROM gitops_repositories
WHERE removed_at IS NULL AND ($account IS NULL OR account = $account)
ORDER BY name, id
