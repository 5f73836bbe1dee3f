//! M/M/c//N: a finite source, such as N clients that each wait for an answer before they ask again.

use super::birth_death::{self, BirthDeath};
use super::{TheoryError, line::Line};

/// The M/M/c//N queue in steady state: the machine repair model, or a closed loop of clients.
///
/// N sources, each of which is idle for an exponential time of rate ν and then sends one job; c servers of
/// rate μ each, first come first served. With n jobs present,
///
/// ```text
/// π_(n+1)/π_n = (N - n)·ν/(min(n + 1, c)·μ)      X = ν·(N - L)      W = L/X
/// ```
///
/// A job finds what an outside observer finds in the same system with N − 1 sources.
///
/// # Units
/// Rates per second, `request_rate` per idle source, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // A single source never waits for itself.
/// let queue = sim::theory::finite_source::FiniteSource::new(1.0, 4.0, 1, 1)?;
/// assert!((queue.throughput() - 0.8).abs() < 1e-15 && queue.mean_wait() == 0.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Palm 1947; Gross & Harris 1998, *Fundamentals of Queueing Theory*, ch. 2.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteSource {
    request_rate: f64,
    servers: f64,
    sources: f64,
    chain: BirthDeath,
    line: Line,
}

impl FiniteSource {
    /// The queue with ν = `request_rate`, μ = `service_rate`, c = `servers` and N = `sources`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, there is no server, or `sources` is
    /// 0 or above ten million.
    pub fn new(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        sources: u32,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("request_rate", request_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("servers", f64::from(servers))?;
        let offered_load = birth_death::states("sources", sources)? * request_rate / service_rate;
        TheoryError::positive("offered_load", offered_load)?;
        let chain = |sources: u32| {
            let rates = |n: u32| {
                let death = service_rate * f64::from(servers.min(n + 1));
                (request_rate * f64::from(sources - n), death)
            };
            BirthDeath::new((0..=sources).map(rates).collect())
        };
        let line = Line::new(chain(sources - 1).probabilities(), service_rate, servers);
        let chain = chain(sources);
        Ok(FiniteSource {
            request_rate,
            servers: f64::from(servers),
            sources: f64::from(sources),
            chain,
            line,
        })
    }

    /// Fraction of the servers that is busy.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.chain.expectation(|n| n.min(self.servers)) / self.servers
    }

    /// P(no job present): all sources are idle.
    pub fn prob_empty(&self) -> f64 {
        self.chain.probabilities()[0]
    }

    /// P(wait > 0) of a job.
    pub fn prob_wait(&self) -> f64 {
        self.line.prob_wait()
    }

    /// Completed jobs per second.
    #[doc(alias = "X")]
    pub fn throughput(&self) -> f64 {
        self.request_rate * self.chain.expectation(|n| self.sources - n)
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.chain.expectation(|n| (n - self.servers).max(0.0))
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.chain.expectation(|n| n)
    }

    /// Asymptotic variance of the time average of the jobs present, s: t·Var of the mean over a long time t.
    pub fn number_asymptotic_variance(&self) -> f64 {
        self.chain.asymptotic_variance()
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_queue_length() / self.throughput()
    }

    /// Mean time from the job's arrival to its departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.throughput()
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        self.line.wait_tail(t)
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        self.line.sojourn_tail(t)
    }

    /// The p-quantile of the wait, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(self.line.wait_at_tail(1.0 - TheoryError::probability(p)?))
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(self.line.sojourn_at_tail(1.0 - TheoryError::probability(p)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::mmc::Mmc;

    #[test]
    fn as_many_servers_as_sources_leave_nobody_waiting() {
        let queue = FiniteSource::new(0.5, 2.0, 6, 6).unwrap();
        assert_eq!((queue.mean_wait(), queue.prob_wait()), (0.0, 0.0));
        assert!((queue.mean_in_system() - 6.0 * 0.2).abs() < 1e-13);
    }

    #[test]
    fn many_quiet_sources_are_a_poisson_stream() {
        let (sources, rate) = (1_000_000, 2.4);
        let queue = FiniteSource::new(rate / f64::from(sources), 1.0, 3, sources).unwrap();
        let poisson = Mmc::new(rate, 1.0, 3).unwrap();
        assert!((queue.mean_sojourn() / poisson.mean_sojourn() - 1.0).abs() < 1e-4);
        let (finite, infinite) = (queue.wait_quantile(0.99).unwrap(), poisson.wait_quantile(0.99).unwrap());
        assert!((finite / infinite - 1.0).abs() < 1e-4, "{finite} {infinite}");
    }

    #[test]
    fn the_mean_wait_is_the_integral_of_the_tail_that_a_job_finds() {
        let queue = FiniteSource::new(0.2, 1.0, 3, 12).unwrap();
        let step = 1e-3;
        let integral: f64 = (0..30_000).map(|i| step * queue.wait_tail((f64::from(i) + 0.5) * step)).sum();
        assert!((integral - queue.mean_wait()).abs() < 1e-6, "{integral}");
    }

    #[test]
    fn what_the_sources_send_the_servers_complete() {
        let queue = FiniteSource::new(3.0, 1.0, 4, 50).unwrap();
        assert!((queue.throughput() / (4.0 * queue.utilization()) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(FiniteSource::new(0.0, 1.0, 1, 1).is_err());
        assert!(FiniteSource::new(1.0, f64::INFINITY, 1, 1).is_err());
        assert!(matches!(
            FiniteSource::new(1.0, 1.0, 0, 1),
            Err(TheoryError::OutOfDomain { name: "servers", .. })
        ));
        assert!(matches!(
            FiniteSource::new(1.0, 1.0, 1, 0),
            Err(TheoryError::OutOfDomain { name: "sources", .. })
        ));
    }
}
