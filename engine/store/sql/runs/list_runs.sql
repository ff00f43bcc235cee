-- Runs, newest first; every filter may be NULL. One row each.
SELECT __run__
FROM gitops_sync_runs
WHERE ($repository_id IS NULL OR repository_id = $repository_id) AND ($account IS NULL OR account = $account)
  AND ($status IS NULL OR status = $status) AND ($before IS NULL OR id < $before)
ORDER BY id DESC
LIMIT $limit
