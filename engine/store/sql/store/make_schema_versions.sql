-- Make the record of migrations, once.
CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)
