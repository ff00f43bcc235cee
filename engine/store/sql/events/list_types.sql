-- The types of event that there are. One row each.
SELECT DISTINCT type FROM fleet_events ORDER BY type
