-- The warnings of a run.
UPDATE gitops_sync_runs SET warnings = $warnings WHERE id = $id
