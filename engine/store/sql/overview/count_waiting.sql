-- How many proposals are pending, approved and failed, and when the oldest pending one was opened; account may be NULL. One row.
SELECT count(*) FILTER (status = 'pending'), count(*) FILTER (status = 'approved'), count(*) FILTER (status = 'failed'),
       epoch_us(min(opened_at) FILTER (status = 'pending'))
FROM proposals
WHERE live_key IS NOT NULL AND ($account IS NULL OR account = $account)
