-- Commits that some repositories' runs saw since a time, oldest first. One row each.
SELECT repository, revision, epoch_us(min(committed_at)) AS committed, any_value(subject), any_value(author)
FROM gitops_sync_runs
WHERE repository_id IN (SELECT unnest($repository_ids::BIGINT[])) AND committed_at >= $since::TIMESTAMPTZ
GROUP BY repository, revision
ORDER BY committed, revision
LIMIT 300
