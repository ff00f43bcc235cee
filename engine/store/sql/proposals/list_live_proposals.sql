-- Live proposals of one repository (all with NULL), in the order of their ids. One row each.
SELECT id, repository_id, repository, key, change, status, current, desired, declared, base, fields, cause, origin, fingerprint, revision, run_id,
       refers_to, blast_radius, reopened_count, reason, error, epoch_us(opened_at), epoch_us(decided_at), decided_by, epoch_us(ended_at), reverts,
       risk_of(change, cause, blast_radius)
FROM proposals
WHERE live_key IS NOT NULL AND ($repository_id IS NULL OR repository_id = $repository_id) AND ($account IS NULL OR account = $account)
  AND ($status IS NULL OR status = $status)
ORDER BY id
