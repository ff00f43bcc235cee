-- Forget all but the newest deliveries of some repositories.
DELETE FROM webhook_deliveries
WHERE repository_id IN (SELECT unnest($repository_ids::BIGINT[]))
  AND id NOT IN (SELECT id
                 FROM (SELECT id, row_number() OVER (PARTITION BY repository_id ORDER BY id DESC) AS place FROM webhook_deliveries)
                 WHERE place <= $kept::BIGINT)
