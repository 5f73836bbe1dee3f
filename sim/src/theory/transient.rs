//! M/M/c over time: from any start, before it settles or if it never does.

use super::{TheoryError, occupancy::Occupancy, poisson::PoissonWeights};

/// The M/M/c queue at a time t after a known start, stable or not.
///
/// Poisson arrivals at rate λ, c servers of rate μ each, N(0) given. By uniformisation: with Λ = λ + cμ and P the
/// matrix of a step (up with probability λ/Λ, down with min(n, c)·μ/Λ, else none)
///
/// ```text
/// p(t) = Σ_k P(Poisson(Λt) = k)·p(0)·P^k
/// ```
///
/// a sum of positive terms, which keeps the digits of small probabilities too. The time of a call grows with Λt times
/// the number of jobs that may be present.
///
/// # Units
/// Rates in jobs per second, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // From empty, the queue fills up to its steady state.
/// let queue = sim::theory::transient::Transient::new(0.5, 1.0, 1, 0)?;
/// assert_eq!(queue.at(0.0)?.mean_in_system(), 0.0);
/// assert!((queue.at(300.0)?.mean_in_system() - 1.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Grassmann 1977 (uniformisation); Abate & Whitt 1987 (the M/M/1 queue).
#[derive(Debug, Clone, PartialEq)]
pub struct Transient {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    start: Occupancy,
}

impl Transient {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` per server and c = `servers`, in which `initial_jobs` are
    /// present at time 0.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite or there is no server.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        initial_jobs: u32,
    ) -> Result<Self, TheoryError> {
        Self::from_law(arrival_rate, service_rate, servers, Occupancy::exactly(initial_jobs))
    }

    /// The queue in which the number present at time 0 has the law `start`.
    ///
    /// # Errors
    /// As [`Transient::new`].
    pub fn from_law(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        start: Occupancy,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("servers", f64::from(servers))?;
        Ok(Transient { arrival_rate, service_rate, servers, start })
    }

    /// How many are present at time `t`, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if t is negative or not finite, or (λ + cμ)·t above 10⁶.
    pub fn at(&self, t: f64) -> Result<Occupancy, TheoryError> {
        TheoryError::not_negative("t", t)?;
        let events = (self.arrival_rate + f64::from(self.servers) * self.service_rate) * t;
        if events > 1e6 {
            let rule = "(arrival_rate + servers·service_rate)·t, the number of steps, must be at most 10^6";
            return Err(TheoryError::OutOfDomain { name: "t", value: t, rule });
        }
        let weights = PoissonWeights::new(events);
        let mut state = self.start.probabilities().to_vec();
        let mut sum = Vec::new();
        let mut steps = 0;
        for (count, weight) in weights.iter() {
            while steps < count {
                self.step(&mut state);
                steps += 1;
            }
            sum.resize(state.len().max(sum.len()), 0.0);
            sum.iter_mut().zip(&state).for_each(|(sum, probability)| *sum += weight * probability);
        }
        Ok(Occupancy::new(sum))
    }

    /// One step of the uniformised chain.
    fn step(&self, state: &mut Vec<f64>) {
        const NEGLIGIBLE: f64 = 1e-40;
        let all = f64::from(self.servers) * self.service_rate;
        let (up, whole) = (self.arrival_rate / (self.arrival_rate + all), self.arrival_rate + all);
        let down = |jobs: usize| (jobs as f64 * self.service_rate).min(all) / whole;
        state.push(0.0);
        let mut below = 0.0;
        for jobs in 0..state.len() {
            let here = state[jobs];
            let above = state.get(jobs + 1).copied().unwrap_or(0.0);
            // With all servers busy nothing is left for staying.
            state[jobs] = up * below + (all / whole - down(jobs)) * here + down(jobs + 1) * above;
            below = here;
        }
        while state.last().is_some_and(|probability| *probability < NEGLIGIBLE) {
            state.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{mm1::Mm1, mmc::Mmc};

    #[test]
    fn a_stable_queue_settles_in_its_steady_state() {
        let law = Transient::new(0.6, 1.0, 1, 7).unwrap().at(1500.0).unwrap();
        let settled = Mm1::new(0.6, 1.0).unwrap();
        for jobs in [0, 1, 5, 40] {
            assert!((law.prob_in_system(jobs) / settled.prob_in_system(jobs) - 1.0).abs() < 1e-11, "{jobs}");
        }
        let law = Transient::new(4.0, 1.0, 5, 0).unwrap().at(400.0).unwrap();
        let settled = Mmc::new(4.0, 1.0, 5).unwrap();
        assert!((law.mean_in_system() / settled.mean_in_system() - 1.0).abs() < 1e-11);
        assert!((law.prob_at_least(5) / settled.prob_wait() - 1.0).abs() < 1e-11);
    }

    #[test]
    fn more_servers_than_jobs_make_a_poisson_number_present() {
        // M/M/∞ from empty: Poisson with mean a·(1 − e^(-μt)).
        let law = Transient::new(3.0, 1.0, 80, 0).unwrap().at(1.3).unwrap();
        let mean = 3.0 * (1.0 - (-1.3_f64).exp());
        assert!((law.mean_in_system() / mean - 1.0).abs() < 1e-12);
        assert!((law.in_system_variance() / mean - 1.0).abs() < 1e-12);
        assert!((law.prob_in_system(0) / (-mean).exp() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_overloaded_queue_grows_by_the_excess() {
        let queue = Transient::new(2.0, 1.0, 1, 0).unwrap();
        let growth = queue.at(150.0).unwrap().mean_in_system() - queue.at(100.0).unwrap().mean_in_system();
        assert!((growth - 50.0).abs() < 1e-4, "{growth}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let queue = |lambda, servers| Transient::new(lambda, 1.0, servers, 0);
        assert!(matches!(queue(f64::NAN, 1), Err(TheoryError::OutOfDomain { name: "arrival_rate", .. })));
        assert!(matches!(queue(1.0, 0), Err(TheoryError::OutOfDomain { name: "servers", .. })));
        for t in [-1.0, f64::INFINITY, 1e9] {
            assert!(
                matches!(queue(1.0, 1).unwrap().at(t), Err(TheoryError::OutOfDomain { name: "t", .. })),
                "{t}"
            );
        }
    }
}
