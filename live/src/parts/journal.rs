//! Writing a part of a run while it happens.

use std::fs::{self, File};
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sim::run_folder::Status;

use super::event::COLUMNS;
use super::{Event, PARTS, PartError, PartInfo, Sight};
use crate::clock::PeerSample;
use crate::witness::{Service, Witness};

/// What the name of a part that is being made begins with.
pub(super) const DRAFT: &str = ".draft-";

/// Between two writes: about what a crash may lose.
const REST: Duration = Duration::from_millis(100);

/// A part of a run under way; it is also the witness of API and servers.
///
/// Whoever handles messages only puts an event into a channel; a thread of the journal's own writes.
pub struct Journal {
    path: PathBuf,
    // `None` is the last that comes.
    events: mpsc::Sender<Option<Event>>,
    writer: Mutex<Option<JoinHandle<Result<u64, csv::Error>>>>,
}

impl Journal {
    /// Begins a part below a run's folder; until [`Journal::close`] it says `interrupted`. `files` go into it, too.
    ///
    /// # Errors
    /// [`PartError::Taken`] if the part is there already, [`PartError::Io`] if it cannot be written.
    pub fn begin(run_folder: &Path, info: &PartInfo, files: &[(String, String)]) -> Result<Self, PartError> {
        let parts = run_folder.join(PARTS);
        fs::create_dir_all(&parts).map_err(|error| PartError::io(&parts, error))?;
        // Made under another name, so that nobody ever sees half of it.
        let draft = tempfile::Builder::new().prefix(DRAFT).tempdir_in(&parts);
        let draft = draft.map_err(|error| PartError::io(&parts, error))?;
        write_info(draft.path(), info)?;
        for (name, text) in files {
            let path = draft.path().join(name);
            fs::write(&path, text).map_err(|error| PartError::io(&path, error))?;
        }
        let table = table(&draft.path().join("events.csv"), &COLUMNS)?;
        // Others may read what their own umask allows.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(draft.path(), open).map_err(|error| PartError::io(draft.path(), error))?;
        let path = settle(&parts, info, draft.path())?;
        // It has another name now, and there is nothing to delete.
        let _ = draft.keep();
        let (events, incoming) = mpsc::channel();
        let write = move || {
            let written = write_events(table, &incoming);
            if let Err(error) = &written {
                tracing::error!(%error, "the record of the run cannot be written; what happens from here on is missing");
            }
            written
        };
        let writer = std::thread::Builder::new().name("journal".into()).spawn(write);
        let writer = writer.map_err(|error| PartError::io(&path, error))?;
        Ok(Journal { path, events, writer: Mutex::new(Some(writer)) })
    }

    /// Takes back a part in which nothing has happened.
    pub fn discard(&self) {
        // It is empty: whatever stays behind harms nobody.
        let _ = fs::remove_dir_all(&self.path);
    }

    /// The folder of the part.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes an event.
    pub fn note(&self, id: &str, sight: Sight) {
        // The writer is gone only if it could not write, and closing says so.
        let _ = self.events.send(Some(Event { id: id.to_owned(), sight }));
    }

    /// Writes what is still under way and marks the part complete.
    ///
    /// # Errors
    /// [`PartError::Io`] if something could not be written, now or before.
    pub fn close(&self, info: &PartInfo) -> Result<(), PartError> {
        let _ = self.events.send(None);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let table = || self.path.join("events.csv");
        let events = match writer.map(JoinHandle::join) {
            None => None,
            Some(Ok(Ok(events))) => Some(events),
            Some(Ok(Err(error))) => return Err(PartError::io(&table(), error)),
            Some(Err(_panic)) => {
                return Err(PartError::malformed(&table(), "its writer panicked; this is a bug"));
            }
        };
        write_info(&self.path, &PartInfo { status: Status::Complete, events, ..info.clone() })
    }
}

impl Witness for Journal {
    fn accepted(&self, id: &str, at_ns: u64) {
        self.note(id, Sight::Accepted(at_ns));
    }

    fn confirmed(&self, id: &str, at_ns: u64) {
        self.note(id, Sight::Confirmed(at_ns));
    }

    fn served(&self, id: &str, service: &Service) {
        self.note(id, Sight::Served(*service));
    }

    fn dead_lettered(&self, id: &str, service: &Service) {
        self.note(id, Sight::DeadLettered(*service));
    }
}

/// What a driver has read of other clocks, as a table that grows.
pub struct Clocks {
    table: Table,
}

impl Clocks {
    /// A table in a part's folder.
    ///
    /// # Errors
    /// [`PartError::Io`] if it cannot be written.
    pub fn create(part: &Path) -> Result<Self, PartError> {
        Ok(Clocks { table: table(&part.join("clocks.csv"), &CLOCK_COLUMNS)? })
    }

    /// Adds a reading. What cannot be written is missing when the parts are joined, which then says so.
    pub fn add(&mut self, read: &PeerSample) {
        let PeerSample { clock, sample } = read;
        let row = [
            clock.to_string(),
            sample.sent_ns.to_string(),
            sample.peer_ns.to_string(),
            sample.received_ns.to_string(),
        ];
        let _ = self.table.write_record(row);
        let _ = self.table.flush();
    }
}

/// The columns of `clocks.csv`.
pub(super) const CLOCK_COLUMNS: [&str; 4] = ["clock", "sent_ns", "peer_ns", "received_ns"];

type Table = csv::Writer<BufWriter<File>>;

fn table(path: &Path, columns: &[&str]) -> Result<Table, PartError> {
    let file = File::create(path).map_err(|error| PartError::io(path, error))?;
    let mut table = csv::Writer::from_writer(BufWriter::new(file));
    let begun = table.write_record(columns).and_then(|()| Ok(table.flush()?));
    begun.map_err(|error| PartError::io(path, error))?;
    Ok(table)
}

/// Writes what comes until nothing more does; returns how many rows that were.
fn write_events(mut table: Table, incoming: &mpsc::Receiver<Option<Event>>) -> Result<u64, csv::Error> {
    let mut rows = 0;
    while let Ok(Some(first)) = incoming.recv() {
        table.write_record(first.row())?;
        rows += 1;
        // What comes meanwhile is written in one go.
        std::thread::sleep(REST);
        for event in incoming.try_iter() {
            let Some(event) = event else {
                table.flush()?;
                return Ok(rows);
            };
            table.write_record(event.row())?;
            rows += 1;
        }
        table.flush()?;
    }
    table.flush()?;
    Ok(rows)
}

/// Gives a draft its name: a driver has one place, of other processes several may have the same number on one host, in
/// containers.
fn settle(parts: &Path, info: &PartInfo, draft: &Path) -> Result<PathBuf, PartError> {
    let name = info.folder();
    for attempt in 1_u32.. {
        let path = match attempt {
            1 => parts.join(&name),
            _ => parts.join(format!("{name}-{attempt}")),
        };
        // A part is never empty, so that no folder of that name gives way.
        match fs::rename(draft, &path) {
            Ok(()) => return Ok(path),
            Err(error) if !path.exists() => return Err(PartError::io(&path, error)),
            Err(_) if info.driving.is_some() => return Err(PartError::Taken { path }),
            Err(_) => {}
        }
    }
    unreachable!("there are fewer than 2^32 processes")
}

/// Readers see the old file or the new one, never half of it.
fn write_info(folder: &Path, info: &PartInfo) -> Result<(), PartError> {
    let mut text = serde_json::to_string_pretty(info).expect("a part's description is plain data");
    text.push('\n');
    let (temporary, path) = (folder.join("part.tmp"), folder.join("part.json"));
    fs::write(&temporary, text).map_err(|error| PartError::io(&temporary, error))?;
    fs::rename(&temporary, &path).map_err(|error| PartError::io(&path, error))
}
