-- How many of the keys still stand at the version that the writer saw. One row.
SELECT count(*) FROM (SELECT unnest($keys::VARCHAR[]) AS key, unnest($versions::BIGINT[]) AS version) seen
LEFT JOIN resources r ON r.key = seen.key
WHERE r.version IS NOT DISTINCT FROM seen.version
