-- Proposals by the day on which they ended or were rejected, and how; since a time, account may be NULL. One row each.
SELECT strftime(coalesce(ended_at, decided_at), '%Y-%m-%d') AS day, status, count(*)
FROM proposals
WHERE status IN ('applied', 'rejected', 'failed', 'withdrawn', 'superseded') AND coalesce(ended_at, decided_at) >= $since::TIMESTAMPTZ
  AND ($account IS NULL OR account = $account)
GROUP BY day, status
ORDER BY day, status
