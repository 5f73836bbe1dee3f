//! What a little more or less capacity does.

use serde::Serialize;
use sim::estimate::Metric;
use sim::model::{Overhead, Overheads, Scenario};
use sim::theory::predict;

use super::heavy_traffic::HeavyTraffic;
use super::length::Length;
use super::{System, Target, figures};

/// Relative step of the capacity, up and down.
const STEP: f64 = 0.01;
/// Jobs of which both sides are simulated.
const JOBS: u64 = 1_000_000;

/// Elasticities: by how many per cent a figure falls for one per cent of capacity more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Consumers.
    pub servers: u32,
    /// d ln W/d ln μ of the mean sojourn, by simulation, or by heavy traffic where no run is long enough; none where one per cent less capacity leaves no steady state, or one
    /// that no run is long enough to tell.
    pub mean_sojourn: Option<f64>,
    /// d ln W/d ln μ of the figure of the target, by simulation; none there, too, and of a figure that is 0.
    pub target: Option<f64>,
    /// Of the mean sojourn of the ideal queue, by theory; none without a closed form.
    pub ideal_mean_sojourn: Option<f64>,
}

/// Simulates the same jobs with consumers one per cent faster and one per cent slower: services take as much less or longer, and so
/// does all else that a job takes of a consumer.
///
/// ```text
/// d ln W/d ln μ ≈ −ln(W(1.01·b)/W(0.99·b))/ln(1.01/0.99),     b: what a job takes of a consumer     −1/(1 − ρ) for M/M/1
/// ```
pub fn sensitivity(system: &System, target: Target, servers: u32) -> Sensitivity {
    let base = system.with(system.scenario.arrival_rate(), servers);
    let mean_s = base.mean_service_of(0, 0);
    let sides = [1.0 - STEP, 1.0 + STEP].map(|factor| {
        let scenario = base.clone().with_mean_service(factor * mean_s);
        (scenario, scaled(&system.overheads(), factor), system.sustainable_rate(servers) / factor)
    });
    let elasticity = |short: f64, long: f64| -(long / short).ln() / ((1.0 + STEP) / (1.0 - STEP)).ln();
    // At one per cent more load the queue remembers longer than with one per cent less capacity.
    let slower = system.with((1.0 + STEP) * system.scenario.arrival_rate(), servers);
    let length = Length::of(system, &slower, JOBS);
    let of = |metric: Metric| {
        let found = match length {
            Some(length) => {
                let side = |(scenario, overheads, _): &(Scenario, Overheads, f64)| {
                    (length.of_run(scenario.clone(), 1), overheads.clone())
                };
                figures(&sides.each_ref().map(side), Target { metric, ..target })
            }
            None => {
                let side = |(scenario, overheads, capacity): &(Scenario, Overheads, f64)| {
                    Some(HeavyTraffic::of(scenario, overheads, *capacity)?.figure(metric))
                };
                sides.iter().map(side).collect::<Option<Vec<f64>>>()?
            }
        };
        Some(elasticity(found[0], found[1])).filter(|found| found.is_finite())
    };
    let ideal = sides
        .each_ref()
        .map(|(scenario, ..)| scenario.clone())
        .map(|scenario| predict(&scenario.without_prefetch(), None).ok()?.mean_sojourn_s);
    let ideal_mean_sojourn = match ideal {
        [Some(short), Some(long)] => Some(elasticity(short, long)),
        _ => None,
    };
    let mean_sojourn = of(Metric::MeanSojourn);
    let of_target = if target.metric == Metric::MeanSojourn { mean_sojourn } else { of(target.metric) };
    Sensitivity { servers, mean_sojourn, target: of_target, ideal_mean_sojourn }
}

/// Overheads of which those that occupy a consumer are a factor as long; the way to an idle one is none of them.
fn scaled(overheads: &Overheads, factor: f64) -> Overheads {
    let of = |overhead: &Overhead| overhead.with_mean(factor * overhead.mean_s());
    Overheads {
        idle_path: overheads.idle_path.clone(),
        turnaround: of(&overheads.turnaround),
        hand_over: of(&overheads.hand_over),
        overshoot: of(&overheads.overshoot),
    }
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    // A millisecond of work and four of turnaround, b = 5 ms, and E[b²] = 26 ms². By Pollaczek and Khinchine the wait is
    // λE[b²]/(2(1 − ρ′)) = 23.4 ms at ρ′ = 0.9, its elasticity 2 + ρ′/(1 − ρ′) = 11, and that of the sojourn, with 1 ms of
    // service, (11·23.4 + 1)/24.4. Where an arrival finds the consumer idle there is no turnaround, which changes a tenth.
    #[test]
    fn overheads_that_occupy_a_consumer_are_part_of_its_capacity() {
        let terms = (Terms { turnaround_s: 0.004, ..Terms::IDEAL }, 0.0);
        let target = Target { metric: Metric::MeanWait, at_most_s: 10.0 };
        let found = sensitivity(&system(180.0, 0.001, EXPONENTIAL, Some(terms)), target, 1);
        let elasticity = found.mean_sojourn.unwrap();
        assert!((elasticity + 10.59).abs() < 0.25, "{found:?}");
    }

    #[test]
    fn it_does_not_cross_saturation() {
        let target = Target { metric: Metric::MeanWait, at_most_s: 10.0 };
        let found = sensitivity(&system(199.0, 0.005, EXPONENTIAL, None), target, 1);
        assert_eq!((found.mean_sojourn, found.target, found.ideal_mean_sojourn), (None, None, None));
    }
}
