-- The specs of one account's live fleet, in no order. One row for each resource.
SELECT kind, name, spec FROM resources WHERE account = $account
