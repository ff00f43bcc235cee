-- A repository by its id, removed or not. One row.
SELECT __repository__
FROM gitops_repositories
WHERE id = $id
