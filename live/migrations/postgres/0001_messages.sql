-- One row a message, however often it was delivered. The table has the same columns in every database.
CREATE TABLE messages (
    id             TEXT   NOT NULL PRIMARY KEY,
    fate           TEXT   NOT NULL CHECK (fate IN ('processed', 'dead-lettered')),
    reason         TEXT,
    attempts       BIGINT NOT NULL,
    body           BYTEA  NOT NULL,
    -- Microseconds since 1970, UTC: to_timestamp(finished_at_us / 1e6) reads it.
    finished_at_us BIGINT NOT NULL
);
