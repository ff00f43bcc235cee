-- What is in the file besides sequences and indexes: tables, views, macros and triggers, with the text that defines them. It asks the catalog alone.
SELECT 'table' AS what, schema_name, table_name AS name, '' AS text FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
UNION ALL
SELECT 'view', schema_name, view_name, sql FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
UNION ALL
SELECT 'macro', schema_name, function_name, macro_definition FROM duckdb_functions() WHERE database_name = current_database() AND NOT internal
UNION ALL
SELECT 'trigger', schema_name, trigger_name, '' FROM duckdb_triggers() WHERE database_name = current_database()
ORDER BY what, schema_name, name
