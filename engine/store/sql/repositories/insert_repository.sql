-- Register a repository.
INSERT INTO gitops_repositories (id, name, live_name, __settings__, failure_count, created_at, proposals_version)
VALUES ($id, $name, $name, $__settings__, 0, $at, 0)
