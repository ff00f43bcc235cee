-- Record steps that were tried. One row for each element of the lists.
INSERT INTO apply_steps (id, apply_id, proposal_id, repository_id, account, kind, name, change, wave, outcome, actor, ended_at, error)
SELECT unnest($id::BIGINT[]), $apply_id, unnest($proposal_id::BIGINT[]), unnest($repository_id::BIGINT[]), unnest($account::VARCHAR[]),
       unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($change::VARCHAR[]), unnest($wave::BIGINT[]), $outcome, $actor, $at, unnest($error::VARCHAR[])
