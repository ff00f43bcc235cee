-- Keep that a credential may be sent to a host; who confirmed it first stays.
INSERT INTO credential_hosts (account, path, host, confirmed_at, confirmed_by)
VALUES ($account, $path, $host, $at, $actor)
ON CONFLICT (account, path, host) DO NOTHING
