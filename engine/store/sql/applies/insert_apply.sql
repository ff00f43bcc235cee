-- Begin an apply.
INSERT INTO applies (id, repository_id, run_id, trigger, actor, status, started_at)
VALUES ($id, $repository_id, $run_id, $trigger, $actor, 'running', $at)
