-- Every name under which somebody has signed in who is known by one of these. One row for each.
SELECT DISTINCT unnest([person, subject]) AS name
FROM sign_ins
WHERE person IN (SELECT unnest($names::VARCHAR[])) OR subject IN (SELECT unnest($names::VARCHAR[]))
ORDER BY name
