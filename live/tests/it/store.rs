//! Stores: one row per message, whatever happens, in SQLite and in PostgreSQL.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use live::store::{Fate, Row, Store, StoreChoice, StoreError, Writer};
use time::OffsetDateTime;

use crate::support::{free_port, runtime, signal};

/// A private PostgreSQL cluster with a password; it ends with the test process, by its closed pipe.
struct Cluster {
    owner: Child,
    port: u16,
    postmaster: u32,
}

const PASSWORD: &str = "s3cret-passw0rd";

impl Cluster {
    fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("lindley-postgresql-").tempdir().unwrap().keep();
        let port = free_port();
        let mut owner = Command::new("/bin/sh")
            .args(["-c", include_str!("postgresql.sh"), "lindley-postgresql"])
            .arg(&directory)
            .args([&port.to_string(), PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(owner.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        let postmaster = line
            .trim()
            .parse()
            .expect("these tests need a PostgreSQL server that starts: run deploy/install-postgresql.sh");
        Cluster { owner, port, postmaster }
    }

    fn choice(&self) -> StoreChoice {
        format!("postgres://lindley:{PASSWORD}@127.0.0.1:{}/postgres", self.port).parse().unwrap()
    }

    async fn open(&self) -> Arc<dyn Store> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.choice().open().await {
                Ok(store) => return store.unwrap(),
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        let _ = self.owner.wait();
    }
}

fn row(id: &str, fate: Fate) -> Row {
    Row {
        id: id.to_owned(),
        fate,
        reason: (fate == Fate::DeadLettered).then(|| "it failed".to_owned()),
        attempts: 2,
        body: b"{\"zero\":\"\0\"}".as_slice().into(),
        finished_at: OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_000).unwrap(),
    }
}

/// What every store must do.
async fn keeps_one_row_per_message(store: Arc<dyn Store>) {
    store.check().await.unwrap();
    assert_eq!(store.count().await, Ok(0));
    assert_eq!(store.find("a").await, Ok(None));
    assert_eq!(store.keep(&[]).await, Ok(0));
    let [processed, dead] = [Fate::Processed, Fate::DeadLettered].map(|fate| row("a", fate));
    assert_eq!(store.keep(std::slice::from_ref(&dead)).await, Ok(1));
    assert_eq!(store.find("a").await, Ok(Some(dead.clone())), "a row comes back as it was");
    assert_eq!(
        store.keep(&[processed.clone(), dead.clone()]).await,
        Ok(1),
        "a replayed dead letter is replaced"
    );
    assert_eq!(store.keep(&[dead, processed.clone()]).await, Ok(0), "a processed row stays");
    assert_eq!(store.find("a").await, Ok(Some(processed)));

    let large = Row { body: vec![0xff; 256 * 1024].into(), ..row("large", Fate::Processed) };
    assert_eq!(store.keep(std::slice::from_ref(&large)).await, Ok(1));
    assert_eq!(store.find("large").await, Ok(Some(large)));
    let odd = Row { reason: Some("a\0b".into()), ..row("odd", Fate::DeadLettered) };
    assert_eq!(store.keep(&[odd]).await, Ok(1), "text that a database cannot hold does not stop it");

    // The same hundred messages from many sides at once, each many times.
    let writers: Vec<_> = (0..10)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut new = 0;
                for _ in 0..10 {
                    let rows: Vec<Row> = (0..100).map(|id| row(&format!("m{id}"), Fate::Processed)).collect();
                    new += store.keep(&rows).await.unwrap();
                }
                new
            })
        })
        .collect();
    let mut new = 0;
    for writer in writers {
        new += writer.await.unwrap();
    }
    assert_eq!((new, store.count().await), (100, Ok(103)));
}

#[test]
fn sqlite_keeps_one_row_per_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/demand.db");
    runtime().block_on(async {
        let choice = StoreChoice::Sqlite(path);
        keeps_one_row_per_message(choice.open().await.unwrap().unwrap()).await;
        let again = choice.open().await.unwrap().unwrap();
        assert_eq!(again.count().await, Ok(103), "an existing file is opened as it is");
    });
}

#[test]
fn postgresql_keeps_one_row_per_message() {
    runtime().block_on(async {
        let cluster = Cluster::start();
        keeps_one_row_per_message(cluster.open().await).await;
        assert_eq!(cluster.open().await.count().await, Ok(103), "an existing database is opened as it is");
    });
}

#[test]
fn two_processes_may_share_a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let choice = StoreChoice::Sqlite(folder.path().join("shared.db"));
        let stores = [choice.open().await.unwrap().unwrap(), choice.open().await.unwrap().unwrap()];
        let tasks: Vec<_> = stores
            .iter()
            .enumerate()
            .map(|(which, store)| {
                let store = Arc::clone(store);
                tokio::spawn(async move {
                    for batch in 0..50 {
                        let rows: Vec<Row> = (0..20)
                            .map(|id| row(&format!("{which}-{batch}-{id}"), Fate::Processed))
                            .collect();
                        store.keep(&rows).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(stores[0].count().await, Ok(2000));
    });
}

#[test]
fn a_writer_commits_what_waits_in_batches_and_answers_each_row() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store = StoreChoice::Sqlite(folder.path().join("w.db")).open().await.unwrap().unwrap();
        let writer = Arc::new(Writer::start(Arc::clone(&store)));
        let (answers, answered) = channel();
        for id in 0..2000 {
            let answers = answers.clone();
            writer.submit(
                row(&id.to_string(), Fate::Processed),
                Box::new(move |kept| answers.send(kept).unwrap()),
            );
        }
        let waiting = Arc::clone(&writer);
        let blocked =
            tokio::task::spawn_blocking(move || waiting.submit_and_wait(row("last", Fate::Processed)));
        assert_eq!(blocked.await.unwrap(), Ok(()));
        writer.close().await;
        drop(answers);
        assert_eq!(answered.iter().filter(|kept| *kept == Ok(())).count(), 2000);
        assert_eq!(store.count().await, Ok(2001));
        let refused = writer.submit_and_wait(row("late", Fate::Processed));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    });
}

#[test]
fn a_server_that_hangs_is_an_error_and_the_writer_goes_on_when_it_is_back() {
    runtime().block_on(async {
        let cluster = Cluster::start();
        let store = cluster.open().await;
        let writer = Writer::start(Arc::clone(&store));
        let stop = |how: &str| {
            let children = format!("/proc/{0}/task/{0}/children", cluster.postmaster);
            for pid in std::fs::read_to_string(children).unwrap().split_whitespace() {
                signal(pid.parse().unwrap(), how);
            }
            signal(cluster.postmaster, how);
        };
        stop("-STOP");
        let begun = Instant::now();
        assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
        assert!(begun.elapsed() < Duration::from_secs(20));
        let (answers, answered) = channel();
        for id in 0..50 {
            let answers = answers.clone();
            writer.submit(
                row(&id.to_string(), Fate::Processed),
                Box::new(move |kept| answers.send(kept).unwrap()),
            );
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(answered.try_recv().is_err(), "nothing is committed while the server hangs");
        stop("-CONT");
        tokio::time::timeout(Duration::from_secs(60), async {
            while store.count().await != Ok(50) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .expect("what waited is written");
        writer.close().await;
        drop(answers);
        assert_eq!(answered.iter().filter(|kept| *kept == Ok(())).count(), 50);
    });
}

#[test]
fn a_store_that_cannot_be_had_is_named_without_its_password() {
    runtime().block_on(async {
        for text in ["postgres://u:s3cret@127.0.0.1:1/d", "postgres://u:s3cret@[", "sqlite:/proc/no/such.db"]
        {
            let error = text.parse::<StoreChoice>().unwrap().open().await.err().expect("nobody is there");
            let said = error.to_string();
            assert!(!said.contains("s3cret") && said.contains("remedy"), "{said}");
        }
    });
}
