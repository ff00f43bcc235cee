-- Which of some repositories are paused, by whom and why, by name. One row each.
SELECT id, name, paused_by, paused_reason
FROM gitops_repositories
WHERE removed_at IS NULL AND paused_reason IS NOT NULL AND id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY name, id
