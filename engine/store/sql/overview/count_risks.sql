-- Pending proposals by risk; account may be NULL. One row each.
SELECT risk_of(change, cause, blast_radius) AS risk, count(*)
FROM proposals
WHERE live_key IS NOT NULL AND status = 'pending' AND ($account IS NULL OR account = $account)
GROUP BY risk
ORDER BY risk
