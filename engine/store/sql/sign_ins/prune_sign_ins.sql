-- Forget sign-ins whose cookie nobody takes any more. One row for each that went.
DELETE FROM sign_ins WHERE began_at < $before::TIMESTAMPTZ RETURNING id
