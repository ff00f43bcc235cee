-- Keep what a new token may do.
INSERT INTO api_tokens (id, jti, name, account, permissions, created_at, created_by, expires_at, made_with)
VALUES ($id, $jti, $name, $account, $permissions::VARCHAR[], $at, $actor, $expires_at, $made_with::BIGINT)
