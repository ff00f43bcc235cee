-- What one run withheld, with its fields, in the order in which the cap lets them through. One row each.
SELECT account, kind, name, change, reason, detail, fields FROM withheld_diffs
WHERE repository_id = $repository_id AND opened_run <= $run_id AND (closed_run IS NULL OR closed_run > $run_id)
ORDER BY position, id
