-- Forget tokens that have long held no more. One row for each that went.
DELETE FROM api_tokens WHERE coalesce(revoked_at, expires_at) < $before::TIMESTAMPTZ RETURNING id
