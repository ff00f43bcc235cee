-- Every event, oldest first, for analysis; account may be NULL. One row each.
SELECT e.seq, e.happened_at, e.type, e.actor, e.account, g.name AS repository, e.run_id, e.proposal_id, e.kind, e.name, e.reason
FROM fleet_events e LEFT JOIN gitops_repositories g ON g.id = e.repository_id
WHERE $account IS NULL OR e.account = $account
ORDER BY e.seq
