-- What a withheld difference would change, path by path. Rows of before know nothing of it.
ALTER TABLE withheld_diffs ADD COLUMN fields JSON DEFAULT '[]';
