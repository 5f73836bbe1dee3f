//! Queues so near saturation that no run is long enough: what they settle to by two moments.

use sim::estimate::Metric;
use sim::model::{Batch, Overhead, Overheads, Scenario};
use sim::theory::erlang::erlang_c;
use sim::theory::law::Law;
use sim::theory::quadrature::interval;

use super::target::quantile;

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
}

impl HeavyTraffic {
    /// The queue of a scenario whose consumers complete `capacity` jobs per second if they never run dry; none if it is not
    /// near saturation, has no steady state, or arrivals that depend on each other.
    pub(super) fn of(scenario: &Scenario, overheads: &Overheads, capacity: f64) -> Option<Self> {
        let (rate, servers) = (scenario.arrival_rate(), scenario.queue().servers());
        let utilization = rate / capacity;
        if !(LEAST..1.0).contains(&utilization) {
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
        })
        .filter(|found| found.decay.is_finite() && found.decay > 0.0)
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

    // Pollaczek and Khinchine's mean, half of M/M/1's for constant services.
    #[test]
    fn its_mean_wait_is_that_of_mg1() {
        let constant = figure(199.0, 1, "{ kind = \"deterministic\" }", "mean_wait");
        let known = sim::theory::mg1::mean_wait(199.0, 0.005, 0.0).unwrap();
        assert!((constant / known - 1.0).abs() < 1e-9, "{constant} for {known}");
    }
}
