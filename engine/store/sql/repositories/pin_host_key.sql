-- From now on, the repository's ssh host must show this key.
UPDATE gitops_repositories SET ssh_host_key = $key WHERE id = $id
