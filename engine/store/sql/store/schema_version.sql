-- The number of the newest migration applied; 0 for a new store. One row.
SELECT coalesce(max(version), 0) FROM schema_versions
