-- Which of the keys are not live. One row for each.
SELECT wanted.key FROM (SELECT unnest($keys::VARCHAR[]) AS key) wanted LEFT JOIN resources r ON r.key = wanted.key WHERE r.key IS NULL ORDER BY wanted.key
