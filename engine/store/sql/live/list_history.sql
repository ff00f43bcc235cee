-- Versions of one resource, newest first, before a sequence number that may be NULL. One row for each.
SELECT seq, version, spec, epoch_us(valid_from), epoch_us(valid_to), actor, cause, proposal_id, apply_id, note
FROM resource_history
WHERE key = $key AND ($before IS NULL OR seq < $before)
ORDER BY seq DESC
LIMIT $limit
