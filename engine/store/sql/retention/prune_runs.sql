-- Forget old runs that explain nothing of today. One row for each that went.
DELETE FROM gitops_sync_runs
WHERE started_at < (CASE WHEN status IN ('failed', 'partial') THEN $failed_before::TIMESTAMPTZ ELSE $before::TIMESTAMPTZ END)
  AND status <> 'running'
  AND id NOT IN (SELECT max(id) FROM gitops_sync_runs GROUP BY repository_id)
  AND id NOT IN (SELECT run_id FROM proposals WHERE live_key IS NOT NULL)
  AND id NOT IN (SELECT p.run_id
                 FROM resource_history h JOIN proposals p ON p.id = h.proposal_id
                 WHERE h.key IN (SELECT key FROM resources))
  AND id NOT IN (SELECT opened_run FROM withheld_diffs WHERE closed_run IS NULL)
  AND id NOT IN (SELECT opened_run FROM drift_episodes WHERE closed_at IS NULL)
RETURNING id
