-- What a repository's last run withholds. One row each.
SELECT id, account, kind, name, change, reason, detail, fields, position FROM withheld_diffs WHERE repository_id = $repository_id AND closed_run IS NULL ORDER BY id
