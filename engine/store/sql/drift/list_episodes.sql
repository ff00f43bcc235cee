-- Episodes, newest first; filters may be NULL. One row each.
SELECT e.id, e.repository_id, g.name, e.account, e.kind, e.name, e.change, e.fields, e.severity, e.moved_by, epoch_us(e.moved_at), epoch_us(e.opened_at),
       e.opened_run, epoch_us(e.closed_at), e.closed_run, e.outcome
FROM drift_episodes e JOIN gitops_repositories g ON g.id = e.repository_id
WHERE ($account IS NULL OR e.account = $account) AND ($repository_id IS NULL OR e.repository_id = $repository_id)
  AND ($open IS NULL OR (e.closed_at IS NULL) = $open) AND ($before IS NULL OR e.id < $before)
ORDER BY e.id DESC
LIMIT $limit
