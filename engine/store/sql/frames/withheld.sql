-- Every difference that was withheld, oldest first, for analysis; account may be NULL. One row for each interval.
SELECT w.id, g.name AS repository, w.account, w.kind, w.name, w.change, w.reason, w.detail, w.opened_at, w.closed_at, w.closed_at IS NULL AS open,
       epoch(coalesce(w.closed_at, $now::TIMESTAMPTZ)) - epoch(w.opened_at) AS lasted_s, w.opened_run, w.closed_run
FROM withheld_diffs w LEFT JOIN gitops_repositories g ON g.id = w.repository_id
WHERE $account IS NULL OR w.account = $account
ORDER BY w.id
