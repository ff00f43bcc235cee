-- When a sign-in was first seen, when sign-ins under these names last ended, and whether they are kept out. One row; NULL where never.
SELECT (SELECT epoch_us(began_at) FROM sign_ins WHERE id = $id), epoch_us(max(ended_at)), coalesce(bool_or(kept_out), false)
FROM sign_outs
WHERE person IN (SELECT unnest($names::VARCHAR[]))
