-- What repositories declare while another one of the account holds it. When the holder lets go, the one that waits longest takes over.
CREATE TABLE waiting_claims (
    key           VARCHAR NOT NULL,
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    repository_id BIGINT NOT NULL,         -- enabled and bound to the account: rows of others are deleted with the change that makes them so
    since         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (key, repository_id)
);
ALTER TABLE gitops_sync_runs ADD COLUMN waiting JSON DEFAULT '[]';   -- [{kind, name, holder}]
-- Every repository is evaluated once, so that what it declares beside its holder is known.
UPDATE accounts SET live_version = live_version + 1;
