//! The growing file of a sweep, from which an interrupted one goes on.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::cell::settings;
use super::table::{Block, Table, header};
use super::{Cell, Sweep, SweepError, rows};

/// The file into which finished cells are written, each at once and as a whole.
///
/// While it grows the cells stand in the order in which they were finished; at the end they are put in theirs,
/// so that a finished file does not tell how it came about.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Open and locked as long as the journal lives.
    file: File,
    table: Table,
    /// Cells that are still to be simulated, in their order.
    todo: Vec<usize>,
    kept: usize,
    in_order: bool,
}

impl Journal {
    /// Opens the file of a sweep, or of the part of it that is `mine`, and keeps what is finished.
    ///
    /// A cell that was cut short is cut off. With `fresh` whatever the file held is thrown away.
    ///
    /// # Errors
    /// [`SweepError::Table`] if the file belongs to another sweep or another process writes it;
    /// [`SweepError::Io`] if the system refuses.
    pub fn open(
        path: &Path,
        sweep: &Sweep,
        mine: impl Fn(usize) -> bool,
        fresh: bool,
    ) -> Result<Self, SweepError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| SweepError::io(folder, source))?;
        }
        let mut file = locked(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| SweepError::io(path, source))?;
        let kept = if fresh { Table::empty(sweep) } else { kept(&bytes, path, sweep)? };
        if let Some(foreign) = kept.blocks.keys().find(|number| !mine(**number)) {
            let problem = format!("cell {foreign} belongs to another share of this sweep");
            return Err(another(path, problem));
        }
        let text = kept.text();
        if bytes.starts_with(text.as_bytes()) {
            file.set_len(text.len() as u64).map_err(|source| SweepError::io(path, source))?;
        } else {
            replace(path, &text)?;
            file = locked(path)?;
        }
        file.seek(SeekFrom::End(0)).map_err(|source| SweepError::io(path, source))?;
        let todo = |number: &usize| mine(*number) && !kept.blocks.contains_key(number);
        let todo: Vec<usize> = (0..sweep.cells().len()).filter(todo).collect();
        let count = kept.blocks.len();
        Ok(Journal { path: path.to_owned(), file, table: kept, todo, kept: count, in_order: true })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of cells that were there already.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Cells that were not there, in their order.
    pub fn todo(&self) -> &[usize] {
        &self.todo
    }

    /// Writes a finished cell.
    pub(super) fn append(&mut self, number: usize, block: Block) -> Result<(), SweepError> {
        let written = self.file.write_all(block.text().as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|source| SweepError::io(&self.path, source))?;
        self.in_order &= self.table.blocks.last_key_value().is_none_or(|(last, _)| *last < number);
        self.table.blocks.insert(number, block);
        Ok(())
    }

    /// Puts the cells in their order and returns the table.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the system refuses.
    pub fn finish(self) -> Result<Table, SweepError> {
        if !self.in_order {
            replace(&self.path, &self.table.text())?;
        }
        Ok(self.table)
    }
}

impl Table {
    fn empty(sweep: &Sweep) -> Self {
        Table { keys: sweep.keys().to_vec(), cells: None, blocks: BTreeMap::new() }
    }
}

/// Opens a file that no other process writes.
fn locked(path: &Path) -> Result<File, SweepError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|source| SweepError::io(path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let remedy = "wait for it, or choose another --out; shares of one sweep take --shard k/n";
            Err(SweepError::table(path, "another process writes this file", remedy))
        }
        Err(TryLockError::Error(source)) => Err(SweepError::io(path, source)),
    }
}

/// Puts a new text in the place of a file, all at once.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), SweepError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let replaced = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    replaced.map_err(|source| SweepError::io(path, source))
}

fn another(path: &Path, problem: String) -> SweepError {
    SweepError::table(path, problem, "choose another --out, or throw the file away with --fresh")
}

/// The finished cells of a file, each under the number that it has in this sweep.
///
/// A cell is known by its settings, so that a sweep whose grid has grown keeps what it has.
fn kept(bytes: &[u8], path: &Path, sweep: &Sweep) -> Result<Table, SweepError> {
    let mut kept = Table::empty(sweep);
    if header(sweep.keys()).as_bytes().starts_with(bytes) {
        return Ok(kept);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| another(path, "this is not text".into()))?;
    let found = Table::parse(text, path)?;
    if found.keys != sweep.keys() {
        let keys = if found.keys.is_empty() { "nothing".to_owned() } else { found.keys.join(", ") };
        return Err(another(path, format!("this is a sweep over {keys}")));
    }
    let cells: HashMap<&[String], &Cell> =
        sweep.cells().iter().map(|cell| (&cell.labels[..], cell)).collect();
    for Block(mut rows) in found.blocks.into_values() {
        let settings = settings(&found.keys, &rows[0].labels);
        let Some(cell) = cells.get(&rows[0].labels[..]) else {
            return Err(another(path, format!("the cell {settings} is not in this sweep")));
        };
        if rows[0].sha256 != cell.sha256 {
            return Err(another(path, format!("the cell {settings} is of another scenario")));
        }
        for row in &mut rows {
            (row.cell, row.cells) = (cell.number, sweep.cells().len());
        }
        let complete = rows.len() == rows::count(&cell.scenario);
        if complete && kept.blocks.insert(cell.number, Block(rows)).is_some() {
            return Err(another(path, format!("the cell {settings} is there twice")));
        }
    }
    Ok(kept)
}
