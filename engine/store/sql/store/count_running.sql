-- How many runs and applies say that they are running. One row.
SELECT (SELECT count(*) FROM gitops_sync_runs WHERE status = 'running') + (SELECT count(*) FROM applies WHERE status = 'running')
