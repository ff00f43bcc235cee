-- How many differences each repository withholds, by reason. One row for each pair.
SELECT repository_id, reason, count(*) FROM withheld_diffs WHERE closed_run IS NULL AND ($account IS NULL OR account = $account)
GROUP BY repository_id, reason ORDER BY repository_id, reason
