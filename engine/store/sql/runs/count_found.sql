-- How many runs the filters let through; every filter may be NULL. One row.
SELECT count(*)
FROM gitops_sync_runs
WHERE ($account IS NULL OR account = $account)
  AND ($repositories::VARCHAR[] IS NULL OR list_contains($repositories::VARCHAR[], repository))
  AND ($statuses::VARCHAR[] IS NULL OR list_contains($statuses::VARCHAR[], status))
  AND ($text IS NULL OR contains(lower(coalesce(subject, '')), lower($text)) OR contains(lower(coalesce(author, '')), lower($text))
       OR starts_with(coalesce(revision, ''), lower($text)))
