-- How many live proposals each repository has in each status, and since when. One row for each pair.
SELECT repository_id, status, count(*), epoch_us(min(opened_at)) FROM proposals
WHERE live_key IS NOT NULL AND ($account IS NULL OR account = $account)
GROUP BY repository_id, status ORDER BY repository_id, status
