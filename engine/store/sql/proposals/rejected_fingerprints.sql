-- Which of these differences a person has rejected before. One row for each.
SELECT DISTINCT p.fingerprint FROM proposals p JOIN fleet_events e ON e.proposal_id = p.id AND e.type = 'gitops.proposal_rejected'
WHERE p.origin = 'git' AND p.repository_id = $repository_id AND p.fingerprint IN (SELECT unnest($fingerprints::VARCHAR[])) ORDER BY p.fingerprint
