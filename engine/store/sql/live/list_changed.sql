-- Resources that two times find otherwise, with who made them as they were at the later one. Account may be NULL. One row each.
SELECT later.account, later.kind, later.name, earlier.spec, later.spec, later.actor, epoch_us(later.valid_from), later.proposal_id
FROM resource_history later LEFT JOIN fleet_at($since::TIMESTAMPTZ) earlier ON earlier.key = later.key
WHERE later.valid_from <= $until::TIMESTAMPTZ AND (later.valid_to IS NULL OR later.valid_to > $until::TIMESTAMPTZ)
  AND later.spec IS DISTINCT FROM earlier.spec AND ($account IS NULL OR later.account = $account)
ORDER BY later.key
