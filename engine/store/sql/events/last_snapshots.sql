-- The newest snapshot that was kept and the newest failure to keep one; account may be NULL. Up to two rows, oldest first.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE type IN ('gitops.snapshot_kept', 'gitops.snapshot_failed') AND ($account IS NULL OR account = $account)
QUALIFY row_number() OVER (PARTITION BY type ORDER BY seq DESC) = 1
ORDER BY seq
