-- Change a repository's settings.
UPDATE gitops_repositories
SET __settings__ = $__settings__
WHERE id = $id
