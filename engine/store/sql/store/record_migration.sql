-- Record one migration, in its own transaction.
INSERT INTO schema_versions (version, name, applied_at) VALUES ($version, $name, $at)
