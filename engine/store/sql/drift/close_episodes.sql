-- Close episodes.
UPDATE drift_episodes e SET closed_at = $at, closed_run = $run_id, outcome = m.outcome
FROM (SELECT unnest($id::BIGINT[]) AS id, unnest($outcome::VARCHAR[]) AS outcome) m
WHERE e.id = m.id AND e.closed_at IS NULL
