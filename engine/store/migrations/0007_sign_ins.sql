-- Who has signed in, and whose sign-ins have ended. A cookie cannot be taken back; it names a row here, which is asked at each use.
CREATE TABLE IF NOT EXISTS sign_ins (
    id        VARCHAR PRIMARY KEY,         -- digest of the claims, in which the provider's nonce is: one for each sign-in
    person    VARCHAR NOT NULL,            -- as the audit names them
    subject   VARCHAR NOT NULL,            -- oidc:SUB; empty where it cannot be used
    issued_at TIMESTAMPTZ NOT NULL,        -- by the provider's clock
    began_at  TIMESTAMPTZ NOT NULL         -- first seen, by ours
);

CREATE TABLE IF NOT EXISTS sign_outs (
    person   VARCHAR PRIMARY KEY,          -- a name or a subject: whatever began before has ended
    ended_at TIMESTAMPTZ NOT NULL,
    ended_by VARCHAR NOT NULL,
    kept_out BOOLEAN NOT NULL              -- until somebody lets them in again
);

-- The token that a token was made with: it ends with it.
ALTER TABLE api_tokens ADD COLUMN IF NOT EXISTS made_with BIGINT;
