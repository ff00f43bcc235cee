-- How many nodes proposals reach by now.
UPDATE proposals SET blast_radius = m.reached
FROM (SELECT unnest($ids::BIGINT[]) AS id, unnest($reached::BIGINT[]) AS reached) m
WHERE proposals.id = m.id
