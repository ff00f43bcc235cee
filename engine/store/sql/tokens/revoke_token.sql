-- End a token.
UPDATE api_tokens SET revoked_at = $at, revoked_by = $actor WHERE id = $id
