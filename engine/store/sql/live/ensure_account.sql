-- An account comes into being when it is first named.
INSERT INTO accounts (name, live_version, created_at) VALUES ($name, 0, $at) ON CONFLICT (name) DO NOTHING
