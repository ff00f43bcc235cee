-- Id of the last run of a repository before one of its runs, or no row.
SELECT max(id) FROM gitops_sync_runs WHERE repository_id = $repository_id AND id < $id
