-- Runs, newest first; every filter may be NULL. One row each.
SELECT id, repository_id, repository, account, trigger, actor, status, epoch_us(started_at), epoch_us(finished_at), revision, author, subject,
       epoch_us(committed_at), stages, diff_count, remaining, opened, counts, informational, waiting, proposal_ids, warnings, error, inputs, request_id
FROM gitops_sync_runs
WHERE ($repository_id IS NULL OR repository_id = $repository_id) AND ($account IS NULL OR account = $account)
  AND ($status IS NULL OR status = $status) AND ($before IS NULL OR id < $before)
ORDER BY id DESC
LIMIT $limit
