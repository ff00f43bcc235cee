-- Microseconds of the newest change of an account's fleet up to a time; NULL when there was none. One row.
SELECT epoch_us(max(valid_from)) FROM resource_history WHERE account = $account AND ($at IS NULL OR valid_from <= $at)
