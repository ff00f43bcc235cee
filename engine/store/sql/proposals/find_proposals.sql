-- Proposals, newest first or as they would be decided (oldest first); every filter may be NULL. One row each.
SELECT __proposal__
FROM proposals
WHERE id IN (
    SELECT id
    FROM proposals
    WHERE ($account IS NULL OR account = $account)
      AND ($repositories::VARCHAR[] IS NULL OR list_contains($repositories::VARCHAR[], repository))
      AND ($statuses::VARCHAR[] IS NULL OR list_contains($statuses::VARCHAR[], status))
      AND ($kinds::VARCHAR[] IS NULL OR list_contains($kinds::VARCHAR[], kind))
      AND ($changes::VARCHAR[] IS NULL OR list_contains($changes::VARCHAR[], change))
      AND ($causes::VARCHAR[] IS NULL OR list_contains($causes::VARCHAR[], CASE WHEN reverts IS NULL THEN cause ELSE 'revert' END))
      AND ($risks::VARCHAR[] IS NULL OR list_contains($risks::VARCHAR[], risk_of(change, cause, blast_radius)))
      AND ($run_id IS NULL OR (run_id = $run_id AND reverts IS NULL))
      AND ($before IS NULL OR id < $before)
      AND ($opened_before::TIMESTAMPTZ IS NULL OR opened_at < $opened_before::TIMESTAMPTZ)
      AND ($text IS NULL OR contains(lower(name), lower($text)) OR contains(lower(coalesce(reason, '')), lower($text)))
    ORDER BY CASE WHEN $oldest_first::BOOLEAN THEN id ELSE -id END
    LIMIT $limit OFFSET $skip::BIGINT
)
ORDER BY CASE WHEN $oldest_first::BOOLEAN THEN id ELSE -id END
