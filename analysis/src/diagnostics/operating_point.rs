//! The queue near which effects on the mean wait are predicted.

use sim::model::{Batch, Scenario};
use sim::theory::{approximations::allen_cunneen, erlang::erlang_c};

/// A G/G/c queue by the first two moments of its arrivals and of the time for which a job occupies a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OperatingPoint {
    arrival_rate: f64,
    servers: u32,
    /// E(S + o + t), s.
    occupancy_s: f64,
    /// Var(S), s²: the overheads hardly vary.
    variance_s2: f64,
    scv_interarrival: f64,
}

impl OperatingPoint {
    /// The queue of a scenario whose overheads make its utilization `effective_utilization`.
    ///
    /// Where the scenario has no finite variance or no c_a², 1 stands for it: the effect of a rate or of a mean is
    /// the same whatever c² is.
    pub(super) fn of(scenario: &Scenario, effective_utilization: f64) -> Self {
        let finite = |scv: f64| if scv.is_finite() { scv } else { 1.0 };
        let (arrival_rate, servers) = (scenario.arrival_rate(), scenario.queue().servers());
        let (arrivals, service) = (scenario.arrivals(), scenario.service());
        let gaps = arrivals.process().interarrival().map_or(1.0, |shape| finite(shape.scv()));
        OperatingPoint {
            arrival_rate,
            servers,
            occupancy_s: effective_utilization * f64::from(servers) / arrival_rate,
            variance_s2: finite(service.shape().scv()) * service.mean().powi(2),
            scv_interarrival: arrivals.batch().map_or(gaps, |batch| dispersion(batch, gaps)),
        }
    }

    /// Mean wait by Allen and Cunneen, s; `None` without a steady state.
    pub(super) fn wait_s(&self) -> Option<f64> {
        let scv_service = self.variance_s2 / self.occupancy_s.powi(2);
        allen_cunneen(self.arrival_rate, self.occupancy_s, self.servers, self.scv_interarrival, scv_service)
            .ok()
    }

    /// Relative change of the mean wait from here to there.
    fn effect(&self, there: Self) -> Option<f64> {
        Some(there.wait_s()? / self.wait_s()? - 1.0).filter(|effect| effect.is_finite())
    }

    /// Of another arrival rate, jobs/s.
    pub(super) fn effect_of_rate(&self, arrival_rate: f64) -> Option<f64> {
        self.effect(OperatingPoint { arrival_rate, ..*self })
    }

    /// Of arrivals whose c_a², or whatever stands for it, is `found` instead of `expected`.
    pub(super) fn effect_of_gaps(&self, found: f64, expected: f64) -> Option<f64> {
        let with = |scv_interarrival| OperatingPoint { scv_interarrival, ..*self };
        with(expected).effect(with(found))
    }

    /// Of services whose c_s² is `found` instead of `expected`.
    pub(super) fn effect_of_services(&self, found: f64, expected: f64, mean_service_s: f64) -> Option<f64> {
        let with = |scv: f64| OperatingPoint { variance_s2: scv * mean_service_s.powi(2), ..*self };
        with(expected).effect(with(found))
    }

    /// The queue in which every job occupies its server for so much longer, s.
    pub(super) fn longer(&self, by_s: f64) -> Self {
        OperatingPoint { occupancy_s: self.occupancy_s + by_s, ..*self }
    }

    /// Of jobs that occupy a server for so much longer, s.
    pub(super) fn effect_of_longer(&self, by_s: f64) -> Option<f64> {
        self.effect(self.longer(by_s))
    }

    /// Of occupancies that rise by `by_s` in the course of the run, against a run that stays as it begins.
    ///
    /// At every instant the wait is taken to be that of a queue which has always been so: drifts take minutes, and
    /// a queue forgets within seconds.
    pub(super) fn effect_of_drift(&self, by_s: f64) -> Option<f64> {
        const STEPS: u32 = 20;
        let start = self.longer(-0.5 * by_s);
        let at = |step: u32| start.effect_of_longer(by_s * (f64::from(step) + 0.5) / f64::from(STEPS));
        let effects: Option<Vec<f64>> = (0..STEPS).map(at).collect();
        effects.map(|effects| effects.iter().sum::<f64>() / f64::from(STEPS))
    }

    /// Of services that are longer by `slope` seconds for each second that their job has waited.
    ///
    /// While it is not 0, which it is not with probability P (Erlang's C), the wait is near a diffusion with drift
    /// −β = −(1−ρ′)/λ a job and an exponential law. A drift that is higher by b·(x − E W) at a wait x changes the mean,
    /// to first order in b = `slope`/c, by
    ///
    /// ```text
    /// ΔE(W)/E(W) = b·E(W)/β · (3 − 3P + P²)/P
    /// ```
    pub(super) fn effect_of_slope(&self, slope: f64, mean_wait_s: f64) -> Option<f64> {
        let servers = f64::from(self.servers);
        let slack_s = 1.0 / self.arrival_rate - self.occupancy_s / servers;
        let waits = erlang_c(self.servers, self.arrival_rate * self.occupancy_s).ok()?;
        let spread = (3.0 - 3.0 * waits + waits * waits) / waits;
        (slack_s > 0.0).then(|| slope / servers * mean_wait_s / slack_s * spread)
    }
}

/// Index of dispersion of batches of mean size E(X) that come with index `gaps`: (Var X)/E(X) + E(X)·`gaps`.
fn dispersion(batch: Batch, gaps: f64) -> f64 {
    let variance = match batch {
        Batch::Geometric { mean } => mean * (mean - 1.0),
        _ => 0.0,
    };
    variance / batch.mean() + batch.mean() * gaps
}

#[cfg(test)]
mod tests {
    use super::super::support::default_scenario;
    use super::*;

    #[test]
    fn the_point_without_overheads_is_the_textbooks_queue() {
        let point = OperatingPoint::of(&default_scenario(), 0.8);
        assert!((point.wait_s().unwrap() - 0.020).abs() < 1e-15);
        // M/D/1 waits half as long as M/M/1, and one per cent of rate is 1/(1−ρ) per cent of wait, to first order.
        assert!((point.effect_of_services(0.0, 1.0, 0.005).unwrap() + 0.5).abs() < 1e-14);
        assert!((point.effect_of_rate(160.016).unwrap() - 5e-4).abs() < 1e-6);
        assert_eq!(point.effect_of_rate(200.0), None);
    }

    #[test]
    fn a_constant_that_is_added_to_every_service_matches_theory() {
        let point = OperatingPoint::of(&default_scenario(), 0.8);
        let (mean, scv): (f64, f64) = (0.0051, (0.005_f64 / 0.0051).powi(2));
        let exact = sim::theory::mg1::mean_wait(160.0, mean, scv).unwrap();
        assert!((point.effect_of_longer(0.0001).unwrap() - (exact / 0.020 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn batches_scatter_more_than_single_jobs() {
        assert_eq!(dispersion(Batch::Fixed { mean: 4.0 }, 1.0), 4.0);
        // E(X²)/E(X) = 2E(X) − 1 for a geometric size.
        assert_eq!(dispersion(Batch::Geometric { mean: 3.0 }, 1.0), 5.0);
    }
}
