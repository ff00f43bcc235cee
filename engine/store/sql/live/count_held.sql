-- How many resources are claimed by the repository named beside each. One row.
SELECT count(*) FROM (SELECT unnest($keys::VARCHAR[]) AS key, unnest($repository_ids::BIGINT[]) AS repository_id) wanted
JOIN claims c ON c.key = wanted.key AND c.repository_id = wanted.repository_id
