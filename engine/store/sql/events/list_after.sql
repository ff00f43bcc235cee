-- Events of some types after one, oldest first. One row each.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE seq > $seq AND type IN (SELECT unnest($types::VARCHAR[]))
ORDER BY seq
LIMIT $limit
