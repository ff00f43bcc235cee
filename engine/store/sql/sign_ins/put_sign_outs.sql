-- End whatever began before under these names. Who is kept out stays so.
INSERT INTO sign_outs (person, ended_at, ended_by, kept_out)
SELECT unnest($names::VARCHAR[]), $at, $actor, $kept_out::BOOLEAN
ON CONFLICT (person) DO UPDATE
SET ended_at = excluded.ended_at, ended_by = excluded.ended_by, kept_out = sign_outs.kept_out OR excluded.kept_out
