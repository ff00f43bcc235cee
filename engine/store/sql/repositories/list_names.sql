-- Names of all repositories, removed ones too, by id. One row each.
SELECT id, name FROM gitops_repositories ORDER BY id
