//! How jobs arrive.

use super::{Result, shape, time, values};
use crate::model::{ArrivalProcess, Arrivals, Batch, Rate, Service, Station};
use crate::scenario_file::table::Table;

const PROCESSES: &str = "use { kind = \"poisson\" }, { kind = \"renewal\", shape = { kind = \"erlang\", stages = 4 } }, \
    { kind = \"mmpp\", levels = [0.3, 1.2], mean_stay_s = [10.0, 5.0] }, \
    { kind = \"piecewise\", levels = [1.0, 2.0], durations_s = [60.0, 30.0] }, \
    { kind = \"sinusoid\", amplitude = 0.5, period_s = 600.0 }, { kind = \"trace\", file = \"arrivals.txt\" } or \
    { kind = \"finite_source\", population = 8, mean_think_s = 1.0 }";

/// The arrivals of a class; `service` is its own if it has one, to derive the rate of a finite source.
pub(super) fn arrivals(
    mut table: Table<'_>,
    service: Option<&Service>,
    stations: &[Station],
) -> Result<Arrivals> {
    let remedy = "write rate = 160.0 (jobs per second)";
    let rate = table.number("rate", remedy)?;
    let process = match table.table("process", PROCESSES)? {
        Some(table) => process(table)?,
        None => ArrivalProcess::Poisson {},
    };
    let derived = match &process {
        ArrivalProcess::Trace(trace) => {
            let instants = trace.instants_s();
            Some((instants.len() - 1) as f64 / instants[instants.len() - 1])
        }
        ArrivalProcess::FiniteSource { population, mean_think_s } => {
            Some(f64::from(*population) / (mean_think_s + service.map_or(0.0, |service| service.mean)))
        }
        _ => None,
    };
    let rate = match (rate, derived) {
        (Some(entry), Some(_)) => {
            return Err(entry.mistake("this arrival process has a rate of its own", "remove the rate"));
        }
        (None, Some(derived)) => Rate::Derived(derived),
        (Some(entry), None) => Rate::Given(entry.ensure(
            |rate| (1e-9..=1e9).contains(rate),
            "a rate lies between 1e-9 and 1e9 jobs per second",
            remedy,
        )?),
        (None, None) => return Err(table.missing("rate", remedy)),
    };
    let batch = table.table("batch", BATCHES)?.map(batch).transpose()?;
    let first = match table.table("first", "write first = { a = 0.75, b = 0.25 }")? {
        Some(table) if stations.is_empty() => {
            let rule = "jobs can enter at stations only where there are [[station]] tables";
            return Err(table.complaint("set", rule, "remove it"));
        }
        Some(table) => Some(super::network::routing(table, stations, false)?),
        None => None,
    };
    table.finish()?;
    Ok(Arrivals { rate, process, batch, first })
}

fn process(mut table: Table<'_>) -> Result<ArrivalProcess> {
    let kind = table.required_string("kind", PROCESSES)?;
    let process = match kind.value.as_str() {
        "poisson" => ArrivalProcess::Poisson {},
        "renewal" => {
            ArrivalProcess::Renewal { shape: shape::shape(table.required_table("shape", PROCESSES)?)? }
        }
        "mmpp" => {
            let (levels, mean_stay_s) = levels(&mut table, "mean_stay_s")?;
            ArrivalProcess::Mmpp { levels, mean_stay_s }
        }
        "piecewise" => {
            let (levels, durations_s) = levels(&mut table, "durations_s")?;
            ArrivalProcess::Piecewise { levels, durations_s }
        }
        "sinusoid" => {
            let amplitude = table.required_number("amplitude", "write amplitude = 0.5")?;
            let rule = "a rate is not negative: 0 <= amplitude <= 1";
            let amplitude = amplitude.ensure(|a| (0.0..=1.0).contains(a), rule, "write amplitude = 0.5")?;
            ArrivalProcess::Sinusoid {
                amplitude,
                period_s: time(&mut table, "period_s", "write period_s = 600.0")?,
            }
        }
        "trace" => ArrivalProcess::Trace(values::trace(&mut table)?),
        "finite_source" => {
            let remedy = "write population = 8";
            let population = table.required_count("population", remedy)?;
            let rule = "a population has 1 to 1000000 members";
            ArrivalProcess::FiniteSource {
                population: population.between(1, 1_000_000, rule, remedy)?,
                mean_think_s: time(&mut table, "mean_think_s", "write mean_think_s = 1.0")?,
            }
        }
        _ => return Err(kind.mistake("this arrival process is not known", PROCESSES)),
    };
    table.finish()?;
    Ok(process)
}

/// Relative rates and how long each lasts.
fn levels(table: &mut Table<'_>, times: &'static str) -> Result<(Vec<f64>, Vec<f64>)> {
    let remedy = "write one number for each level, for example [0.3, 1.2]";
    let levels = table.required_numbers("levels", remedy)?.ensure(
        |levels| {
            (1..=1000).contains(&levels.len())
                && levels.iter().all(|level| (0.0..=1e9).contains(level))
                && levels.iter().any(|level| *level > 0.0)
        },
        "1 to 1000 relative rates, none negative, one at least positive",
        remedy,
    )?;
    let count = levels.len();
    let times = table.required_numbers(times, remedy)?.ensure(
        |times| times.len() == count && times.iter().all(|time| (1e-9..=1e9).contains(time)),
        "as many times as levels, each between 1e-9 and 1e9 seconds",
        remedy,
    )?;
    let mean = levels.iter().zip(&times).map(|(level, time)| level * time).sum::<f64>();
    debug_assert!(mean > 0.0, "a level is positive, and so is its time");
    Ok((levels, times))
}

const BATCHES: &str = "use { kind = \"fixed\", mean = 3 } or { kind = \"geometric\", mean = 3.0 }";

fn batch(mut table: Table<'_>) -> Result<Batch> {
    let kind = table.required_string("kind", BATCHES)?;
    let mean = table.required_number("mean", BATCHES)?;
    let rule = "a batch has 1 to 1000000 jobs in the mean";
    let batch = match kind.value.as_str() {
        "geometric" => Batch::Geometric { mean: mean.ensure(|m| (1.0..=1e6).contains(m), rule, BATCHES)? },
        "fixed" => {
            let rule = "a fixed batch has a whole number of jobs, 1 to 1000000";
            Batch::Fixed {
                mean: mean.ensure(|m| (1.0..=1e6).contains(m) && m.fract() == 0.0, rule, BATCHES)?,
            }
        }
        _ => return Err(kind.mistake("this kind of batch is not known", BATCHES)),
    };
    table.finish()?;
    Ok(batch)
}

/// How many jobs there are at most: a trace ends.
pub(super) fn length(arrivals: &Arrivals) -> Option<u64> {
    match &arrivals.process {
        ArrivalProcess::Trace(trace) => Some(trace.instants_s().len() as u64),
        _ => None,
    }
}
