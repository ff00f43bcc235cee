-- How many events the filters let through; every filter may be NULL. One row.
SELECT count(*)
FROM fleet_events
WHERE ($account IS NULL OR account = $account)
  AND ($types::VARCHAR[] IS NULL OR list_contains($types::VARCHAR[], type))
  AND ($actor IS NULL OR contains(lower(actor), lower($actor)))
  AND ($repository_id IS NULL OR repository_id = $repository_id)
  AND ($since::TIMESTAMPTZ IS NULL OR happened_at >= $since::TIMESTAMPTZ)
  AND ($text IS NULL OR contains(lower(coalesce(name, '')), lower($text)) OR contains(lower(coalesce(reason, '')), lower($text)))
