-- Events, newest first; every filter may be NULL. One row each.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE ($proposal_id IS NULL OR proposal_id = $proposal_id)
  AND ($account IS NULL OR account = $account)
  AND ($repository_id IS NULL OR repository_id = $repository_id)
  AND ($kind IS NULL OR kind = $kind)
  AND ($name IS NULL OR name = $name)
  AND ($before IS NULL OR seq < $before)
ORDER BY seq DESC
LIMIT $limit
