-- Tokens, newest first; every filter may be NULL. One row each.
SELECT id, jti, name, account, permissions, epoch_us(created_at), created_by, epoch_us(expires_at), epoch_us(revoked_at), revoked_by, made_with
FROM api_tokens
WHERE ($id IS NULL OR id = $id) AND ($jti IS NULL OR jti = $jti) AND ($account IS NULL OR account = $account)
ORDER BY id DESC
