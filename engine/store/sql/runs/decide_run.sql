-- What a tick decided, in the transaction of its decisions.
UPDATE gitops_sync_runs
SET diff_count = $diff_count, remaining = $remaining, opened = $opened, counts = $counts, informational = $informational, waiting = $waiting,
    proposal_ids = $proposal_ids, warnings = $warnings
WHERE id = $id
