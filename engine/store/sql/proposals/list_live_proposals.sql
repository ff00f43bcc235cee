-- Live proposals of one repository (all with NULL), in the order of their ids. One row each.
SELECT __proposal__
FROM proposals
WHERE live_key IS NOT NULL AND ($repository_id IS NULL OR repository_id = $repository_id) AND ($account IS NULL OR account = $account)
  AND ($status IS NULL OR status = $status)
ORDER BY id
