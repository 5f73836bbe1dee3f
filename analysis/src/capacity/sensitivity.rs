//! What a little more or less capacity does.

use serde::Serialize;
use sim::estimate::Metric;
use sim::theory::predict;

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
    /// d ln W/d ln μ of the mean sojourn, by simulation; none where one per cent less capacity leaves no steady state, or one
    /// that no run is long enough to tell.
    pub mean_sojourn: Option<f64>,
    /// d ln W/d ln μ of the figure of the target, by simulation; none there, too, and of a figure that is 0.
    pub target: Option<f64>,
    /// Of the mean sojourn of the ideal queue, by theory; none without a closed form.
    pub ideal_mean_sojourn: Option<f64>,
}

/// Simulates the same jobs with services one per cent longer and one per cent shorter.
///
/// ```text
/// d ln W/d ln μ ≈ −ln(W(1.01·E[S])/W(0.99·E[S]))/ln(1.01/0.99)         −1/(1 − ρ) for M/M/1
/// ```
pub fn sensitivity(system: &System, target: Target, servers: u32) -> Sensitivity {
    let base = system.with(system.scenario.arrival_rate(), servers);
    let mean_s = base.mean_service_of(0, 0);
    let sides = [1.0 - STEP, 1.0 + STEP].map(|factor| base.clone().with_mean_service(factor * mean_s));
    let elasticity = |short: f64, long: f64| -(long / short).ln() / ((1.0 + STEP) / (1.0 - STEP)).ln();
    // At one per cent more load the queue remembers longer than with one per cent less capacity.
    let slower = system.with((1.0 + STEP) * system.scenario.arrival_rate(), servers);
    let models = Length::of(system, &slower, JOBS)
        .map(|length| sides.clone().map(|scenario| (length.of_run(scenario, 1), system.overheads())));
    let of = |metric: Metric| {
        let found = figures(models.as_ref()?, Target { metric, ..target });
        Some(elasticity(found[0], found[1])).filter(|found| found.is_finite())
    };
    let ideal = sides.map(|scenario| predict(&scenario.without_prefetch(), None).ok()?.mean_sojourn_s);
    let ideal_mean_sojourn = match ideal {
        [Some(short), Some(long)] => Some(elasticity(short, long)),
        _ => None,
    };
    let mean_sojourn = of(Metric::MeanSojourn);
    let of_target = if target.metric == Metric::MeanSojourn { mean_sojourn } else { of(target.metric) };
    Sensitivity { servers, mean_sojourn, target: of_target, ideal_mean_sojourn }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    #[test]
    fn it_does_not_cross_saturation() {
        let target = Target { metric: Metric::MeanWait, at_most_s: 10.0 };
        let found = sensitivity(&system(199.0, 0.005, EXPONENTIAL, None), target, 1);
        assert_eq!((found.mean_sojourn, found.target, found.ideal_mean_sojourn), (None, None, None));
    }
}
