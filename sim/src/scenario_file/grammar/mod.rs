//! The grammar of the scenario file, one file a part, in the order of the file.

mod arrivals;
mod effort;
mod network;
mod queue;
mod shape;
mod support;
mod values;

pub(super) use values::content;

use super::ScenarioError;
use super::table::{Entry, Table};
use crate::model::{Experiment, Initial, Outage, Scenario, Station};

type Result<T> = std::result::Result<T, ScenarioError>;

/// Version of the grammar.
const SCHEMA: u64 = 1;

/// Most jobs whose rows are kept: those of a live run, and of the part of a simulation that pairs with it.
const MOST_ROWS: u64 = 20_000_000;

pub(super) fn scenario(mut root: Table<'_>) -> Result<Scenario> {
    let places = root.places();
    let version = root.required_count("schema", "write schema = 1")?;
    version.ensure(|version| *version == SCHEMA, "this program reads schema 1", "write schema = 1")?;
    let name = name(root.required_string("name", "write name = \"my-queue\"")?)?;
    let description = root
        .string("description", "write description = \"what this queue shows\"")?
        .map_or_else(String::new, |entry| entry.value);
    let stations = network::stations(&mut root)?;
    let classes = network::classes(&mut root, &stations)?;
    let stations = match stations {
        named if !named.is_empty() => named,
        _ => vec![network::only_station(&mut root)?],
    };
    let outages = root.tables("outage", OUTAGE)?;
    let outages = outages.into_iter().map(|table| outage(table, &stations)).collect::<Result<Vec<_>>>()?;
    let initial = root.table("initial", INITIAL)?.map(initial).transpose()?;
    let transient = root.table("transient", effort::TRANSIENT)?.map(effort::transient).transpose()?;
    let experiment = root.table("experiment", EXPERIMENT)?.map(experiment).transpose()?;
    let rate = classes.iter().map(|class| class.arrivals.rate()).sum();
    let trace = classes.iter().filter_map(|class| arrivals::length(&class.arrivals)).min();
    let is_steady = outages.is_empty() && initial.is_none() && transient.is_none() && trace.is_none();
    let run = effort::run(root.table("run", "write [run]")?, trace, is_steady)?;
    let drive = effort::drive(root.table("drive", "write [drive]")?, rate, trace)?;
    let margins = root.table("margins", effort::MARGINS)?.map(effort::margins).transpose()?;
    root.finish()?;
    let scenario = Scenario {
        schema: SCHEMA,
        name,
        description,
        classes,
        stations,
        outages,
        initial,
        transient,
        run,
        drive,
        experiment,
        margins: margins.unwrap_or_default(),
    };
    support::check(&scenario, &places)?;
    Ok(scenario)
}

/// A name that can become part of a file's.
fn name(entry: Entry<String>) -> Result<String> {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    entry.ensure(
        |name| !name.is_empty() && name.len() <= 64 && name.bytes().all(is_name_byte),
        "a name becomes part of file names: 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'",
        "write name = \"my-queue\"",
    )
}

/// A required time in seconds that is positive, and not absurd.
fn time(table: &mut Table<'_>, key: &'static str, remedy: &str) -> Result<f64> {
    table.required_number(key, remedy)?.ensure(
        |time| (1e-9..=1e9).contains(time),
        "a time lies between 1e-9 and 1e9 seconds",
        remedy,
    )
}

const INITIAL: &str = "write [initial] with jobs = 1000";

fn initial(mut table: Table<'_>) -> Result<Initial> {
    let jobs = table.required_count("jobs", INITIAL)?;
    let jobs = jobs.ensure(|jobs| *jobs <= MOST_ROWS, "a backlog of at most 20000000 jobs", INITIAL)?;
    table.finish()?;
    Ok(Initial { jobs })
}

const EXPERIMENT: &str = "write [experiment] with share = 0.5 and service_factor = 0.88";

fn experiment(mut table: Table<'_>) -> Result<Experiment> {
    let share = table.required_number("share", EXPERIMENT)?;
    let share = share.ensure(|share| Experiment::new(*share, 1.0).is_some(), Experiment::RULE, EXPERIMENT)?;
    let factor = table.required_number("service_factor", EXPERIMENT)?;
    let factor =
        factor.ensure(|factor| Experiment::new(share, *factor).is_some(), Experiment::RULE, EXPERIMENT)?;
    table.finish()?;
    Ok(Experiment::new(share, factor).expect("both keep the rule"))
}

const OUTAGE: &str = "write [[outage]] with at_s = 60.0, for_s = 30.0 and servers = 1";

fn outage(mut table: Table<'_>, stations: &[Station]) -> Result<Outage> {
    let at_s = table.required_number("at_s", OUTAGE)?;
    let at_s = at_s.ensure(|at| (0.0..=1e9).contains(at), "between 0 and 1e9 seconds", OUTAGE)?;
    let for_s = time(&mut table, "for_s", OUTAGE)?;
    let named = table.string("station", "name one of the stations")?;
    let index = match &named {
        Some(entry) => {
            let found = stations.iter().position(|station| station.name == entry.value);
            found.ok_or_else(|| {
                entry.mistake("there is no station of this name", "name one of the stations")
            })?
        }
        None => 0,
    };
    let most = stations[index].queue.servers;
    let servers = match table.count("servers", OUTAGE)? {
        Some(entry) => {
            let rule = format!("an outage takes 1 to all {most} servers");
            entry.between(1, most, &rule, "lower it, or leave it out: all servers are gone then")?
        }
        None => most,
    };
    let work = queue::interrupted(&mut table)?;
    table.finish()?;
    let station = named.map(|entry| entry.value);
    Ok(Outage { at_s, for_s, servers, work, station, station_index: index })
}
