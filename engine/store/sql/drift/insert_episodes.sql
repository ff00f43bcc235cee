-- Open episodes. One row for each element of the lists.
INSERT INTO drift_episodes (id, repository_id, account, kind, name, change, fields, severity, moved_by, moved_at, live_version, opened_at, opened_run)
SELECT unnest($id::BIGINT[]), $repository_id, unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($change::VARCHAR[]),
       unnest($fields::VARCHAR[]), unnest($severity::VARCHAR[]), unnest($moved_by::VARCHAR[]), make_timestamptz(unnest($moved_us::BIGINT[])),
       unnest($live_version::BIGINT[]), $at, $run_id
