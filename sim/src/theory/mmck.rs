//! M/M/c/K: Poisson arrivals, exponential services, c servers, room for K jobs; who finds it full is lost.

use super::birth_death::{self, BirthDeath};
use super::{TheoryError, line::Line};

/// The M/M/c/K queue in steady state.
///
/// Poisson arrivals at rate λ, c servers of rate μ each, first come first served, at most K ≥ c jobs in the
/// system; a job that finds K is rejected. Any load is stable. With n jobs present, a = λ/μ and ρ = a/c,
///
/// ```text
/// π_n = π_0·a^n/n!  (n ≤ c),      π_n = π_c·ρ^(n-c)  (c ≤ n ≤ K)
/// P(blocked) = π_K                throughput = λ·(1 - π_K)
/// ```
///
/// Waits and sojourns are those of the accepted jobs, which find n with probability π_n/(1 − π_K), n < K.
///
/// # Units
/// Rates in jobs per second, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // Room for one job at one server: the loss system of Erlang.
/// let queue = sim::theory::mmck::Mmck::new(1.0, 1.0, 1, 1)?;
/// assert!((queue.prob_blocked() - 0.5).abs() < 1e-15 && queue.mean_wait() == 0.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Gross & Harris 1998, *Fundamentals of Queueing Theory*, ch. 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Mmck {
    arrival_rate: f64,
    service_rate: f64,
    servers: f64,
    chain: BirthDeath,
    line: Line,
}

impl Mmck {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` per server, c = `servers` and K = `capacity`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, there is no server, or the capacity
    /// is below the number of servers or above ten million.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        capacity: u32,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("offered_load", arrival_rate / service_rate)?;
        TheoryError::positive("servers", f64::from(servers))?;
        birth_death::states("capacity", capacity)?;
        if capacity < servers {
            let rule = "it counts the jobs in service, so it must be at least the number of servers";
            return Err(TheoryError::OutOfDomain { name: "capacity", value: f64::from(capacity), rule });
        }
        let death = |j: u32| (arrival_rate, service_rate * f64::from(j.min(servers)));
        let chain = BirthDeath::new((1..=capacity).map(death).chain([(0.0, 1.0)]).collect());
        let line = Line::new(&chain.probabilities()[..capacity as usize], service_rate, servers);
        Ok(Mmck { arrival_rate, service_rate, servers: f64::from(servers), chain, line })
    }

    /// a = λ/μ, erlangs, of all jobs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// Fraction of the servers that is busy.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.chain.expectation(|n| n.min(self.servers)) / self.servers
    }

    /// P(no job present).
    pub fn prob_empty(&self) -> f64 {
        self.chain.probabilities()[0]
    }

    /// P(a job is rejected) = π_K: an arrival sees what an outside observer sees.
    pub fn prob_blocked(&self) -> f64 {
        self.chain.probabilities().last().copied().expect("a chain has states")
    }

    /// Completed jobs per second.
    pub fn throughput(&self) -> f64 {
        // The sum of what is not full keeps its digits where 1 − π_K would lose them.
        let accepting = self.chain.probabilities().split_last().expect("a chain has states").1;
        self.arrival_rate * accepting.iter().sum::<f64>()
    }

    /// P(wait > 0) of an accepted job.
    pub fn prob_wait(&self) -> f64 {
        self.line.prob_wait()
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

    /// Mean wait of an accepted job, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_queue_length() / self.throughput()
    }

    /// Mean time from arrival to departure of an accepted job, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.throughput()
    }

    /// P(wait > `t`) of an accepted job for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        self.line.wait_tail(t)
    }

    /// P(sojourn > `t`) of an accepted job for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        self.line.sojourn_tail(t)
    }

    /// The p-quantile of the wait of an accepted job, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(self.line.wait_at_tail(1.0 - TheoryError::probability(p)?))
    }

    /// The p-quantile of the sojourn of an accepted job, s.
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
    use crate::theory::{erlang::erlang_b, mmc::Mmc};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-10 * b.abs()
    }

    #[test]
    fn room_for_the_servers_only_is_the_loss_system() {
        let queue = Mmck::new(7.0, 1.0, 5, 5).unwrap();
        assert!(close(queue.prob_blocked(), erlang_b(5, 7.0).unwrap()));
        assert_eq!((queue.prob_wait(), queue.wait_quantile(0.9).unwrap()), (0.0, 0.0));
        assert!(close(queue.sojourn_quantile(0.9).unwrap(), 10.0_f64.ln()));
    }

    #[test]
    fn ample_room_is_the_mmc_queue() {
        let (finite, infinite) = (Mmck::new(2.4, 1.0, 3, 400).unwrap(), Mmc::new(2.4, 1.0, 3).unwrap());
        assert!(close(finite.mean_wait(), infinite.mean_wait()));
        assert!(close(finite.prob_wait(), infinite.prob_wait()));
        assert!(close(finite.number_asymptotic_variance(), infinite.number_asymptotic_variance()));
        for p in [0.5, 0.9, 0.999] {
            assert!(close(finite.wait_quantile(p).unwrap(), infinite.wait_quantile(p).unwrap()), "{p}");
            assert!(close(finite.sojourn_quantile(p).unwrap(), infinite.sojourn_quantile(p).unwrap()), "{p}");
        }
    }

    #[test]
    fn a_hopeless_overload_keeps_the_servers_busy_and_its_digits() {
        let queue = Mmck::new(1e12, 1.0, 4, 4).unwrap();
        assert!(close(queue.throughput(), 4.0) && close(queue.utilization(), 1.0));
        let queue = Mmck::new(3.0, 1.0, 1, 100_000).unwrap();
        assert!(close(queue.throughput(), 1.0) && close(queue.mean_in_system(), 100_000.0 - 0.5));
    }

    #[test]
    fn the_means_are_the_integrals_of_the_tails() {
        let queue = Mmck::new(4.0, 1.0, 3, 8).unwrap();
        let integral = |tail: &dyn Fn(f64) -> f64| {
            let step = 1e-3;
            (0..40_000).map(|i| step * tail((f64::from(i) + 0.5) * step)).sum::<f64>()
        };
        assert!((integral(&|t| queue.wait_tail(t)) - queue.mean_wait()).abs() < 1e-6);
        assert!((integral(&|t| queue.sojourn_tail(t)) - queue.mean_sojourn()).abs() < 1e-6);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let name = |result: Result<Mmck, TheoryError>| match result {
            Err(TheoryError::OutOfDomain { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(name(Mmck::new(1.0, 1.0, 3, 2)), "capacity");
        assert_eq!(name(Mmck::new(1.0, 1.0, 3, u32::MAX)), "capacity");
        assert_eq!(name(Mmck::new(1.0, 1.0, 0, 2)), "servers");
        assert_eq!(name(Mmck::new(-1.0, 1.0, 1, 2)), "arrival_rate");
        assert_eq!(name(Mmck::new(1.0, f64::NAN, 1, 2)), "service_rate");
    }
}
