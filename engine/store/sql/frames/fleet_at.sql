-- The fleet as it was at a time, by key, for analysis; account may be NULL. One row for each resource.
SELECT f.account, f.kind, f.name, f.spec, f.version, f.valid_from AS since, f.actor
FROM fleet_at($at::TIMESTAMPTZ) f
WHERE $account IS NULL OR f.account = $account
ORDER BY f.key
