-- Runs by id, in the order of their ids. One row each.
SELECT __run__
FROM gitops_sync_runs
WHERE id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY id
