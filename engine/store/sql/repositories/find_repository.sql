-- The registered repository of a name. At most one row.
SELECT __repository__
FROM gitops_repositories
WHERE live_name = $name
