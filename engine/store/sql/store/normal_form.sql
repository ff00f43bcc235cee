-- Each SELECT in the form that DuckDB writes, in the order given; NULL for what is no single SELECT. Nothing is run.
SELECT CASE WHEN json_serialize_sql(text) ->> 'error' = 'false' THEN json_deserialize_sql(json_serialize_sql(text)) END
FROM (SELECT unnest($texts::VARCHAR[]) AS text, generate_subscripts($texts::VARCHAR[], 1) AS place)
ORDER BY place
