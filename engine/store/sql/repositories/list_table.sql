-- Repositories in service with how they fare, the worst first; every filter may be NULL. One row each.
WITH newest AS (
    SELECT repository_id, max(id) AS id FROM gitops_sync_runs GROUP BY repository_id
), waiting AS (
    SELECT repository_id, count(*) FILTER (status = 'pending') AS pending, count(*) FILTER (status = 'approved') AS approved,
           count(*) FILTER (status = 'failed') AS failed
    FROM proposals
    WHERE live_key IS NOT NULL
    GROUP BY repository_id
), drifting AS (
    SELECT repository_id, count(*) AS episodes FROM drift_episodes WHERE closed_at IS NULL GROUP BY repository_id
), judged AS (
    SELECT g.id, g.name, g.account, g.branch, g.failure_count, epoch_us(g.next_attempt_at) AS next_attempt, g.paused_reason, g.created_at,
           r.id AS run_id, r.status, epoch_us(r.started_at) AS started, epoch_us(r.finished_at) AS finished, r.revision, r.author, r.subject,
           coalesce(r.diff_count, 0) AS diff_count, coalesce(r.remaining, 0) AS remaining,
           coalesce(w.pending, 0) AS pending, coalesce(w.approved, 0) AS approved, coalesce(w.failed, 0) AS failed, coalesce(d.episodes, 0) AS drifted,
           CASE WHEN NOT g.enabled THEN 'disabled'
                WHEN r.status = 'failed' THEN 'failing'
                WHEN g.paused_reason IS NOT NULL THEN 'paused'
                WHEN coalesce(w.failed, 0) > 0 THEN 'failed proposals'
                WHEN coalesce(d.episodes, 0) > 0 THEN 'drifting'
                WHEN r.id IS NULL THEN 'never synced'
                WHEN r.status = 'partial' THEN 'partial'
                WHEN coalesce(r.remaining, 0) > 0 THEN 'waiting'
                ELSE 'ok' END AS health
    FROM gitops_repositories g
    LEFT JOIN newest n ON n.repository_id = g.id
    LEFT JOIN gitops_sync_runs r ON r.id = n.id
    LEFT JOIN waiting w ON w.repository_id = g.id
    LEFT JOIN drifting d ON d.repository_id = g.id
    WHERE g.removed_at IS NULL AND ($account IS NULL OR g.account = $account)
      AND ($text IS NULL OR contains(lower(g.name), lower($text)) OR contains(lower(g.url), lower($text)))
)
SELECT id, name, account, branch, health, failure_count, next_attempt, paused_reason, run_id, status, started, finished, revision, author, subject,
       diff_count, remaining, pending, approved, failed, drifted, count(*) OVER ()
FROM judged
WHERE ($health IS NULL OR health = $health)
ORDER BY list_position(['failing', 'paused', 'failed proposals', 'drifting', 'never synced', 'partial', 'waiting', 'ok', 'disabled'], health), name
LIMIT $limit OFFSET $skip::BIGINT
