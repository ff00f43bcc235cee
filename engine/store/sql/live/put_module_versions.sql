-- Remember versions. One row for each that was not known.
INSERT INTO module_versions (account, kind, name, version, first_seen_at)
SELECT $account, unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($version::VARCHAR[]), $at
ON CONFLICT DO NOTHING
