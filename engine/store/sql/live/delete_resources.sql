-- Remove resources from the live fleet; their history stays.
DELETE FROM resources WHERE key IN (SELECT unnest($keys::VARCHAR[]))
