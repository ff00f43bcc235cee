-- The next $count numbers of a sequence. One row each.
SELECT nextval($sequence) FROM range($count)
