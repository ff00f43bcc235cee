-- End some tokens that have not ended before. One row for each that did.
UPDATE api_tokens SET revoked_at = $at, revoked_by = $actor
WHERE id IN (SELECT unnest($ids::BIGINT[])) AND revoked_at IS NULL
RETURNING id
