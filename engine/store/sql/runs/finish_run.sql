-- How a run ended.
UPDATE gitops_sync_runs SET status = $status, finished_at = $at, stages = $stages, error = $error, inputs = $inputs WHERE id = $id
