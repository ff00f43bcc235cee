-- The registered repository of an id; none when it was removed. At most one row.
SELECT id, name, account, url, branch, path_prefix, vault_credential_path, ssh_host_key, enabled, auto_apply, auto_prune, auto_heal, allow_empty,
       paused_reason, paused_by, epoch_us(paused_at), failure_count, epoch_us(next_attempt_at), epoch_us(created_at), proposals_version
FROM gitops_repositories
WHERE id = $id AND live_name IS NOT NULL
