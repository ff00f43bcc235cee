-- Begin a run.
INSERT INTO gitops_sync_runs (id, repository_id, repository, account, trigger, actor, status, started_at, revision, author, subject, committed_at,
    stages, diff_count, remaining, opened, counts, informational, proposal_ids, warnings, request_id)
VALUES ($id, $repository_id, $repository, $account, $trigger, $actor, 'running', $started_at, $revision, $author, $subject, $committed_at,
    '[]', 0, 0, 0, '{}', '[]', [], '[]', $request_id)
