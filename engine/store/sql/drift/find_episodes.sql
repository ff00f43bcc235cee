-- Episodes with the proposal that would end each, open ones first, then newest first; filters may be NULL. One row each, with the count of all.
SELECT e.id, e.repository_id, g.name, e.account, e.kind, e.name, e.change, e.fields, e.severity, e.moved_by, epoch_us(e.moved_at), epoch_us(e.opened_at),
       e.opened_run, epoch_us(e.closed_at), e.closed_run, e.outcome, p.id, count(*) OVER ()
FROM drift_episodes e
JOIN gitops_repositories g ON g.id = e.repository_id
LEFT JOIN proposals p ON e.closed_at IS NULL AND p.live_key = e.repository_id || '/' || e.account || '/' || e.kind || '/' || e.name
WHERE ($account IS NULL OR e.account = $account) AND ($repository IS NULL OR g.name = $repository)
  AND ($open IS NULL OR (e.closed_at IS NULL) = $open) AND ($text IS NULL OR contains(lower(e.name), lower($text)))
ORDER BY e.closed_at IS NOT NULL, e.id DESC
LIMIT $limit OFFSET $skip::BIGINT
