-- Runs, newest first, a page at a time; every filter may be NULL. One row each.
SELECT __run__
FROM gitops_sync_runs
WHERE id IN (
    SELECT id
    FROM gitops_sync_runs
    WHERE ($account IS NULL OR account = $account)
      AND ($repositories::VARCHAR[] IS NULL OR list_contains($repositories::VARCHAR[], repository))
      AND ($statuses::VARCHAR[] IS NULL OR list_contains($statuses::VARCHAR[], status))
      AND ($text IS NULL OR contains(lower(coalesce(subject, '')), lower($text)) OR contains(lower(coalesce(author, '')), lower($text))
           OR starts_with(coalesce(revision, ''), lower($text)))
    ORDER BY id DESC
    LIMIT $limit OFFSET $skip::BIGINT
)
ORDER BY id DESC
