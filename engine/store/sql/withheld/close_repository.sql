-- A removed repository withholds nothing; no run closed it.
UPDATE withheld_diffs SET closed_run = 9223372036854775807, closed_at = $at WHERE closed_run IS NULL AND repository_id = $repository_id
