-- Forget old deliveries of webhooks. One row for each that went.
DELETE FROM webhook_deliveries WHERE received_at < $before::TIMESTAMPTZ RETURNING id
