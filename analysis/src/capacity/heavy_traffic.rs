//! Queues so near saturation that no run is long enough: what they settle to by two moments.

use sim::estimate::Metric;
use sim::model::{Batch, Overhead, Overheads, Scenario};
use sim::theory::erlang::erlang_c;
use sim::theory::law::Law;
use sim::theory::quadrature::interval;
use sim::theory::relaxation;

use super::target::quantile;

/// What a figure may be off by where it is an approximation.
const ERROR: f64 = 0.05;

/// Load above which the law of the wait counts as that of heavy traffic.
const LEAST: f64 = 0.95;

/// The law of the wait in heavy traffic, and what comes on top of it.
///
/// ```text
/// P(W > t) = C(c, a)·e^(−ηt),     η = 2(1 − ρ)·c/[E(S)·(c_a² + c_s²)],     C: Erlang's
/// ```
///
/// with services as long as consumers are taken. Exact for M/M/c; otherwise in the limit ρ → 1, and with many servers an
/// approximation.
///
/// # References
/// Köllerström 1974, *Journal of Applied Probability* 11; Kimura 1994; Halfin & Whitt 1981, *Operations Research* 29.
pub(super) struct HeavyTraffic {
    /// Probability of a wait for another job.
    waits: f64,
    /// η, 1/s.
    decay: f64,
    /// What a job that waits for none takes to an idle consumer, s.
    idle_path_s: f64,
    /// How much longer than demanded a service takes, s.
    overshoot_s: f64,
    /// Law of the service that is demanded.
    service: Law,
    /// Whether services and interarrival times are as exponential ones, of which it is exact.
    is_exact: bool,
}

impl HeavyTraffic {
    /// The queue of a scenario whose consumers complete `capacity` jobs per second if they never run dry; none if it is not
    /// near saturation, has no steady state, arrivals that depend on each other, or services with a heavy tail: their waits have
    /// one, too, however near.
    pub(super) fn of(scenario: &Scenario, overheads: &Overheads, capacity: f64) -> Option<Self> {
        let (rate, servers) = (scenario.arrival_rate(), scenario.queue().servers());
        let utilization = rate / capacity;
        let has_light_tail = relaxation(scenario).is_some();
        if !(LEAST..1.0).contains(&utilization) || !has_light_tail {
            return None;
        }
        let service = Law::new(scenario.service().shape(), scenario.mean_service_of(0, 0)).ok()?;
        let taken_s = f64::from(servers) / capacity;
        let varying = [&overheads.turnaround, &overheads.overshoot].map(variance);
        let scv_service = (service.variance() + varying.iter().sum::<f64>()) / (taken_s * taken_s);
        let scv_arrivals = scv_arrivals(scenario)?;
        Some(HeavyTraffic {
            waits: erlang_c(servers, rate * taken_s).ok()?,
            decay: 2.0 * (1.0 - utilization) * capacity / (scv_arrivals + scv_service),
            idle_path_s: overheads.idle_path.mean_s(),
            overshoot_s: overheads.overshoot.mean_s(),
            service,
            is_exact: [scv_arrivals, scv_service].iter().all(|scv| (scv - 1.0).abs() < 1e-9),
        })
        .filter(|found| found.decay.is_finite() && found.decay > 0.0)
    }

    /// Relative standard error of its figures.
    pub(super) fn error(&self) -> f64 {
        if self.is_exact { 0.0 } else { ERROR }
    }

    /// A figure of the time of jobs, s.
    pub(super) fn figure(&self, metric: Metric) -> f64 {
        let service_s = if metric.is_sojourn() { self.service.mean() + self.overshoot_s } else { 0.0 };
        let mean_s = (1.0 - self.waits) * self.idle_path_s + self.waits / self.decay + service_s;
        match metric.probability() {
            None => mean_s,
            Some((p, _)) => quantile(|at_s| self.tail(at_s, metric.is_sojourn()), p, mean_s),
        }
    }

    fn tail(&self, at_s: f64, is_sojourn: bool) -> f64 {
        let of_service = |left_s: f64| match is_sojourn {
            true if left_s >= self.overshoot_s => self.service.tail(left_s - self.overshoot_s),
            true => 1.0,
            false => f64::from(u8::from(left_s < 0.0)),
        };
        let longer = (-self.decay * at_s).exp();
        let shorter = match is_sojourn {
            // A wait w that ends before, and a service longer than what is left.
            true => interval(at_s, |w| self.decay * (-self.decay * w).exp() * of_service(at_s - w)),
            false => 0.0,
        };
        (1.0 - self.waits) * of_service(at_s - self.idle_path_s) + self.waits * (longer + shorter)
    }
}

/// c_a² of jobs in the long run; none where interarrival times depend on each other.
fn scv_arrivals(scenario: &Scenario) -> Option<f64> {
    let arrivals = scenario.arrivals();
    let single = arrivals.process().interarrival()?.scv();
    Some(match arrivals.batch() {
        None => single,
        // Var(N)/E(N) of a sum of batches.
        Some(Batch::Fixed { mean }) => mean * single,
        Some(Batch::Geometric { mean }) => mean * single + mean - 1.0,
        Some(_) => return None,
    })
}

/// Variance of an overhead, s².
fn variance(overhead: &Overhead) -> f64 {
    match overhead {
        Overhead::Constant(_) => 0.0,
        Overhead::Shaped(mean_s, shape) => mean_s * mean_s * shape.scv(),
        Overhead::Samples(values) => {
            let mean_s = overhead.mean_s();
            values.iter().map(|value| (value - mean_s).powi(2)).sum::<f64>() / values.len() as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;
    use sim::theory::mmc::Mmc;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    fn figure(rate: f64, servers: u32, shape: &str, metric: &str) -> f64 {
        let system = system(rate, 0.005, shape, None);
        let scenario = system.with(rate, servers);
        let overheads = Overheads::from(Terms::IDEAL);
        let found = HeavyTraffic::of(&scenario, &overheads, system.sustainable_rate(servers)).unwrap();
        found.figure(metric.parse().unwrap())
    }

    #[test]
    fn it_is_that_of_mmc() {
        for (rate, servers) in [(199.0, 1), (5_980.0, 30), (1_000_000.0, 5_001)] {
            let queue = Mmc::new(rate, 200.0, servers).unwrap();
            for (metric, known) in [
                ("mean_wait", queue.mean_wait()),
                ("mean_sojourn", queue.mean_sojourn()),
                ("p99_wait", queue.wait_quantile(0.99).unwrap()),
                ("p99_sojourn", queue.sojourn_quantile(0.99).unwrap()),
            ] {
                let found = figure(rate, servers, EXPONENTIAL, metric);
                assert!((found / known - 1.0).abs() < 2e-3, "{servers} {metric}: {found} for {known}");
            }
        }
    }

    // P(W > t) of Pareto services falls like a power of t, and by Pollaczek and Khinchine p99.9 of tail 2.2 at 198.5/s is 28 s, where two
    // moments and an exponential law have 7.5.
    #[test]
    fn it_is_silent_of_heavy_tails() {
        let system = system(198.5, 0.005, "{ kind = \"pareto\", tail = 2.2 }", None);
        assert!(HeavyTraffic::of(&system.scenario, &Overheads::from(Terms::IDEAL), 200.0).is_none());
    }

    // Pollaczek and Khinchine's mean, half of M/M/1's for constant services.
    #[test]
    fn its_mean_wait_is_that_of_mg1() {
        let constant = figure(199.0, 1, "{ kind = \"deterministic\" }", "mean_wait");
        let known = sim::theory::mg1::mean_wait(199.0, 0.005, 0.0).unwrap();
        assert!((constant / known - 1.0).abs() < 1e-9, "{constant} for {known}");
    }
}
