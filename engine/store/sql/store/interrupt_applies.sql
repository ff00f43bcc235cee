-- An apply that its process did not end has failed; its finished steps stay.
UPDATE applies SET status = 'failed', finished_at = $at, error = $error WHERE status = 'running'
