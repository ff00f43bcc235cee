-- All versions of one resource, newest first. One row for each.
SELECT seq, version, spec, epoch_us(valid_from), epoch_us(valid_to), actor, cause, proposal_id, apply_id, note
FROM resource_history WHERE key = $key ORDER BY seq DESC LIMIT $limit
