-- Who made each token that holds now. One row for each token.
SELECT created_by FROM api_tokens WHERE revoked_at IS NULL AND expires_at > $at::TIMESTAMPTZ
ORDER BY created_by
