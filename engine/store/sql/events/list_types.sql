-- The types of event that there are; the account may be NULL. One row each.
SELECT DISTINCT type FROM fleet_events WHERE $account IS NULL OR account = $account ORDER BY type
