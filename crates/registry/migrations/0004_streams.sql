-- A name belongs to the account that published to it first, or made it, until it is forgotten.
CREATE TABLE streams (
    name TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (account_id),
    is_public BIGINT NOT NULL CHECK (is_public IN (0, 1)),
    created_ms BIGINT NOT NULL
);
CREATE INDEX streams_by_account ON streams (account_id);

-- code_hash is SHA-256 of the code, which is told once. A share that ended stays for a while, so
-- that its holder is told what became of it.
CREATE TABLE shares (
    share_id TEXT PRIMARY KEY,
    stream TEXT NOT NULL REFERENCES streams (name),
    action TEXT NOT NULL CHECK (action IN ('publish', 'view')),
    label TEXT NOT NULL,
    code_hash TEXT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX shares_by_stream ON shares (stream);

-- What an entry about a stream or a share is about.
ALTER TABLE audit_log ADD COLUMN stream TEXT;
ALTER TABLE audit_log ADD COLUMN share_id TEXT;
