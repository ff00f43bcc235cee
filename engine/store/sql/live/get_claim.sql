-- The claim on one resource, with its holder's name. At most one row.
SELECT c.repository_id, c.base IS NOT NULL, g.name FROM claims c JOIN gitops_repositories g ON g.id = c.repository_id WHERE c.key = $key
