-- Enabled repositories that each of some destroys waits for: others of its account without a good run that began after it was opened. One row each.
SELECT p.id, o.name
FROM proposals p
JOIN gitops_repositories o ON o.account = p.account AND o.id <> p.repository_id AND o.enabled AND o.removed_at IS NULL
WHERE p.id IN (SELECT unnest($ids::BIGINT[]))
  AND NOT EXISTS (SELECT 1 FROM gitops_sync_runs r
                  WHERE r.repository_id = o.id AND r.account = p.account AND r.status NOT IN ('running', 'failed') AND r.started_at >= p.opened_at)
ORDER BY p.id, o.name
