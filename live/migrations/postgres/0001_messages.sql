-- One row per message, however often it was delivered.
CREATE TABLE messages (
    id          TEXT PRIMARY KEY,
    fate        TEXT NOT NULL CHECK (fate IN ('processed', 'dead_lettered')),
    reason      TEXT,
    attempts    INTEGER NOT NULL,
    body        BYTEA NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL
);
