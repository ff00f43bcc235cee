-- What is withheld now on one resource, with the last run of each repository. One row each.
SELECT g.name, w.change, w.reason, w.detail, (SELECT max(r.id) FROM gitops_sync_runs r WHERE r.repository_id = w.repository_id)
FROM withheld_diffs w JOIN gitops_repositories g ON g.id = w.repository_id
WHERE w.closed_run IS NULL AND w.account = $account AND w.kind = $kind AND w.name = $name
ORDER BY g.name
