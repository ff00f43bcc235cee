-- The live fleet, claims or known versions of these accounts moved.
UPDATE accounts SET live_version = live_version + 1 WHERE name IN (SELECT unnest($accounts::VARCHAR[]))
