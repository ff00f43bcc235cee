-- Which repository owns what in one account. One row for each owned resource.
SELECT kind, name, repository_id FROM claims WHERE account = $account AND base IS NOT NULL ORDER BY kind, name
