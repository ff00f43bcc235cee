-- What the store holds now for some keys. One row for each that exists.
SELECT key, spec FROM resources WHERE key IN (SELECT unnest($keys::VARCHAR[])) ORDER BY key
