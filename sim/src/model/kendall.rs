//! Kendall's notation, derived from a scenario.

use super::{ArrivalProcess, Batch, Discipline, Scenario, Station};

impl Scenario {
    /// Kendall's name of the ideal queue, such as `M/M/1`, `MMPP/M/3/20` or `M/M/1-PS`; a network's is the
    /// chain of its stations.
    pub fn kendall(&self) -> String {
        if self.is_network() {
            let names: Vec<String> = self.stations.iter().map(|station| self.station_name(station)).collect();
            return format!("network of {}", names.join(", "));
        }
        let arrivals = self.common(|class| self.classes[class].arrivals.kendall());
        let services = self.common(|class| self.service_of(class, 0).shape.kendall());
        let queue = self.queue();
        let mut name = format!("{arrivals}/{services}/{}", queue.servers);
        if let Some(capacity) = queue.capacity {
            name.push_str(&format!("/{capacity}"));
        }
        if let ArrivalProcess::FiniteSource { population, .. } = self.arrivals().process() {
            name.push_str(&format!("//{population}"));
        }
        if let Some(patience) = &queue.patience {
            name.push_str(&format!("+{}", patience.shape.kendall()));
        }
        name + self.discipline_suffix()
    }

    fn station_name(&self, station: &Station) -> String {
        let service = station.service.as_ref().expect("the stations of a network have services");
        format!("./{}/{}", service.shape.kendall(), station.queue.servers)
    }

    /// The letter that all classes share, or G.
    fn common(&self, letter: impl Fn(usize) -> String) -> String {
        let first = letter(0);
        let shared = (1..self.classes.len()).all(|class| letter(class) == first);
        if shared { first } else { "G".into() }
    }

    fn discipline_suffix(&self) -> &'static str {
        match self.queue().discipline {
            Discipline::Fcfs {} => "",
            Discipline::Lcfs {} => "-LCFS",
            Discipline::LcfsPreemptive {} => "-LCFS-PR",
            Discipline::Random {} => "-ROS",
            Discipline::ProcessorSharing {} => "-PS",
            Discipline::Sjf {} => "-SJF",
            Discipline::Srpt {} => "-SRPT",
            Discipline::Priority { preemptive: false } => "-priority",
            Discipline::Priority { preemptive: true } => "-preemptive priority",
        }
    }
}

impl super::Arrivals {
    /// Kendall's letters of the arrivals: `M`, `D`, `GI`, `MMPP`, `M(t)`, with a superscript for batches.
    fn kendall(&self) -> String {
        let letters = match &self.process {
            ArrivalProcess::Poisson {} | ArrivalProcess::FiniteSource { .. } => "M".to_owned(),
            ArrivalProcess::Renewal { shape } => match shape.kendall().as_str() {
                "G" => "GI".to_owned(),
                letter => letter.to_owned(),
            },
            ArrivalProcess::Mmpp { .. } => "MMPP".to_owned(),
            ArrivalProcess::Piecewise { .. } | ArrivalProcess::Sinusoid { .. } => "M(t)".to_owned(),
            ArrivalProcess::Trace(_) => "trace".to_owned(),
        };
        match self.batch {
            None => letters,
            Some(Batch::Fixed { mean }) => format!("{letters}[{mean}]"),
            Some(Batch::Geometric { .. }) => format!("{letters}[X]"),
        }
    }
}
