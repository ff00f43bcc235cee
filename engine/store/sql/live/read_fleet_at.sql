-- The fleet of one account as it was at a time. One row for each resource.
SELECT kind, name, spec, version, epoch_us(valid_from) FROM fleet_at($at) WHERE account = $account ORDER BY kind, name
