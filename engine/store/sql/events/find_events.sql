-- Events, newest first, a page at a time; every filter may be NULL. One row each.
SELECT seq, epoch_us(happened_at), type, actor, account, repository_id, run_id, proposal_id, kind, name, reason, data, request_id
FROM fleet_events
WHERE ($account IS NULL OR account = $account)
  AND ($types::VARCHAR[] IS NULL OR list_contains($types::VARCHAR[], type))
  AND ($actor IS NULL OR contains(lower(actor), lower($actor)))
  AND ($repository_id IS NULL OR repository_id = $repository_id)
  AND ($before IS NULL OR seq < $before)
  AND ($since::TIMESTAMPTZ IS NULL OR happened_at >= $since::TIMESTAMPTZ)
  AND ($text IS NULL OR contains(lower(coalesce(name, '')), lower($text)) OR contains(lower(coalesce(reason, '')), lower($text)))
ORDER BY seq DESC
LIMIT $limit OFFSET $skip::BIGINT
