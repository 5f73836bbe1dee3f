//! Simulating what is left of a sweep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use rayon::ThreadPool;

use super::rows::{Observed, rows};
use super::table::Block;
use super::{Cell, Journal, Sweep, SweepError};
use crate::estimate::{Sample, TooShort, settle};
use crate::model::{Overheads, Scenario, Terms};
use crate::theory::predict;

/// What happens to a cell.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// A thread has taken it up.
    Begun(&'a Cell),
    /// Its rows are in the file.
    Done(&'a Cell),
}

/// What the threads report.
enum Report {
    Begun(usize),
    Finished(usize, Block),
}

/// Simulates the cells that the journal does not have and writes each as soon as it is finished.
///
/// Every thread takes the next cell, and those that find none help with the replications of the others; so
/// at most as many cells as there are threads are lost with the process.
///
/// # Errors
/// [`SweepError::Io`] if the file cannot be written.
pub fn carry_out(
    sweep: &Sweep,
    journal: &mut Journal,
    pool: &ThreadPool,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<(), SweepError> {
    let todo = journal.todo().to_vec();
    let next = AtomicUsize::new(0);
    let (sender, reports) = mpsc::channel();
    pool.in_place_scope(|scope| {
        let (todo, next) = (&todo, &next);
        scope.spawn_broadcast(move |_, _| {
            while let Some(&number) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                // Nobody listens any more where the file could not be written.
                let told = sender.send(Report::Begun(number)).is_ok();
                if !told || sender.send(Report::Finished(number, block(sweep, number))).is_err() {
                    return;
                }
            }
        });
        for report in reports {
            match report {
                Report::Begun(number) => watch(Step::Begun(&sweep.cells()[number])),
                Report::Finished(number, block) => {
                    journal.append(number, block)?;
                    watch(Step::Done(&sweep.cells()[number]));
                }
            }
        }
        Ok(())
    })
}

/// The rows of a cell.
fn block(sweep: &Sweep, number: usize) -> Block {
    let cell = &sweep.cells()[number];
    let observed = if cell.is_unstable() { Observed::Nothing } else { observe(&cell.scenario) };
    let theory = if cell.is_unstable() { None } else { predict(&cell.scenario, None).ok() };
    Block(rows(cell, sweep.cells().len(), &observed, theory.as_ref()))
}

/// What the scenario's run shows after its warm-up.
fn observe(scenario: &Scenario) -> Observed {
    let ideal = Overheads::from(Terms::IDEAL);
    let run = scenario.run();
    let sample = settle(scenario, &ideal).and_then(|warmup| {
        Sample::of(&scenario.clone().with_run(run.jobs(), warmup.jobs, run.replications()), &ideal)
    });
    match sample {
        Ok(sample) => Observed::Sample(Box::new(sample)),
        Err(TooShort::Jobs { needed_jobs, .. }) => {
            Observed::TooShort { needed_jobs: Some(needed_jobs * u64::from(run.replications())) }
        }
        Err(_) => Observed::TooShort { needed_jobs: None },
    }
}
