-- How many resources a repository holds. One row.
SELECT count(*) FROM claims WHERE repository_id = $repository_id
