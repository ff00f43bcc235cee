-- These are withheld no longer, or otherwise.
UPDATE withheld_diffs SET closed_run = $run_id, closed_at = $at WHERE closed_run IS NULL AND id IN (SELECT unnest($ids::BIGINT[]))
