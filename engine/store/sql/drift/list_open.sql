-- Open episodes of one repository. One row each.
SELECT id, account, kind, name, change, fields, live_version FROM drift_episodes WHERE repository_id = $repository_id AND closed_at IS NULL ORDER BY id
