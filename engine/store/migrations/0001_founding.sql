-- The founding schema: live fleet with history, claims, and the workflow's records.
-- Times are UTC; JSON columns hold canonical text; `key` is account/kind/name.

CREATE SEQUENCE event_seq;
CREATE SEQUENCE history_seq;
CREATE SEQUENCE repository_id;
CREATE SEQUENCE run_id;
CREATE SEQUENCE proposal_id;
CREATE SEQUENCE withheld_id;
CREATE SEQUENCE apply_id;
CREATE SEQUENCE step_id;
CREATE SEQUENCE episode_id;

CREATE TABLE store_notes (
    name  VARCHAR PRIMARY KEY,   -- views_digest, paused
    value JSON NOT NULL
);

CREATE TABLE accounts (
    name         VARCHAR PRIMARY KEY,
    live_version BIGINT NOT NULL,   -- moves with every live write, claim and newly known version
    created_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE resources (
    key        VARCHAR PRIMARY KEY,
    account    VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,
    name       VARCHAR NOT NULL,
    spec       JSON NOT NULL,
    version    BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    updated_by VARCHAR NOT NULL
);

CREATE TABLE resource_history (
    seq         BIGINT PRIMARY KEY,
    key         VARCHAR NOT NULL,
    account     VARCHAR NOT NULL,
    kind        VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    version     BIGINT NOT NULL,
    spec        JSON,                 -- NULL: this version is the absence of the resource
    valid_from  TIMESTAMPTZ NOT NULL,
    valid_to    TIMESTAMPTZ,          -- set once, by the write that inserts the next version
    actor       VARCHAR NOT NULL,
    cause       VARCHAR NOT NULL,     -- edit, apply
    proposal_id BIGINT,
    apply_id    BIGINT,
    note        VARCHAR
);

CREATE TABLE module_versions (
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    version       VARCHAR NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account, kind, name, version)
);

CREATE TABLE claims (
    key           VARCHAR PRIMARY KEY,
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    repository_id BIGINT NOT NULL,
    claimed_at    TIMESTAMPTZ NOT NULL,
    base          JSON,               -- NULL: claimed, not owned
    base_revision VARCHAR,
    base_version  BIGINT,
    rejections    BIGINT NOT NULL
);

CREATE TABLE gitops_repositories (
    id                    BIGINT PRIMARY KEY,
    name                  VARCHAR NOT NULL,
    live_name             VARCHAR UNIQUE,   -- NULL once removed: the name is free again
    account               VARCHAR NOT NULL,
    url                   VARCHAR NOT NULL,
    branch                VARCHAR NOT NULL,
    path_prefix           VARCHAR NOT NULL,
    vault_credential_path VARCHAR,
    enabled               BOOLEAN NOT NULL,
    auto_apply            BOOLEAN NOT NULL,
    auto_prune            BOOLEAN NOT NULL,
    auto_heal             BOOLEAN NOT NULL,
    allow_empty           BOOLEAN NOT NULL,
    paused_reason         VARCHAR,
    paused_by             VARCHAR,
    paused_at             TIMESTAMPTZ,
    failure_count         BIGINT NOT NULL,
    next_attempt_at       TIMESTAMPTZ,
    created_at            TIMESTAMPTZ NOT NULL,
    removed_at            TIMESTAMPTZ,
    proposals_version     BIGINT NOT NULL
);

CREATE TABLE gitops_sync_runs (
    id            BIGINT PRIMARY KEY,
    repository_id BIGINT NOT NULL,
    repository    VARCHAR NOT NULL,
    account       VARCHAR NOT NULL,
    trigger       VARCHAR NOT NULL,
    actor         VARCHAR NOT NULL,
    status        VARCHAR NOT NULL,   -- running, failed, partial, success, applied
    started_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ,
    revision      VARCHAR,
    author        VARCHAR,
    subject       VARCHAR,
    committed_at  TIMESTAMPTZ,
    stages        JSON NOT NULL,      -- [{stage, seconds}] in the order they ran
    diff_count    BIGINT NOT NULL,
    remaining     BIGINT NOT NULL,
    opened        BIGINT NOT NULL,
    counts        JSON NOT NULL,      -- {section: {create, update, destroy, unchanged}}
    informational JSON NOT NULL,      -- [{kind, name, change}]
    proposal_ids  BIGINT[] NOT NULL,  -- opened or reopened by this run, in apply order
    warnings      JSON NOT NULL,
    error         JSON,
    inputs        VARCHAR             -- what the tick saw when it ended; NULL: the next tick must look again
);

CREATE TABLE proposals (
    id             BIGINT PRIMARY KEY,
    live_key       VARCHAR UNIQUE,    -- repository_id/key while the proposal is live, NULL after
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
    ended_at       TIMESTAMPTZ
);

CREATE TABLE withheld_diffs (
    id            BIGINT PRIMARY KEY,
    repository_id BIGINT NOT NULL,
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    change        VARCHAR NOT NULL,
    reason        VARCHAR NOT NULL,
    detail        VARCHAR NOT NULL,
    position      BIGINT NOT NULL,    -- place in the order in which the cap lets them through
    opened_run    BIGINT NOT NULL,
    opened_at     TIMESTAMPTZ NOT NULL,
    closed_run    BIGINT,             -- first run that no longer withholds it
    closed_at     TIMESTAMPTZ
);

CREATE TABLE applies (
    id            BIGINT PRIMARY KEY,
    repository_id BIGINT,
    run_id        BIGINT,             -- the tick that applied, if one did
    trigger       VARCHAR NOT NULL,   -- tick, manual
    actor         VARCHAR NOT NULL,
    status        VARCHAR NOT NULL,   -- running, done, failed
    started_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ,
    error         JSON
);

CREATE TABLE apply_steps (
    id            BIGINT PRIMARY KEY,
    apply_id      BIGINT NOT NULL,
    proposal_id   BIGINT NOT NULL,
    repository_id BIGINT NOT NULL,
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    change        VARCHAR NOT NULL,
    wave          BIGINT NOT NULL,
    outcome       VARCHAR NOT NULL,   -- applied, failed
    actor         VARCHAR NOT NULL,
    ended_at      TIMESTAMPTZ NOT NULL,
    error         JSON
);

CREATE TABLE drift_episodes (
    id            BIGINT PRIMARY KEY,
    repository_id BIGINT NOT NULL,
    account       VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    change        VARCHAR NOT NULL,   -- what would bring live back
    fields        JSON NOT NULL,      -- [{path, base, live, desired}]
    severity      VARCHAR NOT NULL,   -- medium, high
    moved_by      VARCHAR,
    moved_at      TIMESTAMPTZ,
    live_version  BIGINT,
    opened_at     TIMESTAMPTZ NOT NULL,
    opened_run    BIGINT NOT NULL,
    closed_at     TIMESTAMPTZ,
    closed_run    BIGINT,
    outcome       VARCHAR             -- reverted, codified, removed
);

CREATE TABLE fleet_events (
    seq           BIGINT PRIMARY KEY,
    happened_at   TIMESTAMPTZ NOT NULL,
    type          VARCHAR NOT NULL,
    actor         VARCHAR NOT NULL,
    account       VARCHAR,
    repository_id BIGINT,
    run_id        BIGINT,
    proposal_id   BIGINT,
    kind          VARCHAR,
    name          VARCHAR,
    reason        VARCHAR,
    data          JSON
);
