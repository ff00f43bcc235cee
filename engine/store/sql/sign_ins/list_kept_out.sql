-- Names that are kept out. One row each.
SELECT person, epoch_us(ended_at), ended_by FROM sign_outs WHERE kept_out ORDER BY person
