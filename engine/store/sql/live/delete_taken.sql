-- Whoever holds a resource does not wait for it.
DELETE FROM waiting_claims
WHERE key IN (SELECT unnest($keys::VARCHAR[]))
  AND EXISTS (SELECT 1 FROM claims c WHERE c.key = waiting_claims.key AND c.repository_id = waiting_claims.repository_id)
