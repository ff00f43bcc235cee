-- The live fleet of one account. One row for each resource.
SELECT kind, name, spec, version FROM resources WHERE account = $account ORDER BY kind, name
