-- Resources that a repository holds in an account other than $kept. One row each.
SELECT account, kind, name FROM claims WHERE repository_id = $repository_id AND ($kept IS NULL OR account <> $kept) ORDER BY key
