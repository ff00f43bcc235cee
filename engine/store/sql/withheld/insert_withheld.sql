-- Withhold differences. One row for each element of the lists.
INSERT INTO withheld_diffs (id, repository_id, account, kind, name, change, reason, detail, fields, position, opened_run, opened_at)
SELECT unnest($id::BIGINT[]), $repository_id, unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($change::VARCHAR[]),
       unnest($reason::VARCHAR[]), unnest($detail::VARCHAR[]), unnest($fields::VARCHAR[]), unnest($position::BIGINT[]), $run_id, $at
