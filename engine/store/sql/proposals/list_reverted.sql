-- Resources of a repository on which the change that was applied last is a revert, with what the revert was. One row each.
SELECT key, arg_max(change, ended_at)
FROM proposals
WHERE repository_id = $repository_id AND status = 'applied'
  AND key IN (SELECT key FROM proposals WHERE repository_id = $repository_id AND origin = 'revert' AND status = 'applied')
GROUP BY key
HAVING arg_max(origin, ended_at) = 'revert'
ORDER BY key
