-- The newest restore drill of each account; account may be NULL. One row each, oldest first.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE type IN ('gitops.drill_passed', 'gitops.drill_failed') AND ($account IS NULL OR account = $account)
QUALIFY row_number() OVER (PARTITION BY account ORDER BY seq DESC) = 1
ORDER BY seq
