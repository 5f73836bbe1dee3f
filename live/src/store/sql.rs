//! What the databases share: rows on their way in and out, and what their errors mean.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use sqlx::error::DatabaseError;
use time::OffsetDateTime;

use super::{Fate, Row, StoreError};

/// Most rows of one statement.
pub(super) const STATEMENT_ROWS: usize = 500;

/// What is done with a message that is there already.
pub(super) const ON_CONFLICT: &str = " ON CONFLICT (id) DO UPDATE SET fate = excluded.fate, \
     reason = excluded.reason, attempts = excluded.attempts, body = excluded.body, \
     finished_at_us = excluded.finished_at_us \
     WHERE messages.fate = 'dead-lettered' AND excluded.fate = 'processed'";

/// Touches the table, so that a file without it does not pass for a store.
pub(super) const CHECK: &str = "SELECT EXISTS (SELECT 1 FROM messages)";

pub(super) const COUNT: &str = "SELECT count(*) FROM messages";

pub(super) const FIND: &str =
    "SELECT id, fate, reason, attempts, body, finished_at_us FROM messages WHERE id = $1";

/// The columns of [`FIND`].
pub(super) type Columns = (String, String, Option<String>, i64, Vec<u8>, i64);

/// One row for each message, ordered by its id.
///
/// PostgreSQL does not touch a row twice in one statement, and two writers that lock rows in the same order
/// never wait for each other in a circle.
pub(super) fn distinct(rows: &[Row]) -> Vec<&Row> {
    let mut chosen: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows {
        match chosen.entry(&row.id) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut place) => {
                if place.get().fate == Fate::DeadLettered && row.fate == Fate::Processed {
                    place.insert(row);
                }
            }
        }
    }
    chosen.into_values().collect()
}

/// The reason as every database takes it: PostgreSQL's text has no zero bytes, a program's last words may.
pub(super) fn reason(row: &Row) -> Option<Cow<'_, str>> {
    row.reason.as_deref().map(|reason| match reason.contains('\0') {
        true => Cow::Owned(reason.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(reason),
    })
}

/// When the row was finished, microseconds since 1970; an `i64` holds every year that `time` knows.
pub(super) fn finished_at_us(row: &Row) -> i64 {
    i64::try_from(row.finished_at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

/// The row that the columns describe.
pub(super) fn row(store: &str, columns: Columns) -> Result<Row, StoreError> {
    let (id, fate, reason, attempts, body, finished_at_us) = columns;
    let strange = |column: &str| {
        let rule = "only this program writes into that table";
        StoreError::Unavailable(format!("{store}: message {id:?} has a strange {column}; {rule}"))
    };
    let fate = [Fate::Processed, Fate::DeadLettered].into_iter().find(|known| known.name() == fate);
    let fate = fate.ok_or_else(|| strange("fate"))?;
    let attempts = u32::try_from(attempts).map_err(|_| strange("attempts"))?;
    let finished_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(finished_at_us) * 1_000)
        .map_err(|_| strange("finished_at_us"))?;
    Ok(Row { id, fate, reason, attempts, body: Bytes::from(body), finished_at })
}

/// What an error of the database means to its users.
pub(super) fn failure(store: &str, error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(database) if is_refusal(database.as_ref()) => {
            StoreError::Refused(format!("{store} refuses the row: {database}"))
        }
        sqlx::Error::PoolTimedOut => StoreError::Unavailable(format!("{store} does not answer")),
        _ => StoreError::Unavailable(format!("{store} cannot be used: {error}")),
    }
}

/// Whether the data is at fault, which no repetition cures.
fn is_refusal(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    match code.parse::<u32>() {
        // SQLite's codes are numbers, the kind in the low byte: TOOBIG, CONSTRAINT, MISMATCH.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        // PostgreSQL's have five characters, the kind in the first two: data, constraint, limit exceeded.
        _ => matches!(code.get(..2), Some("22" | "23" | "54")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(id: &str, fate: Fate, reason: &str) -> Row {
        let finished_at = OffsetDateTime::UNIX_EPOCH;
        let reason = Some(reason.to_owned());
        Row { id: id.into(), fate, reason, attempts: 1, body: Bytes::new(), finished_at }
    }

    #[test]
    fn of_several_rows_of_one_message_the_first_stays_unless_it_was_a_dead_letter() {
        let rows = [
            row_of("b", Fate::DeadLettered, "first"),
            row_of("a", Fate::Processed, "first"),
            row_of("b", Fate::Processed, "second"),
            row_of("a", Fate::DeadLettered, "second"),
            row_of("b", Fate::Processed, "third"),
        ];
        let kept = distinct(&rows);
        assert_eq!(kept, [&rows[1], &rows[2]]);
    }

    #[test]
    fn microseconds_are_rounded_down_on_both_sides_of_1970() {
        let mut row = row_of("a", Fate::Processed, "");
        for (ns, us) in [(1_999, 1), (-1, -1), (1_700_000_000_123_456_789, 1_700_000_000_123_456)] {
            row.finished_at = OffsetDateTime::from_unix_timestamp_nanos(ns).unwrap();
            assert_eq!(finished_at_us(&row), us);
        }
    }

    #[test]
    fn a_zero_byte_in_a_reason_is_replaced() {
        assert_eq!(reason(&row_of("a", Fate::DeadLettered, "a\0b")).unwrap(), "a\u{fffd}b");
    }

    #[test]
    fn a_row_that_somebody_else_changed_is_no_row() {
        let columns = |fate: &str, attempts| ("a".into(), fate.into(), None, attempts, vec![], 0);
        assert!(row("store", columns("processed", 1)).is_ok());
        for (fate, attempts, named) in [("lost", 1, "fate"), ("processed", -1, "attempts")] {
            assert!(row("store", columns(fate, attempts)).unwrap_err().to_string().contains(named));
        }
    }
}
