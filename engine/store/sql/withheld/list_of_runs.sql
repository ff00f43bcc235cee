-- What some runs withheld, in the order in which the cap lets them through. One row each.
SELECT r.run_id, w.account, w.kind, w.name, w.change, w.reason, w.detail
FROM (SELECT unnest($repository_ids::BIGINT[]) AS repository_id, unnest($run_ids::BIGINT[]) AS run_id) r
JOIN withheld_diffs w ON w.repository_id = r.repository_id AND w.opened_run <= r.run_id AND (w.closed_run IS NULL OR w.closed_run > r.run_id)
ORDER BY r.run_id, w.position, w.id
