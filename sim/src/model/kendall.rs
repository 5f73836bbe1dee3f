//! Kendall's notation, derived from a scenario.

use super::{Discipline, Scenario};

impl Scenario {
    /// Kendall's name of the ideal queue, such as `M/M/1`.
    pub fn kendall(&self) -> String {
        let Discipline::Fcfs {} = self.queue.discipline;
        let arrivals = match self.arrivals.process.interarrival().kendall().as_str() {
            "G" => "GI".to_owned(),
            letter => letter.to_owned(),
        };
        format!("{arrivals}/{}/{}", self.service.shape.kendall(), self.queue.servers)
    }
}
