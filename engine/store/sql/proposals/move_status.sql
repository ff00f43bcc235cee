-- Move proposals from the status that the mover saw; RETURNING would rewrite whole rows. One row: how many moved.
UPDATE proposals p
SET status = m.status, live_key = CASE WHEN m.live THEN p.live_key END, reason = coalesce(m.reason, p.reason), error = m.error,
    reopened_count = p.reopened_count + m.reopened, decided_at = CASE WHEN m.decided THEN $at ELSE p.decided_at END,
    decided_by = CASE WHEN m.decided THEN $actor ELSE p.decided_by END, ended_at = CASE WHEN m.live THEN NULL ELSE $at END
FROM (SELECT unnest($id::BIGINT[]) AS id, unnest($seen::VARCHAR[]) AS seen, unnest($status::VARCHAR[]) AS status, unnest($live::BOOLEAN[]) AS live,
             unnest($decided::BOOLEAN[]) AS decided, unnest($reopened::BIGINT[]) AS reopened, unnest($reason::VARCHAR[]) AS reason,
             unnest($error::VARCHAR[]) AS error) m
WHERE p.id = m.id AND p.status = m.seen
