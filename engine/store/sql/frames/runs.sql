-- Every run, oldest first, for analysis; account may be NULL. One row each.
WITH timed AS (SELECT id, from_json(stages, '[{"stage":"VARCHAR","seconds":"DOUBLE"}]') AS stages FROM gitops_sync_runs)
SELECT r.id, r.repository, r.account, r.status, r.trigger, r.actor, r.started_at, epoch(r.finished_at) - epoch(r.started_at) AS seconds, r.revision,
       r.author, r.subject, r.diff_count, r.opened, r.remaining, len(r.proposal_ids) AS proposals,
       CAST(json_array_length(r.warnings) AS BIGINT) AS warnings, r.error ->> 'stage' AS failed_stage, r.error ->> 'code' AS error,
       list_extract(list_filter(t.stages, lambda s: s.stage = 'sync'), 1).seconds AS sync_s,
       list_extract(list_filter(t.stages, lambda s: s.stage = 'parse'), 1).seconds AS parse_s,
       list_extract(list_filter(t.stages, lambda s: s.stage = 'diff'), 1).seconds AS diff_s,
       list_extract(list_filter(t.stages, lambda s: s.stage = 'propose'), 1).seconds AS propose_s,
       list_extract(list_filter(t.stages, lambda s: s.stage = 'apply'), 1).seconds AS apply_s
FROM gitops_sync_runs r JOIN timed t ON t.id = r.id
WHERE $account IS NULL OR r.account = $account
ORDER BY r.id
