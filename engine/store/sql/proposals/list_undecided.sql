-- What proposals that may still be applied would make of their resources, for some repositories. One row each.
SELECT key, desired
FROM proposals
WHERE live_key IS NOT NULL AND status IN ('pending', 'approved', 'failed') AND repository_id IN (SELECT unnest($repository_ids::BIGINT[]))
ORDER BY id
