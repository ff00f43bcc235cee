-- Keep a webhook's delivery. One row for each element of the lists.
INSERT INTO webhook_deliveries (id, repository_id, provider, delivery, revision, outcome, received_at)
SELECT unnest($id::BIGINT[]), unnest($repository_id::BIGINT[]), $provider, $delivery, $revision, unnest($outcome::VARCHAR[]), $at
