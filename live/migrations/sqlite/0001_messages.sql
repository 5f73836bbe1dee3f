-- One row a message, however often it was delivered. The table has the same columns in every database.
CREATE TABLE messages (
    id             TEXT    NOT NULL PRIMARY KEY,
    fate           TEXT    NOT NULL CHECK (fate IN ('processed', 'dead-lettered')),
    reason         TEXT,
    attempts       INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    -- Microseconds since 1970, UTC: datetime(finished_at_us / 1e6, 'unixepoch') reads it.
    finished_at_us INTEGER NOT NULL
) STRICT;
