-- The commit that a repository's last run before one of its runs saw, or no row: a run that reached no remote saw none.
SELECT revision FROM gitops_sync_runs WHERE repository_id = $repository_id AND id < $id AND revision IS NOT NULL ORDER BY id DESC LIMIT 1
