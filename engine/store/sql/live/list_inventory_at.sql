-- Resources as they were at a time, by key, a page at a time; every filter may be NULL. One row each, with the count of all.
SELECT account, kind, name, spec, version, epoch_us(valid_from), actor, NULL, NULL, count(*) OVER ()
FROM fleet_at($at::TIMESTAMPTZ)
WHERE ($account IS NULL OR account = $account) AND ($kind IS NULL OR kind = $kind) AND ($text IS NULL OR contains(lower(name), lower($text)))
ORDER BY key
LIMIT $limit OFFSET $skip::BIGINT
