-- Runs by id, in the order of their ids. One row each.
SELECT id, repository_id, repository, account, trigger, actor, status, epoch_us(started_at), epoch_us(finished_at), revision, author, subject,
       epoch_us(committed_at), stages, diff_count, remaining, opened, counts, informational, waiting, proposal_ids, warnings, error, inputs, request_id
FROM gitops_sync_runs
WHERE id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY id
