//! The places of a network.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Queue, Service};

/// A queue with its servers, and where its jobs go afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    pub(crate) name: String,
    /// Absent in a scenario with a single station, where the class says.
    pub(crate) service: Option<Service>,
    pub(crate) queue: Queue,
    pub(crate) next: Routing,
}

impl Station {
    /// Name of the station; empty where a scenario has only one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where jobs wait and who serves them.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Where jobs go when they are done.
    pub fn next(&self) -> &Routing {
        &self.next
    }
}

/// Probabilities of the stations to which a job goes, and of leaving the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// Name, index and probability of each station.
    pub(crate) to: Vec<(String, usize, f64)>,
    pub(crate) exit: f64,
}

impl Routing {
    /// Out of the network.
    pub(crate) const EXIT: Routing = Routing { to: Vec::new(), exit: 1.0 };

    /// Index and probability of each station to which a job may go.
    pub fn stations(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.to.iter().map(|(_, station, probability)| (*station, *probability))
    }

    /// Probability that a job leaves the network.
    pub fn exit(&self) -> f64 {
        self.exit
    }
}

impl Serialize for Routing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, _, probability) in &self.to {
            map.serialize_entry(name, probability)?;
        }
        if self.exit > 0.0 {
            map.serialize_entry("exit", &self.exit)?;
        }
        map.end()
    }
}
