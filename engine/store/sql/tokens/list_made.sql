-- Some tokens, and all that were made with them, with those, and so on. One row each.
WITH RECURSIVE ended AS (
    SELECT id FROM api_tokens WHERE id IN (SELECT unnest($ids::BIGINT[]))
    UNION
    SELECT t.id FROM api_tokens t JOIN ended e ON t.made_with = e.id
)
SELECT id FROM ended ORDER BY id
