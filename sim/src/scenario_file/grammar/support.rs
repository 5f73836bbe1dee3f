//! What goes together: combinations that no engine carries are refused by name, never simplified.

use super::Result;
use crate::model::{ArrivalProcess, Discipline, Overflow, Queue, Scenario};
use crate::scenario_file::table::Places;

pub(super) fn check(scenario: &Scenario, places: &Places) -> Result<()> {
    for (n, station) in scenario.stations.iter().enumerate() {
        let path = match scenario.is_network() {
            true => format!("station[{}].queue", n + 1),
            false => "queue".to_owned(),
        };
        discipline(&station.queue, &path, places)?;
        prefetch(scenario, &station.queue, &path, places)?;
    }
    for (n, outage) in scenario.outages.iter().enumerate() {
        let queue = &scenario.stations[outage.station_index].queue;
        if matches!(queue.discipline, Discipline::ProcessorSharing {}) {
            let rule = "an outage hits servers that have a job each, and processor sharing has none such";
            return Err(places.mistake(&format!("outage[{}].at_s", n + 1), rule, "remove the outage"));
        }
    }
    experiment(scenario, places)?;
    arrivals(scenario, places)?;
    backlog(scenario, places)?;
    exits(scenario, places)
}

fn discipline(queue: &Queue, path: &str, places: &Places) -> Result<()> {
    let refuse =
        |key: &str, rule: &str, remedy: &str| Err(places.mistake(&format!("{path}.{key}"), rule, remedy));
    if matches!(queue.discipline, Discipline::ProcessorSharing {}) {
        let rule =
            "with processor sharing every job is in service at once: nobody waits, no server is anyone's";
        for (set, key) in [
            (queue.patience.is_some(), "patience"),
            (queue.retry.is_some(), "retry"),
            (queue.breakdowns.is_some(), "breakdowns"),
        ] {
            if set {
                return refuse(key, rule, "remove it, or choose another discipline");
            }
        }
    }
    let by_age = matches!(queue.discipline, Discipline::Fcfs {} | Discipline::Priority { .. });
    if queue.overflow == Some(Overflow::DropHead) && !by_age {
        let rule = "drop_head needs a line with a head: fcfs or priority";
        return refuse("overflow", rule, "write overflow = \"reject\"");
    }
    Ok(())
}

fn prefetch(scenario: &Scenario, queue: &Queue, path: &str, places: &Places) -> Result<()> {
    if queue.prefetch.is_none() {
        return Ok(());
    }
    let open = !matches!(scenario.arrivals().process, ArrivalProcess::FiniteSource { .. });
    let simple = scenario.is_single() && queue.is_plain() && scenario.outages.is_empty() && open;
    if simple && matches!(queue.discipline, Discipline::Fcfs {}) {
        if scenario.transient.is_some() && queue.servers > 1 && queue.prefetch != Some(1) {
            let rule = "a [transient] of several consumers is that of a central queue, which prefetch above 1 is not";
            return Err(places.mistake(&format!("{path}.prefetch"), rule, "remove it, or the [transient]"));
        }
        return Ok(());
    }
    let rule = "prefetch goes with one class, one fcfs queue, and without capacity, patience, retry, breakdowns, \
                outages, finite source or stations";
    Err(places.mistake(
        &format!("{path}.prefetch"),
        rule,
        "remove it: the queue is an ideal, central one then",
    ))
}

fn experiment(scenario: &Scenario, places: &Places) -> Result<()> {
    if scenario.experiment.is_none() || scenario.is_plain_fcfs() {
        return Ok(());
    }
    let rule = "an experiment goes with one class and one fcfs queue, without capacity, patience, retry, breakdowns, \
                outages, finite source or stations";
    Err(places.mistake("experiment.share", rule, "remove the [experiment], or what does not go with it"))
}

fn arrivals(scenario: &Scenario, places: &Places) -> Result<()> {
    for (n, class) in scenario.classes.iter().enumerate() {
        let path = match class.name.is_empty() {
            true => "arrivals".to_owned(),
            false => format!("class[{}].arrivals", n + 1),
        };
        let has_own_instants =
            matches!(class.arrivals.process, ArrivalProcess::Trace(_) | ArrivalProcess::FiniteSource { .. });
        if class.arrivals.batch.is_some() && has_own_instants {
            let rule = "a trace or a finite source says itself how many jobs come at an instant";
            return Err(places.mistake(&format!("{path}.batch"), rule, "remove the batch"));
        }
        let finite = matches!(class.arrivals.process, ArrivalProcess::FiniteSource { .. });
        if finite && !(scenario.is_single() && scenario.initial.is_none()) {
            let rule = "a finite source is alone: one class, one queue, no [initial] jobs";
            return Err(places.mistake(&format!("{path}.process"), rule, "use an open arrival process"));
        }
    }
    Ok(())
}

/// Time averages need a window, and all of a backlog is due at one instant.
fn backlog(scenario: &Scenario, places: &Places) -> Result<()> {
    let run = &scenario.run;
    let last = run.warmup_jobs() + run.jobs;
    if scenario.initial_jobs() < last {
        return Ok(());
    }
    let rule = format!("the last of the measured jobs, number {last}, must come after the backlog");
    let remedy = "lower it, or raise jobs in [run]";
    Err(places.mistake("initial.jobs", &rule, remedy))
}

/// Every station that jobs can reach has a way out.
fn exits(scenario: &Scenario, places: &Places) -> Result<()> {
    let stations = &scenario.stations;
    let mut leaves: Vec<bool> = stations.iter().map(|station| station.next.exit() > 0.0).collect();
    for _ in 0..stations.len() {
        for (n, station) in stations.iter().enumerate() {
            leaves[n] |= station.next.stations().any(|(to, probability)| probability > 0.0 && leaves[to]);
        }
    }
    match leaves.iter().position(|leaves| !leaves) {
        None => Ok(()),
        Some(n) => {
            let rule = "a network needs an exit: from here no job ever leaves";
            let remedy = "write next = { other = 0.4, exit = 0.6 }";
            Err(places.mistake(&format!("station[{}].next", n + 1), rule, remedy))
        }
    }
}
