-- The newest event of some types; account may be NULL. One row or none.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE type IN (SELECT unnest($types::VARCHAR[])) AND ($account IS NULL OR account = $account)
ORDER BY seq DESC
LIMIT 1
