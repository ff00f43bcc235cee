-- Proposals that take back the change of one of these, oldest first. One row each.
SELECT id
FROM proposals
WHERE reverts IN (SELECT unnest($ids::BIGINT[]))
ORDER BY id
