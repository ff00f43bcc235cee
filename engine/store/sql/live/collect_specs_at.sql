-- The specs of one account's fleet as it was at a time, in no order. One row for each resource.
SELECT kind, name, spec FROM fleet_at($at) WHERE account = $account
