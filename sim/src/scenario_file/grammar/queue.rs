//! Waiting lines and servers.

use super::{Result, shape, time};
use crate::model::{
    Breakdowns, Discipline, FailsWhile, Interrupted, Overflow, Patience, Queue, Redo, Retry, Service,
};
use crate::scenario_file::table::Table;

pub(super) fn service(mut table: Table<'_>) -> Result<Service> {
    let remedy = "write mean = 0.005 (seconds)";
    let mean = table.required_number("mean", remedy)?.ensure(
        |mean| (1e-9..=1e9).contains(mean),
        "a mean service time lies between 1e-9 and 1e9 seconds",
        remedy,
    )?;
    let shape = shape::optional(&mut table)?;
    table.finish()?;
    Ok(Service { mean, shape })
}

pub(super) fn queue(mut table: Table<'_>) -> Result<Queue> {
    let remedy = "write servers = 1";
    let servers = match table.count("servers", remedy)? {
        Some(entry) => entry.between(1, 100_000, "a queue has 1 to 100000 servers", remedy)?,
        None => 1,
    };
    let discipline = match table.table("discipline", DISCIPLINES)? {
        Some(table) => discipline(table)?,
        None => Discipline::Fcfs {},
    };
    let remedy = "raise it, or leave it out: the queue has no limit then";
    let capacity = match table.count("capacity", remedy)? {
        Some(entry) => {
            let rule = format!("K counts the jobs in service too: {servers} to 1000000000");
            Some(entry.between(servers, 1_000_000_000, &rule, remedy)?)
        }
        None => None,
    };
    let overflow = match table.string("overflow", OVERFLOWS)? {
        Some(entry) => Some(match entry.value.as_str() {
            _ if capacity.is_none() => {
                return Err(entry.mistake("a queue without capacity never overflows", "add capacity = 100"));
            }
            "reject" => Overflow::Reject,
            "drop_head" => Overflow::DropHead,
            _ => return Err(entry.mistake("this kind of overflow is not known", OVERFLOWS)),
        }),
        None => capacity.map(|_| Overflow::Reject),
    };
    let patience = table.table("patience", PATIENCE)?.map(patience).transpose()?;
    let retry = table.table("retry", RETRY)?.map(retry).transpose()?;
    let breakdowns = table.table("breakdowns", BREAKDOWNS)?.map(breakdowns).transpose()?;
    let remedy = "write prefetch = 1, or leave it out for an ideal central queue";
    let prefetch = match table.count("prefetch", remedy)? {
        Some(entry) => {
            Some(entry.between(1, 65_535, "a consumer may hold 1 to 65535 jobs (AMQP's range)", remedy)?)
        }
        None => None,
    };
    table.finish()?;
    Ok(Queue { servers, discipline, capacity, overflow, patience, retry, breakdowns, prefetch })
}

const OVERFLOWS: &str = "write overflow = \"reject\" or overflow = \"drop_head\"";

const DISCIPLINES: &str = "write discipline = { kind = \"fcfs\" }, or lcfs, lcfs_preemptive, random, processor_sharing, sjf, srpt, \
    or { kind = \"priority\", preemptive = false }";

fn discipline(mut table: Table<'_>) -> Result<Discipline> {
    let kind = table.required_string("kind", DISCIPLINES)?;
    let discipline = match kind.value.as_str() {
        "fcfs" => Discipline::Fcfs {},
        "lcfs" => Discipline::Lcfs {},
        "lcfs_preemptive" => Discipline::LcfsPreemptive {},
        "random" => Discipline::Random {},
        "processor_sharing" => Discipline::ProcessorSharing {},
        "sjf" => Discipline::Sjf {},
        "srpt" => Discipline::Srpt {},
        "priority" => {
            let remedy = "write preemptive = false";
            Discipline::Priority {
                preemptive: table.flag("preemptive", remedy)?.is_some_and(|entry| entry.value),
            }
        }
        _ => return Err(kind.mistake("this discipline is not known", DISCIPLINES)),
    };
    table.finish()?;
    Ok(discipline)
}

const PATIENCE: &str = "write patience = { mean = 0.1, shape = { kind = \"deterministic\" } }";

fn patience(mut table: Table<'_>) -> Result<Patience> {
    let mean = time(&mut table, "mean", PATIENCE)?;
    let shape = shape::optional(&mut table)?;
    table.finish()?;
    Ok(Patience { mean, shape })
}

const RETRY: &str = "write retry = { probability = 0.1, max_attempts = 5 }";

fn retry(mut table: Table<'_>) -> Result<Retry> {
    let probability = table.required_number("probability", RETRY)?;
    let limit = table.count("max_attempts", RETRY)?;
    let max_attempts = match limit {
        Some(entry) => Some(entry.between(1, 1_000_000, "a job has 1 to 1000000 attempts", RETRY)?),
        None => None,
    };
    let (rule, most) = match max_attempts {
        Some(_) => ("a probability lies between 0 and 1", 1.0),
        None => ("without max_attempts some attempt must succeed: 0 <= probability <= 0.999", 0.999),
    };
    let probability = probability.ensure(|p| (0.0..=most).contains(p), rule, RETRY)?;
    let remedy = "write demand = \"same\" or demand = \"redrawn\"";
    let demand = match table.string("demand", remedy)? {
        Some(entry) => match entry.value.as_str() {
            "same" => Redo::Same,
            "redrawn" => Redo::Redrawn,
            _ => return Err(entry.mistake("this kind of demand is not known", remedy)),
        },
        None => Redo::Same,
    };
    table.finish()?;
    Ok(Retry { probability, max_attempts, demand })
}

const BREAKDOWNS: &str = "write breakdowns = { while = \"always\", mean_up_s = 3600.0, mean_down_s = 60.0 }";

fn breakdowns(mut table: Table<'_>) -> Result<Breakdowns> {
    let entry = table.required_string("while", BREAKDOWNS)?;
    let fails_while = match entry.value.as_str() {
        "always" => FailsWhile::Always,
        "busy" => FailsWhile::Busy,
        _ => return Err(entry.mistake("a server fails while \"always\" or \"busy\"", BREAKDOWNS)),
    };
    let mean_up_s = time(&mut table, "mean_up_s", BREAKDOWNS)?;
    let mean_down_s = time(&mut table, "mean_down_s", BREAKDOWNS)?;
    let work = interrupted(&mut table)?;
    table.finish()?;
    Ok(Breakdowns { fails_while, mean_up_s, mean_down_s, work })
}

/// The key `work` of breakdowns and outages.
pub(super) fn interrupted(table: &mut Table<'_>) -> Result<Interrupted> {
    let remedy = "write work = \"restart\" (as a broker redelivers) or work = \"resume\"";
    match table.string("work", remedy)? {
        Some(entry) => match entry.value.as_str() {
            "restart" => Ok(Interrupted::Restart),
            "resume" => Ok(Interrupted::Resume),
            _ => Err(entry.mistake("interrupted work restarts or resumes", remedy)),
        },
        None => Ok(Interrupted::Restart),
    }
}
