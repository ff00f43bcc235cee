-- A success whose every proposal, opened or reopened, is applied becomes applied.
UPDATE gitops_sync_runs r SET status = 'applied'
WHERE r.status = 'success' AND r.opened > 0 AND r.repository_id IN (SELECT unnest($repository_ids::BIGINT[]))
  AND NOT EXISTS (SELECT 1 FROM proposals p WHERE p.id = ANY(r.proposal_ids) AND p.status <> 'applied')
