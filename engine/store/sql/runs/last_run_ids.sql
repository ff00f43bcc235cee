-- The newest run of each repository. One row each.
SELECT repository_id, max(id) FROM gitops_sync_runs GROUP BY repository_id ORDER BY repository_id
