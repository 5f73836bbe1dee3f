//! The grammar of the scenario file, one function a table, in the order of the file.

use super::ScenarioError;
use super::table::Table;
use crate::model::{
    ArrivalProcess, Arrivals, Discipline, DriveLength, Queue, RunLength, Scenario, Service, Shape,
};

type Result<T> = std::result::Result<T, ScenarioError>;

/// Version of the grammar.
const SCHEMA: u64 = 1;

/// Most jobs that one replication or one live run may have: this version keeps them all in memory.
const MOST_JOBS: u64 = 20_000_000;

const PROCESSES: &str =
    "use { kind = \"poisson\" } or { kind = \"renewal\", shape = { kind = \"erlang\", stages = 4 } }";
const SHAPES: &str = "use { kind = \"exponential\" }, { kind = \"deterministic\" }, { kind = \"erlang\", stages = 4 }, \
                      { kind = \"hyperexponential\", scv = 4.0 } or { kind = \"uniform\", half_width = 0.5 }";

pub(super) fn scenario(mut root: Table<'_>) -> Result<Scenario> {
    let version = root.required_count("schema", "write schema = 1")?;
    version.ensure(|version| *version == SCHEMA, "this program reads schema 1", "write schema = 1")?;
    let name = root.required_string("name", "write name = \"my-queue\"")?.ensure(
        |name| !name.is_empty() && name.len() <= 64 && name.bytes().all(is_name_byte),
        "a name becomes part of file names: 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'",
        "write name = \"my-queue\"",
    )?;
    let description = root
        .string("description", "write description = \"what this queue shows\"")?
        .map_or_else(String::new, |entry| entry.value);
    let arrivals = arrivals(root.required_table("arrivals", "add [arrivals] with rate = 160.0 (jobs/s)")?)?;
    let service = service(root.required_table("service", "add [service] with mean = 0.005 (seconds)")?)?;
    let queue = match root.table("queue", "write [queue]")? {
        Some(table) => queue(table)?,
        None => Queue { servers: 1, discipline: Discipline::Fcfs {}, prefetch: None },
    };
    let run = match root.table("run", "write [run]")? {
        Some(table) => run(table)?,
        None => default_run(),
    };
    let drive = match root.table("drive", "write [drive]")? {
        Some(table) => drive(table, arrivals.rate())?,
        None => default_drive(arrivals.rate()),
    };
    root.finish()?;
    Ok(Scenario { schema: SCHEMA, name, description, arrivals, service, queue, run, drive })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn arrivals(mut table: Table<'_>) -> Result<Arrivals> {
    let remedy = "write rate = 160.0 (jobs per second)";
    let rate = table.required_number("rate", remedy)?.ensure(
        |rate| (1e-9..=1e9).contains(rate),
        "a rate lies between 1e-9 and 1e9 jobs per second",
        remedy,
    )?;
    let process = match table.table("process", PROCESSES)? {
        Some(table) => process(table)?,
        None => ArrivalProcess::Poisson {},
    };
    table.finish()?;
    Ok(Arrivals { rate, process })
}

fn process(mut table: Table<'_>) -> Result<ArrivalProcess> {
    let kind = table.required_string("kind", PROCESSES)?;
    let process = match kind.value.as_str() {
        "poisson" => ArrivalProcess::Poisson {},
        "renewal" => ArrivalProcess::Renewal { shape: shape(table.required_table("shape", PROCESSES)?)? },
        _ => return Err(kind.mistake("this arrival process is not supported", PROCESSES)),
    };
    table.finish()?;
    Ok(process)
}

fn service(mut table: Table<'_>) -> Result<Service> {
    let remedy = "write mean = 0.005 (seconds)";
    let mean = table.required_number("mean", remedy)?.ensure(
        |mean| (1e-9..=1e9).contains(mean),
        "a mean service time lies between 1e-9 and 1e9 seconds",
        remedy,
    )?;
    let shape = match table.table("shape", SHAPES)? {
        Some(table) => shape(table)?,
        None => Shape::Exponential {},
    };
    table.finish()?;
    Ok(Service { mean, shape })
}

fn shape(mut table: Table<'_>) -> Result<Shape> {
    let kind = table.required_string("kind", SHAPES)?;
    let shape = match kind.value.as_str() {
        "deterministic" => Shape::Deterministic {},
        "exponential" => Shape::Exponential {},
        "erlang" => {
            let stages = table.required_count("stages", "write stages = 4")?;
            let rule = "an Erlang shape has 1 to 1000 stages";
            let stages = stages.ensure(|stages| (1..=1000).contains(stages), rule, "write stages = 4")?;
            Shape::Erlang { stages: u32::try_from(stages).expect("at most 1000") }
        }
        "hyperexponential" => {
            let rule = "two exponentials vary at least as much as one: 1 <= scv <= 1e6";
            let scv = table.required_number("scv", "write scv = 4.0")?;
            Shape::Hyperexponential {
                scv: scv.ensure(|scv| (1.0..=1e6).contains(scv), rule, "write scv = 4.0")?,
            }
        }
        "uniform" => {
            let rule = "times are not negative: 0 < half_width <= 1, as a fraction of the mean";
            let remedy = "write half_width = 0.5";
            let width = table.required_number("half_width", remedy)?;
            Shape::Uniform { half_width: width.ensure(|width| *width > 0.0 && *width <= 1.0, rule, remedy)? }
        }
        _ => return Err(kind.mistake("this shape is not supported", SHAPES)),
    };
    table.finish()?;
    Ok(shape)
}

fn queue(mut table: Table<'_>) -> Result<Queue> {
    let servers = match table.count("servers", "write servers = 1")? {
        Some(entry) => entry.ensure(
            |servers| *servers == 1,
            "this version simulates and drives exactly one server",
            "write servers = 1",
        )?,
        None => 1,
    };
    let disciplines = "write discipline = { kind = \"fcfs\" }";
    if let Some(mut discipline) = table.table("discipline", disciplines)? {
        let kind = discipline.required_string("kind", disciplines)?;
        kind.ensure(|kind| kind == "fcfs", "this discipline is not supported", disciplines)?;
        discipline.finish()?;
    }
    let remedy = "write prefetch = 1, or leave it out for an ideal central queue";
    let prefetch = match table.count("prefetch", remedy)? {
        Some(entry) => {
            let rule = "a consumer may hold 1 to 65535 jobs (AMQP's range)";
            let prefetch = entry.ensure(|prefetch| (1..=65_535).contains(prefetch), rule, remedy)?;
            Some(u32::try_from(prefetch).expect("at most 65535"))
        }
        None => None,
    };
    table.finish()?;
    let servers = u32::try_from(servers).expect("exactly one");
    Ok(Queue { servers, discipline: Discipline::Fcfs {}, prefetch })
}

fn default_run() -> RunLength {
    RunLength { seed: 1, jobs: 100_000, warmup_jobs: 10_000, replications: 20 }
}

fn run(mut table: Table<'_>) -> Result<RunLength> {
    let default = default_run();
    let seed = table.count("seed", "write seed = 20260101")?.map_or(default.seed, |entry| entry.value);
    let jobs = job_count(&mut table, "jobs", default.jobs, 2)?;
    let warmup_jobs = job_count(&mut table, "warmup_jobs", default.warmup_jobs, 0)?;
    let replications = match table.count("replications", "write replications = 20")? {
        Some(entry) => entry.ensure(
            |replications| (2..=100_000).contains(replications),
            "an interval needs at least 2 replications, and 100000 are the most",
            "write replications = 20",
        )?,
        None => u64::from(default.replications),
    };
    table.finish()?;
    let replications = u32::try_from(replications).expect("at most 100000");
    Ok(RunLength { seed, jobs, warmup_jobs, replications })
}

fn default_drive(rate: f64) -> DriveLength {
    let jobs = |seconds: f64| (rate * seconds).ceil().min(MOST_JOBS as f64) as u64;
    DriveLength {
        jobs: jobs(DriveLength::DEFAULT_S).max(1),
        warmup_jobs: jobs(DriveLength::DEFAULT_WARMUP_S),
    }
}

fn drive(mut table: Table<'_>, rate: f64) -> Result<DriveLength> {
    let default = default_drive(rate);
    let jobs = job_count(&mut table, "jobs", default.jobs, 1)?;
    let warmup_jobs = job_count(&mut table, "warmup_jobs", default.warmup_jobs, 0)?;
    table.finish()?;
    Ok(DriveLength { jobs, warmup_jobs })
}

fn job_count(table: &mut Table<'_>, key: &'static str, default: u64, fewest: u64) -> Result<u64> {
    let remedy = format!("write {key} = {default}");
    match table.count(key, &remedy)? {
        Some(entry) => {
            let rule = format!("between {fewest} and {MOST_JOBS} jobs");
            entry.ensure(|jobs| (fewest..=MOST_JOBS).contains(jobs), &rule, &remedy)
        }
        None => Ok(default),
    }
}
