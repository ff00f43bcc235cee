-- Hosts to which an account's credentials may be sent. Credentials are known by their path in Vault, in its normal form.
CREATE TABLE credential_hosts (
    account      VARCHAR NOT NULL,
    path         VARCHAR NOT NULL,   -- MOUNT/data/NAME
    host         VARCHAR NOT NULL,   -- host:port
    confirmed_at TIMESTAMPTZ NOT NULL,
    confirmed_by VARCHAR NOT NULL,
    PRIMARY KEY (account, path, host)
);
-- What registered repositories use already counts as confirmed. Hosts are read out of URLs by the engine, when it opens the store next.
INSERT INTO store_notes
SELECT 'credentials_in_use', 'true'
WHERE EXISTS (SELECT 1 FROM gitops_repositories WHERE removed_at IS NULL AND vault_credential_path IS NOT NULL);
