-- What a repository waits for. One row each.
SELECT account, kind, name FROM waiting_claims WHERE repository_id = $repository_id ORDER BY key
