-- Every proposal, oldest first, for analysis; account may be NULL. One row each.
SELECT id, account, kind, name, change, status, cause, origin, risk_of(change, cause, blast_radius) AS risk, repository, run_id, revision, reverts,
       CAST(json_array_length(fields) AS BIGINT) AS fields, blast_radius, reopened_count AS reopened, opened_at, decided_at, decided_by,
       epoch(decided_at) - epoch(opened_at) AS decided_after_s, ended_at, reason, error ->> 'code' AS error
FROM proposals
WHERE $account IS NULL OR account = $account
ORDER BY id
