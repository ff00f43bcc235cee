-- The live fleet of one account, in no order. One row for each resource.
SELECT kind, name, spec, version FROM resources WHERE account = $account
