-- What drifted most often, fields and people with it; account and repository may be NULL. One row each.
SELECT e.account, e.kind, e.name, count(*) AS times, count(*) FILTER (e.closed_at IS NULL), epoch_us(max(e.opened_at)),
       string_agg(DISTINCT e.moved_by, ', ')
FROM drift_episodes e
JOIN gitops_repositories g ON g.id = e.repository_id
WHERE ($account IS NULL OR e.account = $account) AND ($repository IS NULL OR g.name = $repository)
GROUP BY e.account, e.kind, e.name
ORDER BY times DESC, max(e.opened_at) DESC, e.name
LIMIT $limit
