-- How far the live fleet, claims and known versions of some accounts have moved. One row each.
SELECT name, live_version FROM accounts WHERE name IN (SELECT unnest($accounts::VARCHAR[])) ORDER BY name
