-- How an apply ended.
UPDATE applies SET status = $status, finished_at = $at, error = $error WHERE id = $id
