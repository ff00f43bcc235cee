-- Edits and applies on some resources since a time, oldest first. One row each.
SELECT key, epoch_us(valid_from), cause, actor, version
FROM resource_history
WHERE key IN (SELECT unnest($keys::VARCHAR[])) AND valid_from >= $since::TIMESTAMPTZ
ORDER BY seq
