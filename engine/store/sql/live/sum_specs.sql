-- Characters of all live specs and names of each account. One row for each account.
SELECT account, sum(length(name) + length(spec)) AS characters
FROM resources GROUP BY account ORDER BY account
