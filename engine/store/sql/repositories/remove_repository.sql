-- Take a repository out of service and free its name; its runs and history stay.
UPDATE gitops_repositories SET live_name = NULL, removed_at = $at WHERE id = $id
