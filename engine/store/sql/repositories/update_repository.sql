-- Change a repository's settings.
UPDATE gitops_repositories
SET account = $account, url = $url, branch = $branch, path_prefix = $path_prefix, vault_credential_path = $vault_credential_path, ssh_host_key = $ssh_host_key, enabled = $enabled,
    auto_apply = $auto_apply, auto_prune = $auto_prune, auto_heal = $auto_heal, allow_empty = $allow_empty
WHERE id = $id
