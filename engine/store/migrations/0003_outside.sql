-- Those who come from outside: the requests behind events and runs, tokens of the API, deliveries of webhooks.
ALTER TABLE fleet_events ADD COLUMN request_id VARCHAR;
ALTER TABLE gitops_sync_runs ADD COLUMN request_id VARCHAR;

CREATE SEQUENCE token_id;
CREATE SEQUENCE delivery_id;

CREATE TABLE api_tokens (
    id          BIGINT PRIMARY KEY,
    jti         VARCHAR UNIQUE NOT NULL,   -- names the token inside it; worth nothing without the key that signs
    name        VARCHAR NOT NULL,
    account     VARCHAR NOT NULL,          -- or * for every one
    permissions VARCHAR[] NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  VARCHAR NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    revoked_at  TIMESTAMPTZ,
    revoked_by  VARCHAR
);

CREATE TABLE webhook_deliveries (
    id            BIGINT PRIMARY KEY,
    repository_id BIGINT NOT NULL,
    provider      VARCHAR NOT NULL,        -- github, gitea, gitlab
    delivery      VARCHAR,                 -- the provider's own id
    revision      VARCHAR,
    outcome       VARCHAR NOT NULL,        -- tick asked for, or why not
    received_at   TIMESTAMPTZ NOT NULL
);
