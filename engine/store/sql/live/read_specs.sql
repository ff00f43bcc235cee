-- The specs of one account's live fleet. One row for each resource.
SELECT kind, name, spec FROM resources WHERE account = $account ORDER BY kind, name
