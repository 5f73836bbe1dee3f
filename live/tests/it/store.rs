//! The store: what every database must do, and what the writer makes of one that is down.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use live::store::{Fate, Row, Store, StoreChoice, StoreError, Writer};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::postgresql::{Cluster, PASSWORD, shared};
use crate::support::runtime;

/// A call must not take longer, even on a busy machine; five seconds are promised.
const PATIENCE: Duration = Duration::from_secs(7);

/// An empty place for a store, of its own for each test.
struct Place {
    choice: StoreChoice,
    url: String,
    _folder: TempDir,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("new/folder/store.db").display());
        Place { choice: url.parse().unwrap(), url, _folder: folder }
    }

    async fn postgres(cluster: &Cluster) -> Self {
        let url = cluster.new_database().await;
        Place { choice: url.parse().unwrap(), url, _folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self) -> Arc<dyn Store> {
        self.choice.open().await.unwrap().expect("a store is chosen")
    }

    fn file(&self) -> &Path {
        Path::new(self.url.strip_prefix("sqlite:").unwrap())
    }
}

/// Runs each test against both databases.
macro_rules! for_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() {
                super::runtime().block_on(async { super::$test(super::Place::sqlite()).await });
            })*
        }
        mod postgres {
            $(#[test] fn $test() {
                super::runtime().block_on(async {
                    super::$test(super::Place::postgres(super::shared()).await).await
                });
            })*
        }
    };
}

for_both_databases!(
    a_message_kept_a_thousand_times_has_one_row,
    a_batch_may_hold_a_message_twice,
    a_processed_message_replaces_its_dead_letter_and_never_the_other_way,
    a_row_comes_back_as_it_was_kept,
    more_rows_than_one_statement_takes_are_kept_together,
    a_second_opening_finds_what_the_first_has_kept,
    two_openings_at_the_same_time_make_one_table,
    a_store_that_a_newer_version_has_changed_is_refused,
    threads_hand_over_rows_without_waiting,
    a_thread_may_wait_for_its_row,
    a_writer_that_is_closed_has_kept_everything_and_takes_no_more,
    a_callback_that_panics_takes_nobody_with_it,
);

fn row(id: impl Into<String>, fate: Fate) -> Row {
    Row {
        id: id.into(),
        fate,
        reason: (fate == Fate::DeadLettered).then(|| "it was malformed".into()),
        attempts: 1,
        body: Bytes::from_static(b"{}"),
        finished_at: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
    }
}

fn processed(ids: std::ops::Range<usize>) -> Vec<Row> {
    ids.map(|id| row(format!("message-{id}"), Fate::Processed)).collect()
}

async fn a_message_kept_a_thousand_times_has_one_row(place: Place) {
    let store = place.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut new = 0;
                for _ in 0..125 {
                    new += store.keep(&[row("the one", Fate::Processed)]).await.unwrap();
                }
                new
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!((new, store.count().await.unwrap()), (1, 1));
}

async fn a_batch_may_hold_a_message_twice(place: Place) {
    let store = place.open().await;
    let batch = [
        row("a", Fate::DeadLettered),
        row("b", Fate::Processed),
        row("a", Fate::Processed),
        row("b", Fate::DeadLettered),
    ];
    assert_eq!(store.keep(&batch).await.unwrap(), 2);
    assert_eq!(store.keep(&batch).await.unwrap(), 0);
    for id in ["a", "b"] {
        assert_eq!(store.find(id).await.unwrap(), Some(row(id, Fate::Processed)));
    }
    assert_eq!(store.keep(&[]).await.unwrap(), 0);
    assert_eq!(store.count().await.unwrap(), 2);
}

async fn a_processed_message_replaces_its_dead_letter_and_never_the_other_way(place: Place) {
    let store = place.open().await;
    let again = |fate| Row { attempts: 7, body: Bytes::from_static(b"[]"), ..row("a", fate) };
    let steps = [
        (row("a", Fate::DeadLettered), 1, row("a", Fate::DeadLettered)),
        (again(Fate::DeadLettered), 0, row("a", Fate::DeadLettered)),
        (again(Fate::Processed), 1, again(Fate::Processed)),
        (row("a", Fate::Processed), 0, again(Fate::Processed)),
        (row("a", Fate::DeadLettered), 0, again(Fate::Processed)),
    ];
    for (kept, changed, found) in steps {
        assert_eq!(store.keep(&[kept]).await.unwrap(), changed);
        assert_eq!(store.find("a").await.unwrap(), Some(found));
    }
    assert_eq!(store.find("another").await.unwrap(), None);
}

async fn a_row_comes_back_as_it_was_kept(place: Place) {
    let store = place.open().await;
    let all_bytes: Vec<u8> = (0..=255).cycle().take(256 * 1024).collect();
    for (id, body) in [("empty", vec![]), ("zeros", vec![0; 1000]), ("large ü\u{1F980}", all_bytes)] {
        let finished_at = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_000).unwrap();
        let body = Bytes::from(body);
        let kept = Row { attempts: u32::MAX, body, finished_at, ..row(id, Fate::DeadLettered) };
        store.keep(std::slice::from_ref(&kept)).await.unwrap();
        assert!(store.find(id).await.unwrap() == Some(kept), "{id}");
    }
    let last_words = Row { reason: Some("a\0b".into()), ..row("last words", Fate::DeadLettered) };
    store.keep(&[last_words]).await.unwrap();
    assert_eq!(store.find("last words").await.unwrap().unwrap().reason.unwrap(), "a\u{fffd}b");
}

async fn more_rows_than_one_statement_takes_are_kept_together(place: Place) {
    let store = place.open().await;
    assert_eq!(store.keep(&processed(0..1_234)).await.unwrap(), 1_234);
    assert_eq!(store.count().await.unwrap(), 1_234);
}

async fn a_second_opening_finds_what_the_first_has_kept(place: Place) {
    let store = place.open().await;
    store.check().await.unwrap();
    store.keep(&processed(0..3)).await.unwrap();
    let second = place.open().await;
    assert_eq!(second.count().await.unwrap(), 3);
    store.close().await;
    assert_eq!(second.keep(&processed(2..5)).await.unwrap(), 2);
    let closed = store.check().await.unwrap_err();
    assert!(matches!(closed, StoreError::Unavailable(_)), "{closed}");
}

async fn two_openings_at_the_same_time_make_one_table(place: Place) {
    let (one, other, third) = tokio::join!(place.open(), place.open(), place.open());
    one.keep(&processed(0..10)).await.unwrap();
    other.keep(&processed(5..15)).await.unwrap();
    assert_eq!(third.count().await.unwrap(), 15);
}

async fn a_store_that_a_newer_version_has_changed_is_refused(place: Place) {
    place.open().await.close().await;
    let change = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  SELECT 9999, description, success, checksum, execution_time FROM _sqlx_migrations";
    if place.url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::new().filename(place.file());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(change).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&place.url).await.unwrap();
        sqlx::query(change).execute(&mut connection).await.unwrap();
    }
    let error = place.choice.open().await.err().unwrap().to_string();
    assert!(error.contains("9999") && error.contains("remedy"), "{error}");
}

/// Submits rows from several threads; the answers arrive at the receiver.
fn submit_from_threads(writer: &Arc<Writer>, rows: Vec<Row>) -> mpsc::Receiver<Result<(), StoreError>> {
    let (sender, answers) = mpsc::channel();
    let threads: Vec<_> = rows
        .chunks(rows.len().div_ceil(8))
        .map(|chunk| {
            let (rows, writer, sender) = (chunk.to_vec(), Arc::clone(writer), sender.clone());
            std::thread::spawn(move || {
                for row in rows {
                    let sender = sender.clone();
                    writer.submit(row, Box::new(move |committed| sender.send(committed).unwrap()));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    answers
}

async fn threads_hand_over_rows_without_waiting(place: Place) {
    let store = place.open().await;
    let writer = Arc::new(Writer::start(Arc::clone(&store)));
    let answers = submit_from_threads(&writer, [processed(0..2_000), processed(1_500..2_500)].concat());
    for _ in 0..3_000 {
        assert_eq!(answers.recv_timeout(Duration::from_secs(60)).unwrap(), Ok(()));
    }
    assert_eq!((store.count().await.unwrap(), writer.waiting()), (2_500, 0));
    writer.close().await;
    assert!(answers.recv().is_err(), "nobody is called twice");
}

async fn a_thread_may_wait_for_its_row(place: Place) {
    let store = place.open().await;
    let writer = Arc::new(Writer::start(Arc::clone(&store)));
    let thread = {
        let writer = Arc::clone(&writer);
        std::thread::spawn(move || writer.submit_and_wait(row("a", Fate::Processed)))
    };
    thread.join().unwrap().unwrap();
    assert_eq!(store.find("a").await.unwrap(), Some(row("a", Fate::Processed)));
}

async fn a_writer_that_is_closed_has_kept_everything_and_takes_no_more(place: Place) {
    let store = place.open().await;
    let writer = Arc::new(Writer::start(Arc::clone(&store)));
    let answers = submit_from_threads(&writer, processed(0..1_200));
    writer.close().await;
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 1_200);
    assert_eq!(store.count().await.unwrap(), 1_200);
    let late = writer.submit_and_wait(row("late", Fate::Processed)).unwrap_err();
    assert!(late.to_string().contains("ended before"), "{late}");
    assert_eq!(store.find("late").await.unwrap(), None);
    writer.close().await;
}

async fn a_callback_that_panics_takes_nobody_with_it(place: Place) {
    let writer = Arc::new(Writer::start(place.open().await));
    writer.submit(row("first", Fate::Processed), Box::new(|_| panic!("this panic is part of a test")));
    let answers = submit_from_threads(&writer, processed(0..100));
    writer.close().await;
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 100);
    assert_eq!(writer.waiting(), 0);
}

/// Keeps a row, so that the pool has a connection when the store goes down.
fn keep_before(writer: &Arc<Writer>) {
    let answers = submit_from_threads(writer, vec![row("before", Fate::Processed)]);
    assert_eq!(answers.recv().unwrap(), Ok(()));
}

/// Requires the error of a store that is down, soon.
async fn assert_down(store: &dyn Store) {
    let row = [row("while it is down", Fate::Processed)];
    let begun = Instant::now();
    let (kept, checked, found) = tokio::join!(store.keep(&row), store.check(), store.find("a"));
    for error in [kept.unwrap_err(), checked.unwrap_err(), found.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains(PASSWORD));
    }
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
}

#[test]
fn a_postgresql_server_that_comes_back_gets_every_row() {
    runtime().block_on(async {
        let mut cluster = Cluster::start();
        let place = Place::postgres(&cluster).await;
        let store = place.open().await;
        let writer = Arc::new(Writer::start(Arc::clone(&store)));
        keep_before(&writer);
        cluster.stop();
        let answers = submit_from_threads(&writer, processed(0..700));
        assert_down(store.as_ref()).await;
        assert!(answers.try_recv().is_err(), "nobody is told anything while the store is down");
        assert_eq!(writer.waiting(), 700);
        cluster.restart();
        for _ in 0..700 {
            assert_eq!(answers.recv_timeout(Duration::from_secs(60)).unwrap(), Ok(()));
        }
        assert_eq!(store.count().await.unwrap(), 701);
    });
}

#[test]
fn a_postgresql_server_that_hangs_is_down_until_it_goes_on() {
    runtime().block_on(async {
        let cluster = Cluster::start();
        let place = Place::postgres(&cluster).await;
        let store = place.open().await;
        let writer = Arc::new(Writer::start(Arc::clone(&store)));
        keep_before(&writer);
        let hanging = cluster.hang();
        let answers = submit_from_threads(&writer, processed(0..700));
        for _ in 0..2 {
            assert_down(store.as_ref()).await;
        }
        let opened = Instant::now();
        let error = place.choice.open().await.err().unwrap().to_string();
        assert!(error.contains("does not answer") && opened.elapsed() < PATIENCE, "{error}");
        drop(hanging);
        for _ in 0..700 {
            assert_eq!(answers.recv_timeout(Duration::from_secs(60)).unwrap(), Ok(()));
        }
        store.check().await.unwrap();
    });
}

#[test]
fn a_writer_that_is_closed_while_the_store_is_down_says_so_to_everybody() {
    runtime().block_on(async {
        let mut cluster = Cluster::start();
        let place = Place::postgres(&cluster).await;
        let writer = Arc::new(Writer::start(place.open().await));
        cluster.stop();
        let answers = submit_from_threads(&writer, processed(0..1_700));
        let begun = Instant::now();
        writer.close().await;
        assert!(begun.elapsed() < 2 * PATIENCE, "one attempt may be under way, and one more is made");
        assert_eq!(answers.try_iter().filter(Result::is_err).count(), 1_700);
    });
}

#[test]
fn a_row_that_postgresql_refuses_holds_up_no_other() {
    runtime().block_on(async {
        let place = Place::postgres(shared()).await;
        let store = place.open().await;
        let writer = Arc::new(Writer::start(Arc::clone(&store)));
        let mut rows = processed(0..20);
        rows.insert(7, row("its text has no zero\0byte", Fate::Processed));
        let answers = submit_from_threads(&writer, rows);
        writer.close().await;
        let refused: Vec<_> = answers.try_iter().filter_map(Result::err).collect();
        assert!(matches!(refused[..], [StoreError::Refused(_)]), "{refused:?}");
        assert_eq!(store.count().await.unwrap(), 20);
    });
}

#[test]
fn a_sqlite_file_that_somebody_has_locked_gets_every_row_afterwards() {
    runtime().block_on(async {
        let place = Place::sqlite();
        let store = place.open().await;
        let options = SqliteConnectOptions::new().filename(place.file());
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let begun = Instant::now();
        let error = store.keep(&processed(0..1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)) && begun.elapsed() < PATIENCE, "{error}");
        let writer = Arc::new(Writer::start(Arc::clone(&store)));
        let answers = submit_from_threads(&writer, processed(0..700));
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(writer.waiting(), 700);
        assert_eq!(store.count().await.unwrap(), 0, "a reader does not wait for the lock");
        lock.rollback().await.unwrap();
        for _ in 0..700 {
            assert_eq!(answers.recv_timeout(Duration::from_secs(60)).unwrap(), Ok(()));
        }
        assert_eq!(store.count().await.unwrap(), 700);
    });
}

/// Where the other process finds the file.
const SHARED_FILE: &str = "LINDLEY_TEST_SHARED_FILE";

#[test]
fn several_processes_share_a_sqlite_file_from_its_first_moment() {
    let place = Place::sqlite();
    let process = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "store::one_process_of_several", "--ignored"]).env(SHARED_FILE, &place.url);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let processes = [process(), process(), process()];
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let count = runtime().block_on(async { place.open().await.count().await.unwrap() });
    assert_eq!(count, 1_000, "all have kept the same messages");
}

#[test]
#[ignore = "a part of the test above, which starts it as a process of its own"]
fn one_process_of_several() {
    let choice: StoreChoice = std::env::var(SHARED_FILE).unwrap().parse().unwrap();
    runtime().block_on(async {
        let store = choice.open().await.unwrap().unwrap();
        for batch in processed(0..1_000).chunks(10) {
            store.keep(batch).await.unwrap();
        }
    });
}

#[test]
fn a_store_that_cannot_be_opened_says_why_and_shows_no_password() {
    runtime().block_on(async {
        let url = shared().new_database().await;
        let (server, _) = url.rsplit_once('/').unwrap();
        for (url, expected) in [
            (url.replace(PASSWORD, "other-pa55"), "authentication failed"),
            (format!("{server}/there-is-none"), "does not exist"),
            (format!("postgres://lindley:{PASSWORD}@127.0.0.1:1/x"), "refused"),
            (format!("{url}?sslmode=require"), "TLS"),
            (format!("sqlite:{}", std::env::temp_dir().display()), "unable to open"),
            ("sqlite:/proc/self/mem/x.db".into(), "opened"),
        ] {
            let choice: StoreChoice = url.parse().unwrap();
            let error = choice.open().await.err().unwrap();
            let shown = format!("{error} {error:?} {choice} {choice:?}");
            assert!(matches!(error, StoreError::Unavailable(_)), "{shown}");
            assert!(shown.contains(expected) && shown.contains("remedy"), "{shown}");
            assert!(!shown.contains("pa55"), "{shown}");
        }
    });
}

#[test]
fn no_store_is_a_choice_too() {
    let opened = runtime().block_on(StoreChoice::None.open()).unwrap();
    assert!(opened.is_none());
}
