-- Forget when people signed out, once no cookie from before is taken any more; never who is kept out. One row for each that went.
DELETE FROM sign_outs WHERE ended_at < $before::TIMESTAMPTZ AND NOT kept_out RETURNING person
