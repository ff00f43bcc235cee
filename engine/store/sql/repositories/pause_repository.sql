-- Pause a repository, or resume it with NULLs.
UPDATE gitops_repositories SET paused_reason = $reason, paused_by = $actor, paused_at = $at WHERE id = $id
