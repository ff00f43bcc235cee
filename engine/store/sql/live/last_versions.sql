-- The newest version number each key ever had. One row for each key that had one.
SELECT key, max(version) FROM resource_history WHERE key IN (SELECT unnest($keys::VARCHAR[])) GROUP BY key ORDER BY key
