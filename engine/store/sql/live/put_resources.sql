-- Write the current spec of each resource.
INSERT INTO resources (key, account, kind, name, spec, version, updated_at, updated_by)
SELECT unnest($key::VARCHAR[]), unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), unnest($spec::VARCHAR[]),
       unnest($version::BIGINT[]), $at, $actor
ON CONFLICT (key) DO UPDATE SET spec = excluded.spec, version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by
