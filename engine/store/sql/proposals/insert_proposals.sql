-- Open proposals. One row for each element of the lists.
INSERT INTO proposals (id, live_key, repository_id, repository, key, account, kind, name, change, status, current, desired, declared, base, fields, cause,
    origin, fingerprint, revision, run_id, refers_to, blast_radius, reopened_count, opened_at, reverts)
SELECT unnest($id::BIGINT[]), unnest($live_key::VARCHAR[]), $repository_id, $repository, unnest($key::VARCHAR[]), unnest($account::VARCHAR[]),
       unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($change::VARCHAR[]), 'pending', unnest($current::VARCHAR[]), unnest($desired::VARCHAR[]),
       unnest($declared::VARCHAR[][]), unnest($base::VARCHAR[]), unnest($fields::VARCHAR[]), unnest($cause::VARCHAR[]), unnest($origin::VARCHAR[]),
       unnest($fingerprint::VARCHAR[]), $revision, $run_id, unnest($refers_to::VARCHAR[][]), unnest($blast_radius::BIGINT[]), 0, $at,
       unnest($reverts::BIGINT[])
