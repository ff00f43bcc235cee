-- A run that its process did not end has failed; what it opened and applied stays listed.
UPDATE gitops_sync_runs SET status = 'failed', finished_at = $at, error = $error, inputs = NULL WHERE status = 'running'
