//! A scenario written back as the file that [`parse`](super::parse) reads to the same value.

use serde::Serialize;

use super::grammar;
use crate::model::{
    ArrivalProcess, Arrivals, Class, DriveLength, Experiment, Initial, Margins, Outage, Queue, Routing,
    RunLength, Scenario, Service, Shape, Transient,
};

/// The scenario with every default filled in, as TOML that [`parse`](super::parse) reads back to the same
/// value where the [`attachments`] lie beside it.
pub fn resolved(scenario: &Scenario) -> String {
    toml::to_string(&File::of(scenario)).expect("a scenario holds only what TOML can say")
}

/// The file's tables, in its order.
#[derive(Serialize)]
struct File<'s> {
    schema: u64,
    name: &'s str,
    description: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals: Option<&'s Arrivals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'s Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'s Queue>,
    #[serde(rename = "class", skip_serializing_if = "<[Class]>::is_empty")]
    classes: &'s [Class],
    #[serde(rename = "station", skip_serializing_if = "Vec::is_empty")]
    stations: Vec<NamedStation<'s>>,
    #[serde(rename = "outage", skip_serializing_if = "<[Outage]>::is_empty")]
    outages: &'s [Outage],
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<Initial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transient: Option<Transient>,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment: Option<Experiment>,
    run: &'s RunLength,
    drive: &'s DriveLength,
    /// Left out where they are the usual ones, so that files without them keep their hash.
    #[serde(skip_serializing_if = "Margins::are_usual")]
    margins: &'s Margins,
}

#[derive(Serialize)]
struct NamedStation<'s> {
    name: &'s str,
    service: &'s Option<Service>,
    queue: &'s Queue,
    next: &'s Routing,
}

impl<'s> File<'s> {
    fn of(scenario: &'s Scenario) -> Self {
        let only = (scenario.classes.len() == 1 && scenario.classes[0].name.is_empty())
            .then(|| &scenario.classes[0]);
        let network = scenario.is_network();
        let stations = scenario.stations.iter().filter(|_| network).map(|station| NamedStation {
            name: &station.name,
            service: &station.service,
            queue: &station.queue,
            next: &station.next,
        });
        File {
            schema: scenario.schema,
            name: &scenario.name,
            description: &scenario.description,
            arrivals: only.map(|class| &class.arrivals),
            service: only.and_then(|class| class.service.as_ref()),
            queue: (!network).then(|| &scenario.stations[0].queue),
            classes: if only.is_some() { &[] } else { &scenario.classes },
            stations: stations.collect(),
            outages: &scenario.outages,
            initial: scenario.initial,
            transient: scenario.transient,
            experiment: scenario.experiment,
            run: &scenario.run,
            drive: &scenario.drive,
            margins: &scenario.margins,
        }
    }
}

/// Name and content of each file that the resolved scenario refers to.
pub fn attachments(scenario: &Scenario) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for class in &scenario.classes {
        match &class.arrivals.process {
            ArrivalProcess::Trace(trace) => {
                files.push((trace.file.clone(), grammar::content(&trace.instants_s)));
            }
            ArrivalProcess::Renewal { shape } => files.extend(attachment(shape)),
            _ => {}
        }
        files.extend(class.service.as_ref().and_then(|service| attachment(&service.shape)));
    }
    for station in &scenario.stations {
        files.extend(station.service.as_ref().and_then(|service| attachment(&service.shape)));
        files.extend(station.queue.patience.as_ref().and_then(|patience| attachment(&patience.shape)));
    }
    files.sort();
    files.dedup();
    files
}

fn attachment(shape: &Shape) -> Option<(String, String)> {
    match shape {
        Shape::Empirical(times) => Some((times.file.clone(), grammar::content(&times.raw))),
        _ => None,
    }
}
