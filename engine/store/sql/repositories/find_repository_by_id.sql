-- The registered repository of an id; none when it was removed. At most one row.
SELECT __repository__
FROM gitops_repositories
WHERE id = $id AND live_name IS NOT NULL
