-- Ids of the pending proposals of an account right before and right after one, or NULL. One row.
SELECT max(id) FILTER (id < $id), min(id) FILTER (id > $id)
FROM proposals
WHERE live_key IS NOT NULL AND status = 'pending' AND account = $account
