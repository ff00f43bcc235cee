-- Forget what has not been withheld for long. One row for each that went.
DELETE FROM withheld_diffs WHERE closed_at < $before::TIMESTAMPTZ RETURNING id
