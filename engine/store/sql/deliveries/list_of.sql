-- Deliveries for a repository, newest first. One row each.
SELECT provider, delivery, revision, outcome, epoch_us(received_at) FROM webhook_deliveries WHERE repository_id = $repository_id ORDER BY id DESC
