-- Steps tried on some proposals, oldest first. One row for each.
SELECT id, apply_id, proposal_id, account, kind, name, change, wave, outcome, actor, epoch_us(ended_at), error
FROM apply_steps WHERE proposal_id IN (SELECT unnest($proposal_ids::BIGINT[])) ORDER BY id
