//! How well a fit knows the waits that it leads to.

use serde::Serialize;
use sim::output::Estimate;
use sim::theory::approximations::allen_cunneen;

use super::Fitted;

/// The mean wait of the fitted system, by Allen and Cunneen's approximation, and what the intervals of rate and mean
/// service leave open of it. A simulation of the scenario does not know of them: its intervals are its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Precision {
    /// Mean wait, s.
    pub mean_wait_s: f64,
    /// Lower end of its 95 % interval, s.
    pub low_s: f64,
    /// Upper end, s; `None` if the queue may grow without end.
    pub high_s: Option<f64>,
}

impl Precision {
    /// Of a fit whose queue is stable; none else.
    ///
    /// ```text
    /// ln W ± √(Δ_λ² + Δ_S²),      Δ: what one end of the interval of λ, or of E[S], moves ln W by
    /// ```
    ///
    /// # References
    /// Allen 1990, *Probability, Statistics, and Queueing Theory*, for the approximation.
    pub fn of(fitted: &Fitted) -> Option<Self> {
        let arrivals_scv = fitted.interarrival.as_ref().map_or(1.0, |fit| fit.scv);
        let scvs = [arrivals_scv, fitted.service.scv];
        Self::of_estimates(fitted.arrival_rate, fitted.mean_service_s, scvs, fitted.servers)
    }

    fn of_estimates(rate: Estimate, service_s: Estimate, scvs: [f64; 2], servers: u32) -> Option<Self> {
        let wait = |rates: f64, services: f64| {
            let rate = rate.estimate + rates * rate.half_width;
            let service_s = service_s.estimate + services * service_s.half_width;
            // Intervals of few jobs may reach below zero.
            let [rate, service_s] = [rate, service_s].map(|value| value.max(f64::MIN_POSITIVE));
            allen_cunneen(rate, service_s, servers, scvs[0], scvs[1]).ok()
        };
        let mean_wait_s = wait(0.0, 0.0).filter(|wait_s| *wait_s > 0.0)?;
        let moved = |side: f64| {
            let by = |wait_s: Option<f64>| wait_s.map(|wait_s| (wait_s / mean_wait_s).ln());
            Some(by(wait(side, 0.0))?.hypot(by(wait(0.0, side))?))
        };
        Some(Precision {
            mean_wait_s,
            low_s: mean_wait_s * moved(-1.0).map_or(0.0, |moved| (-moved).exp()),
            high_s: moved(1.0).map(|moved| mean_wait_s * moved.exp()),
        })
    }
}

#[cfg(test)]
mod tests {
    use sim::sampling::Jobs;

    use super::super::dependence::Dependence;
    use super::super::estimate;
    use super::*;
    use crate::statistics::mean;

    #[test]
    fn the_interval_holds_the_mean_wait_of_the_law_as_often_as_it_says() {
        const RUNS: u64 = 400;
        let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap();
        let scenario = scenario.with_rate(140.0);
        let truth_s = 0.7 / 0.3 * 0.005;
        let (mut held, mut widths) = (0, 0.0);
        for seed in 0..RUNS {
            let jobs: Vec<_> = Jobs::new(&scenario.clone().with_seed(4_000 + seed), 0).take(2_500).collect();
            let gaps: Vec<f64> = jobs.windows(2).map(|pair| pair[1].due_s - pair[0].due_s).collect();
            let services: Vec<f64> = jobs.iter().map(|job| job.demand_s).collect();
            let [gap, service_s] =
                [&gaps, &services].map(|times| estimate(times, &Dependence::of(times, 1e-9)));
            let scvs = [&gaps, &services].map(|times| {
                let mean_s = mean(times);
                times.iter().map(|time| (time / mean_s - 1.0).powi(2)).sum::<f64>() / times.len() as f64
            });
            let rate = 1.0 / gap.estimate;
            let rate = Estimate { estimate: rate, half_width: rate * gap.half_width / gap.estimate, ..gap };
            let found = Precision::of_estimates(rate, service_s, scvs, 1).unwrap();
            let high_s = found.high_s.unwrap_or(f64::INFINITY);
            held += u32::from(found.low_s <= truth_s && truth_s <= high_s);
            widths += (high_s / found.low_s).ln() / RUNS as f64;
        }
        // 95 % of 400, less 3.5 standard errors of chance; the error of c² is not in the interval.
        assert!(held >= 364, "{held} of {RUNS}");
        // 2·1.96·√2/√2500 = 0.11, three times amplified at 70 %.
        assert!((0.3..0.45).contains(&widths), "{widths}");
    }

    #[test]
    fn a_queue_that_may_grow_without_end_has_no_upper_end_and_one_that_does_has_no_wait() {
        let known = |estimate: f64, relative: f64| Estimate {
            estimate,
            half_width: relative * estimate,
            confidence: sim::output::CONFIDENCE,
        };
        let found = Precision::of_estimates(known(190.0, 0.1), known(0.005, 0.01), [1.0; 2], 1).unwrap();
        assert!(found.high_s.is_none() && found.low_s < found.mean_wait_s, "{found:?}");
        assert_eq!(Precision::of_estimates(known(210.0, 0.1), known(0.005, 0.01), [1.0; 2], 1), None);
        let exact = Precision::of_estimates(known(160.0, 0.0), known(0.005, 0.0), [1.0; 2], 1).unwrap();
        assert!((exact.mean_wait_s - 0.020).abs() < 1e-12 && exact.high_s == Some(exact.low_s), "{exact:?}");
    }
}
