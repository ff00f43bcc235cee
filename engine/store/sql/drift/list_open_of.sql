-- Open episodes on some resources. One row each.
SELECT repository_id, id, account, kind, name, change, fields, live_version
FROM drift_episodes
WHERE closed_at IS NULL AND account || '/' || kind || '/' || name IN (SELECT unnest($keys::VARCHAR[]))
ORDER BY id
