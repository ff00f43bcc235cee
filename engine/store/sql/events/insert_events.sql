-- Record events. One row for each element of the lists.
INSERT INTO fleet_events (seq, happened_at, type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id)
SELECT unnest($seq::BIGINT[]), $at, unnest($type::VARCHAR[]), $actor, unnest($account::VARCHAR[]), unnest($repository_id::BIGINT[]),
       unnest($run_id::BIGINT[]), unnest($proposal_id::BIGINT[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($reason::VARCHAR[]),
       unnest($data::VARCHAR[]), $request_id
