//! How many jobs a queue remembers.

use crate::model::{ArrivalProcess, Load, Scenario};
use crate::theory::relaxation;

/// The time scales of a scenario, in jobs that arrive from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// In how many jobs the queue's memory of its state decays by e; none where nobody knows, as with services of
    /// infinite variance, and where a bound keeps it short.
    pub queue_jobs: Option<f64>,
    /// Whether this is exact, or that of a queue in heavy traffic.
    pub is_exact: bool,
    /// Jobs in a cycle of what goes on around the queue: rates that vary, servers that fail; 0 if nothing does.
    pub cycle_jobs: f64,
}

impl Memory {
    /// What is known of a scenario.
    ///
    /// Where theory has no relaxation time of the queue, that of heavy traffic stands for it,
    ///
    /// ```text
    /// 2ρ·(c_a² + c_s²)/(1 - ρ)²  jobs
    /// ```
    ///
    /// of the slowest station that nothing bounds.
    ///
    /// # References
    /// Whitt 1989, *Management Science* 35.
    pub fn of(scenario: &Scenario) -> Self {
        let cycle_jobs = cycle_s(scenario) * scenario.arrival_rate();
        match relaxation(scenario) {
            Some(known) => Memory { queue_jobs: Some(known.jobs), is_exact: known.is_exact, cycle_jobs },
            None => Memory { queue_jobs: heavy_traffic_jobs(scenario), is_exact: false, cycle_jobs },
        }
    }
}

fn heavy_traffic_jobs(scenario: &Scenario) -> Option<f64> {
    let scv_arrivals = scenario.arrivals().process().interarrival().map_or(1.0, |shape| shape.scv());
    let of_station = |(station, load): (usize, Load)| {
        let classes = 0..scenario.classes().len();
        let scv = classes.map(|class| scenario.service_of(class, station).shape().scv()).fold(0.0, f64::max);
        let idle = 1.0 - load.utilization;
        let jobs = 2.0 * load.utilization * (scv_arrivals + scv) / (idle * idle);
        jobs * scenario.arrival_rate() / load.arrival_rate
    };
    let growing = scenario.loads().into_iter().enumerate().filter(|(_, load)| !load.is_bounded);
    let slowest = growing.map(of_station).fold(0.0, f64::max);
    (slowest > 0.0 && slowest.is_finite()).then_some(slowest)
}

/// The longest cycle around the queue, s.
fn cycle_s(scenario: &Scenario) -> f64 {
    let arrivals = scenario.classes().iter().map(|class| match class.arrivals().process() {
        ArrivalProcess::Mmpp { mean_stay_s, .. } => mean_stay_s.iter().sum(),
        ArrivalProcess::Piecewise { durations_s, .. } => durations_s.iter().sum(),
        ArrivalProcess::Sinusoid { period_s, .. } => *period_s,
        _ => 0.0,
    });
    let breakdowns = scenario.stations().iter().filter_map(|station| station.queue().breakdowns());
    let breakdowns = breakdowns.map(|breakdowns| breakdowns.mean_up_s() + breakdowns.mean_down_s());
    arrivals.chain(breakdowns).fold(0.0, f64::max)
}
