-- How many pending destroys of others in an account a run was waited for: opened before it began, and since the last good run began. One row.
SELECT count(*)
FROM proposals p
WHERE p.account = $account AND p.repository_id <> $repository_id AND p.change = 'destroy' AND p.origin = 'git' AND p.status = 'pending'
  AND p.opened_at <= (SELECT started_at FROM gitops_sync_runs WHERE id = $run_id)
  AND p.opened_at > coalesce((SELECT max(started_at) FROM gitops_sync_runs
                              WHERE repository_id = $repository_id AND id <> $run_id AND account = $account AND status NOT IN ('running', 'failed')),
                             TIMESTAMPTZ '1970-01-01 00:00:00+00')
