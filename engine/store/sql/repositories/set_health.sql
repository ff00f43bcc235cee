-- Count failures of a repository and say when a scheduled tick may try again.
UPDATE gitops_repositories SET failure_count = $failure_count, next_attempt_at = $next_attempt_at WHERE id = $id
