-- Names of all accounts.
SELECT name FROM accounts ORDER BY name
