-- One row per message, however often it was delivered.
CREATE TABLE messages (
    id          TEXT PRIMARY KEY NOT NULL,
    fate        TEXT NOT NULL CHECK (fate IN ('processed', 'dead_lettered')),
    reason      TEXT,
    attempts    INTEGER NOT NULL,
    body        BLOB NOT NULL,
    finished_at TEXT NOT NULL
) WITHOUT ROWID;
