//! How long to look, and how closely.

use super::{MOST_ROWS, Result, time};
use crate::model::{DriveLength, MOST_JOBS, Margins, RunLength, Transient};
use crate::scenario_file::table::Table;

/// The simulation's effort; `trace` is the number of jobs there are, if they end. Without a steady state to wait
/// for, there is no warm-up unless the file has one.
pub(super) fn run(table: Option<Table<'_>>, trace: Option<u64>, is_steady: bool) -> Result<RunLength> {
    let warmup_jobs = if is_steady { None } else { Some(0) };
    let mut length = RunLength { seed: 1, jobs: trace.unwrap_or(100_000), warmup_jobs, replications: 20 };
    let Some(mut table) = table else {
        return Ok(length);
    };
    if let Some(entry) = table.count("seed", "write seed = 20260101")? {
        length.seed = entry.value;
    }
    let most = trace.unwrap_or(MOST_JOBS);
    if let Some(warmup_jobs) = optional_count(&mut table, "warmup_jobs", 10_000, 0, most.saturating_sub(2))? {
        length.warmup_jobs = Some(warmup_jobs);
    }
    let rest = most - length.warmup_jobs();
    length.jobs = job_count(&mut table, "jobs", length.jobs.min(rest), 2, rest)?;
    if let Some(entry) = table.count("replications", "write replications = 20")? {
        let rule = "1 replication is cut into parts, 2 to 100000 are independent";
        length.replications = entry.between(1, 100_000, rule, "write replications = 20")?;
    }
    table.finish()?;
    Ok(length)
}

/// The live run's length: thirty seconds after two unless the file says otherwise.
pub(super) fn drive(table: Option<Table<'_>>, rate: f64, trace: Option<u64>) -> Result<DriveLength> {
    let most = trace.unwrap_or(MOST_ROWS);
    let in_time = |seconds: f64| (rate * seconds).ceil().min(1e15) as u64;
    let warmup_jobs = in_time(DriveLength::DEFAULT_WARMUP_S).min(most / 16);
    let jobs = in_time(DriveLength::DEFAULT_S).clamp(1, most - warmup_jobs);
    let mut length = DriveLength { jobs, warmup_jobs };
    let Some(mut table) = table else {
        return Ok(length);
    };
    length.warmup_jobs = job_count(&mut table, "warmup_jobs", length.warmup_jobs, 0, most - 1)?;
    let rest = most - length.warmup_jobs;
    length.jobs = job_count(&mut table, "jobs", length.jobs.min(rest), 1, rest)?;
    table.finish()?;
    Ok(length)
}

fn job_count(table: &mut Table<'_>, key: &'static str, default: u64, fewest: u64, most: u64) -> Result<u64> {
    Ok(optional_count(table, key, default, fewest, most)?.unwrap_or(default))
}

fn optional_count(
    table: &mut Table<'_>,
    key: &'static str,
    usual: u64,
    fewest: u64,
    most: u64,
) -> Result<Option<u64>> {
    let remedy = format!("write {key} = {usual}");
    let rule = format!("between {fewest} and {most} jobs");
    let entry = table.count(key, &remedy)?;
    entry.map(|entry| entry.ensure(|jobs| (fewest..=most).contains(jobs), &rule, &remedy)).transpose()
}

pub(super) const TRANSIENT: &str = "write [transient] with every_s = 1.0 and until_s = 60.0";

pub(super) fn transient(mut table: Table<'_>) -> Result<Transient> {
    let every_s = time(&mut table, "every_s", TRANSIENT)?;
    let until_s = table.required_number("until_s", TRANSIENT)?.ensure(
        |until| *until >= every_s && until / every_s <= 100_000.0,
        "the grid has 1 to 100000 steps: until_s lies between every_s and 100000 times that",
        TRANSIENT,
    )?;
    table.finish()?;
    Ok(Transient { every_s, until_s })
}

pub(super) const MARGINS: &str = "write [margins] with mean = 0.05";

/// The margins of a verdict; what the table leaves out is as usual.
pub(super) fn margins(mut table: Table<'_>) -> Result<Margins> {
    let mut margins = Margins::default();
    for name in Margins::NAMES {
        if let Some(entry) = table.number(name, MARGINS)? {
            let value = entry.ensure(|value| Margins::allows(*value), Margins::RULE, MARGINS)?;
            *margins.named(name).expect("it is one of the names") = value;
        }
    }
    table.finish()?;
    Ok(margins)
}
