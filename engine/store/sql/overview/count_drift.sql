-- Open drift episodes: how many, how many of high severity, and when the oldest opened; account may be NULL. One row.
SELECT count(*), count(*) FILTER (severity = 'high'), epoch_us(min(opened_at))
FROM drift_episodes
WHERE closed_at IS NULL AND ($account IS NULL OR account = $account)
