-- Make the repository that is named beside each resource its holder; what was agreed on stays. The one that takes over waits no longer: delete_taken.
UPDATE claims SET repository_id = taken.repository_id, claimed_at = $at
FROM (SELECT wanted.key, g.id AS repository_id
      FROM (SELECT unnest($keys::VARCHAR[]) AS key, unnest($takers::VARCHAR[]) AS taker) wanted
      JOIN gitops_repositories g ON g.live_name = wanted.taker) taken
WHERE claims.key = taken.key
