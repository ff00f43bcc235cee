-- Proposals, newest first; every filter may be NULL. One row each.
SELECT __proposal__
FROM proposals
WHERE ($account IS NULL OR account = $account) AND ($repository_id IS NULL OR repository_id = $repository_id)
  AND ($status IS NULL OR status = $status) AND ($kind IS NULL OR kind = $kind) AND ($before IS NULL OR id < $before)
ORDER BY id DESC
LIMIT $limit
