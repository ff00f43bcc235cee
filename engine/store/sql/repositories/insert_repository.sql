-- Register a repository.
INSERT INTO gitops_repositories (id, name, live_name, account, url, branch, path_prefix, vault_credential_path, ssh_host_key, enabled, auto_apply, auto_prune,
    auto_heal, allow_empty, failure_count, created_at, proposals_version)
VALUES ($id, $name, $name, $account, $url, $branch, $path_prefix, $vault_credential_path, $ssh_host_key, $enabled, $auto_apply, $auto_prune, $auto_heal,
    $allow_empty, 0, $at, 0)
