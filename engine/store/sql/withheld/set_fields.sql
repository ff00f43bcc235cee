-- Give differences that an older version withheld their fields. One element of each list for each row.
UPDATE withheld_diffs SET fields = n.fields
FROM (SELECT unnest($ids::BIGINT[]) AS id, unnest($fields::VARCHAR[]) AS fields) n WHERE withheld_diffs.id = n.id
