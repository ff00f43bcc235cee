-- Sign-ins that began after a time and were not ended since, newest first; a person may have several. One row each.
SELECT i.person, i.subject, epoch_us(i.issued_at), epoch_us(i.began_at)
FROM sign_ins i
WHERE least(i.issued_at, i.began_at) > $after::TIMESTAMPTZ
  AND NOT EXISTS (FROM sign_outs o WHERE o.person IN (i.person, i.subject) AND (o.kept_out OR o.ended_at >= i.began_at))
ORDER BY i.began_at DESC
