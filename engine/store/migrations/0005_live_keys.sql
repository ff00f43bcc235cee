-- At most one live proposal of a repository on a resource: by a narrow table of its own. An index on the wide one made the end of each
-- proposal, which frees its key, a rewrite of its whole row: 50 µs each.
CREATE TABLE live_keys (
    live_key    VARCHAR PRIMARY KEY,
    proposal_id BIGINT NOT NULL
);
INSERT INTO live_keys SELECT live_key, id FROM proposals WHERE live_key IS NOT NULL;

CREATE TABLE proposals_moved (
    id             BIGINT PRIMARY KEY,
    live_key       VARCHAR,    -- repository_id/key while the proposal is live, NULL after; unique by live_keys
    repository_id  BIGINT NOT NULL,
    repository     VARCHAR NOT NULL,
    key            VARCHAR NOT NULL,
    account        VARCHAR NOT NULL,
    kind           VARCHAR NOT NULL,
    name           VARCHAR NOT NULL,
    change         VARCHAR NOT NULL,
    status         VARCHAR NOT NULL,
    current        JSON,
    desired        JSON,
    declared       VARCHAR[] NOT NULL,
    base           JSON,
    fields         JSON NOT NULL,
    cause          VARCHAR NOT NULL,
    origin         VARCHAR NOT NULL,
    fingerprint    VARCHAR NOT NULL,
    revision       VARCHAR NOT NULL,
    run_id         BIGINT NOT NULL,
    refers_to      VARCHAR[] NOT NULL,
    blast_radius   BIGINT NOT NULL,
    reopened_count BIGINT NOT NULL,
    reason         VARCHAR,
    error          JSON,
    opened_at      TIMESTAMPTZ NOT NULL,
    decided_at     TIMESTAMPTZ,
    decided_by     VARCHAR,
    ended_at       TIMESTAMPTZ,
    reverts        BIGINT
);
INSERT INTO proposals_moved BY NAME SELECT * FROM proposals;
DROP TABLE proposals;
ALTER TABLE proposals_moved RENAME TO proposals;
