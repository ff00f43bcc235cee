-- Forget old events that explain nothing of today; those of a run that is kept are kept with it. One row for each that went.
DELETE FROM fleet_events
WHERE happened_at < $before::TIMESTAMPTZ
  AND coalesce(run_id, 0) NOT IN (SELECT id FROM gitops_sync_runs)
  AND coalesce(proposal_id, 0) NOT IN (SELECT id FROM proposals WHERE live_key IS NOT NULL)
  AND coalesce(proposal_id, 0) NOT IN (SELECT proposal_id FROM resource_history
                                       WHERE proposal_id IS NOT NULL AND key IN (SELECT key FROM resources))
  AND NOT (type = 'gitops.repository_added' AND repository_id IN (SELECT id FROM gitops_repositories WHERE removed_at IS NULL))
  AND seq NOT IN (SELECT max(seq) FROM fleet_events
                  WHERE type IN ('gitops.host_key_pinned', 'gitops.host_key_trusted', 'gitops.host_key_changed')
                  GROUP BY repository_id)
  AND seq NOT IN (SELECT max(seq) FROM fleet_events WHERE type IN ('gitops.drill_passed', 'gitops.drill_failed') GROUP BY account)
  AND seq NOT IN (SELECT max(seq) FROM fleet_events WHERE type IN ('gitops.snapshot_kept', 'gitops.snapshot_failed') GROUP BY type)
RETURNING seq
