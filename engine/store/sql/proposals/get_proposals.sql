-- Proposals by id, in the order of their ids. One row each.
SELECT __proposal__
FROM proposals
WHERE id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY id
