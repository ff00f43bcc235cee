-- How many live resources each account has, by section, and how many are owned. One row for each section.
SELECT r.account, r.kind, count(*), count(c.base)
FROM resources r LEFT JOIN claims c ON c.key = r.key
WHERE ($account IS NULL OR r.account = $account)
GROUP BY r.account, r.kind ORDER BY r.account, r.kind
