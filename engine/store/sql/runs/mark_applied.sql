-- A success whose every proposal, opened or reopened, is applied becomes applied.
UPDATE gitops_sync_runs SET status = 'applied'
WHERE id IN (
    SELECT o.run_id
    FROM (SELECT id AS run_id, unnest(proposal_ids) AS proposal_id
          FROM gitops_sync_runs
          WHERE status = 'success' AND opened > 0 AND repository_id IN (SELECT unnest($repository_ids::BIGINT[]))) o
    JOIN proposals p ON p.id = o.proposal_id
    GROUP BY o.run_id
    HAVING bool_and(p.status = 'applied'))
