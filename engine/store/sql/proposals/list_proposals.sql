-- Proposals, newest first; every filter may be NULL. One row each.
SELECT id, repository_id, repository, key, change, status, current, desired, declared, base, fields, cause, origin, fingerprint, revision, run_id,
       refers_to, blast_radius, reopened_count, reason, error, epoch_us(opened_at), epoch_us(decided_at), decided_by, epoch_us(ended_at), reverts,
       risk_of(change, cause, blast_radius)
FROM proposals
WHERE ($account IS NULL OR account = $account) AND ($repository_id IS NULL OR repository_id = $repository_id)
  AND ($status IS NULL OR status = $status) AND ($kind IS NULL OR kind = $kind) AND ($before IS NULL OR id < $before)
ORDER BY id DESC
LIMIT $limit
