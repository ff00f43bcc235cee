-- Release resources.
DELETE FROM claims WHERE key IN (SELECT unnest($keys::VARCHAR[]))
