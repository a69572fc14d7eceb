-- TEXT and BIGINT only, so that PostgreSQL reads the same. Ids, hashes, keys and signatures are
-- base64url; times are Unix milliseconds but where a name ends in _s.

CREATE TABLE accounts (
    account_id TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    created_ms BIGINT NOT NULL
);

-- A revoked device stays: its id is never accepted again.
CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (account_id),
    record TEXT NOT NULL,
    label TEXT,
    added_ms BIGINT NOT NULL,
    last_seen_ms BIGINT,
    revoked_ms BIGINT
);
CREATE INDEX devices_by_account ON devices (account_id);

-- Without signatures the pair is unverified. label_a is what the account of device_a calls it.
CREATE TABLE device_pairs (
    pair_id TEXT PRIMARY KEY,
    device_a TEXT NOT NULL REFERENCES devices (device_id),
    device_b TEXT NOT NULL REFERENCES devices (device_id),
    created_ms BIGINT NOT NULL,
    sig_a TEXT,
    sig_b TEXT,
    label_a TEXT,
    label_b TEXT,
    revoked_ms BIGINT,
    CHECK (device_a < device_b),
    CHECK ((sig_a IS NULL) = (sig_b IS NULL))
);
CREATE INDEX device_pairs_by_a ON device_pairs (device_a);
CREATE INDEX device_pairs_by_b ON device_pairs (device_b);

CREATE TABLE invites (
    secret_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('setup', 'account')),
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);

-- One row per place in the ring; a key that leaves the ring leaves the table.
CREATE TABLE signing_keys (
    place TEXT PRIMARY KEY CHECK (place IN ('previous', 'current', 'next')),
    kid TEXT NOT NULL UNIQUE,
    seed TEXT NOT NULL,
    stored_ms BIGINT NOT NULL
);

CREATE TABLE used_assertions (
    issuer TEXT NOT NULL,
    jti_hash TEXT NOT NULL,
    forget_after_s BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti_hash)
);
CREATE INDEX used_assertions_by_end ON used_assertions (forget_after_s);

-- No references: an entry outlives what it speaks of.
CREATE TABLE audit_log (
    sequence BIGINT PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    account_id TEXT,
    device_id TEXT,
    pair_id TEXT
);
