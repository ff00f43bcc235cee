-- Insert one version for each element of the lists; a NULL spec records the absence.
INSERT INTO resource_history (seq, key, account, kind, name, version, spec, valid_from, valid_to, actor, cause, proposal_id, apply_id, note)
SELECT unnest($seq::BIGINT[]), unnest($key::VARCHAR[]), unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]),
       unnest($version::BIGINT[]), unnest($spec::VARCHAR[]), $at, NULL, $actor, $cause, unnest($proposal_id::BIGINT[]), $apply_id, $note
