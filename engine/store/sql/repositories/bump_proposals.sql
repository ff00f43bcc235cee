-- Proposals of these repositories moved.
UPDATE gitops_repositories SET proposals_version = proposals_version + 1 WHERE id IN (SELECT unnest($ids::BIGINT[]))
