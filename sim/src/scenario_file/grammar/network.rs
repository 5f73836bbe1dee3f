//! Classes of jobs, stations, and the ways between them.

use super::{Result, arrivals, name, queue};
use crate::model::{Class, Queue, Routing, Station};
use crate::scenario_file::table::Table;

const STATION: &str = "write [[station]] with name, service, queue and next = { other = 0.4, exit = 0.6 }";
const CLASS: &str = "write [[class]] with name, priority, arrivals and service";

/// The stations of a network, none if the file has no `[[station]]`.
pub(super) fn stations(root: &mut Table<'_>) -> Result<Vec<Station>> {
    let mut stations: Vec<Station> = Vec::new();
    let mut ways = Vec::new();
    for mut table in root.tables("station", STATION)? {
        let entry = table.required_string("name", STATION)?;
        if entry.value == "exit" || stations.iter().any(|station| station.name == entry.value) {
            let rule = "each station has a name of its own, and `exit` is the way out";
            return Err(entry.mistake(rule, "choose another name"));
        }
        let service = queue::service(table.required_table("service", "add service = { mean = 0.005 }")?)?;
        let queue = match table.table("queue", "write queue = { servers = 1 }")? {
            Some(table) => queue::queue(table)?,
            None => Queue::PLAIN,
        };
        ways.push(table.table("next", STATION)?);
        table.finish()?;
        stations.push(Station { name: name(entry)?, service: Some(service), queue, next: Routing::EXIT });
    }
    let next = ways.into_iter().map(|way| match way {
        Some(table) => routing(table, &stations, true),
        None => Ok(Routing::EXIT),
    });
    let next: Vec<Routing> = next.collect::<Result<_>>()?;
    for (station, next) in stations.iter_mut().zip(next) {
        station.next = next;
    }
    Ok(stations)
}

/// The station of a scenario that has no network.
pub(super) fn only_station(root: &mut Table<'_>) -> Result<Station> {
    let queue = match root.table("queue", "write [queue]")? {
        Some(table) => queue::queue(table)?,
        None => Queue::PLAIN,
    };
    Ok(Station { name: String::new(), service: None, queue, next: Routing::EXIT })
}

/// Probabilities that sum to 1, the way out included where there is one.
pub(super) fn routing(table: Table<'_>, stations: &[Station], may_exit: bool) -> Result<Routing> {
    let remedy = "write the probability of each station, such as { other = 0.4, exit = 0.6 }";
    let whole = table.complaint("not whole", "the probabilities must sum to 1", remedy);
    let mut routing = Routing { to: Vec::new(), exit: 0.0 };
    for (name, entry) in table.named_numbers(remedy)? {
        let station = stations.iter().position(|station| station.name == name);
        if station.is_none() && !(may_exit && name == "exit") {
            return Err(entry.mistake("there is no station of this name", remedy));
        }
        let probability =
            entry.ensure(|p| (0.0..=1.0).contains(p), "a probability lies between 0 and 1", remedy)?;
        match station {
            Some(station) => routing.to.push((name, station, probability)),
            None => routing.exit = probability,
        }
    }
    let sum = routing.exit + routing.to.iter().map(|(_, _, probability)| probability).sum::<f64>();
    if (sum - 1.0).abs() > 1e-9 { Err(whole) } else { Ok(routing) }
}

/// The classes of the file, or its only, nameless one.
pub(super) fn classes(root: &mut Table<'_>, stations: &[Station]) -> Result<Vec<Class>> {
    let tables = root.tables("class", CLASS)?;
    if tables.is_empty() {
        let table = root.required_table("arrivals", "add [arrivals] with rate = 160.0 (jobs/s)")?;
        let service = match stations {
            [] => {
                let remedy = "add [service] with mean = 0.005 (seconds)";
                Some(queue::service(root.required_table("service", remedy)?)?)
            }
            _ => None,
        };
        let arrivals = arrivals::arrivals(table, service.as_ref(), stations)?;
        return Ok(vec![Class { name: String::new(), priority: 1, arrivals, service }]);
    }
    let mut classes: Vec<Class> = Vec::new();
    for mut table in tables {
        let entry = table.required_string("name", CLASS)?;
        if classes.iter().any(|class| class.name == entry.value) {
            return Err(entry.mistake("each class has a name of its own", "choose another name"));
        }
        let priority = match table.count("priority", "write priority = 1")? {
            Some(entry) => entry.between(1, 64, "a priority lies between 1, served first, and 64", CLASS)?,
            None => 1,
        };
        let service = match stations {
            [] => Some(queue::service(table.required_table("service", "add service = { mean = 0.005 }")?)?),
            _ => None,
        };
        let ways = table.required_table("arrivals", "add arrivals = { rate = 40.0 }")?;
        let arrivals = arrivals::arrivals(ways, service.as_ref(), stations)?;
        table.finish()?;
        classes.push(Class { name: name(entry)?, priority, arrivals, service });
    }
    Ok(classes)
}
