-- Claim resources, or set what a claim agreed on. Rejections of an existing claim are set as given.
INSERT INTO claims (key, account, kind, name, repository_id, claimed_at, base, base_revision, base_version, rejections)
SELECT unnest($key::VARCHAR[]), unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), $repository_id, $at,
       unnest($base::VARCHAR[]), unnest($base_revision::VARCHAR[]), unnest($base_version::BIGINT[]), unnest($rejections::BIGINT[])
ON CONFLICT (key) DO UPDATE SET base = excluded.base, base_revision = excluded.base_revision, base_version = excluded.base_version,
                                rejections = excluded.rejections
