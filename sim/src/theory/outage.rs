//! An outage of an M/M/1 queue: the server is off for a while, then back.

use super::{TheoryError, mm1::Mm1, occupancy::Occupancy, poisson::PoissonWeights, transient::Transient};

/// The stationary M/M/1 queue whose server stops at time −D and is back at time 0; arrivals go on.
///
/// Poisson arrivals at rate λ, exponential services at rate μ, ρ = λ/μ < 1. The number present at the restart is what
/// was there before and what has come since,
///
/// ```text
/// P(N(0) = n) = Σ_k (1-ρ)ρ^(n-k)·P(Poisson(λD) = k)         E N(0) = ρ/(1-ρ) + λD,   Var N(0) = ρ/(1-ρ)² + λD
/// ```
///
/// and from there the queue is [`Transient`]. [`fluid`](super::fluid) has the deterministic limit.
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // An hour after an outage of a minute nothing is left of it.
/// let queue = sim::theory::outage::Outage::new(0.5, 1.0, 60.0)?;
/// assert!((queue.after_restart(0.0)?.mean_in_system() - 31.0).abs() < 1e-12);
/// assert!((queue.after_restart(3600.0)?.mean_in_system() - 1.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Abate & Whitt 1987 (the M/M/1 queue over time).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    queue: Mm1,
    outage_s: f64,
}

impl Outage {
    /// The queue with λ = `arrival_rate` and μ = `service_rate`, off for D = `outage_s`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, D is negative or not finite, or λD above 10⁶;
    /// [`TheoryError::Unstable`] if λ ≥ μ.
    pub fn new(arrival_rate: f64, service_rate: f64, outage_s: f64) -> Result<Self, TheoryError> {
        TheoryError::not_negative("outage_s", outage_s)?;
        let queue = Mm1::new(arrival_rate, service_rate)?;
        if arrival_rate * outage_s > 1e6 {
            let rule = "arrival_rate·outage_s must be at most 10^6; for more the fluid limit is as good";
            return Err(TheoryError::OutOfDomain { name: "outage_s", value: outage_s, rule });
        }
        Ok(Outage { queue, outage_s })
    }

    /// How many are present when the server is back.
    pub fn at_restart(&self) -> Occupancy {
        const NEGLIGIBLE: f64 = 1e-40;
        let (rho, idle) = (self.queue.utilization(), self.queue.prob_in_system(0));
        let arrived = PoissonWeights::new(self.queue.arrival_rate() * self.outage_s);
        // p_n = ρ·p_(n-1) + (1-ρ)·P(Poisson = n) is the convolution with the geometric law.
        let mut probabilities = Vec::new();
        let mut here = 0.0;
        for (count, weight) in arrived.iter() {
            probabilities.resize(count, 0.0);
            here = rho * here + idle * weight;
            probabilities.push(here);
        }
        while here > NEGLIGIBLE {
            here *= rho;
            probabilities.push(here);
        }
        Occupancy::new(probabilities)
    }

    /// How many are present `t` seconds after the restart.
    ///
    /// # Errors
    /// As [`Transient::at`].
    pub fn after_restart(&self, t: f64) -> Result<Occupancy, TheoryError> {
        let (lambda, mu) = (self.queue.arrival_rate(), self.queue.service_rate());
        Transient::from_law(lambda, mu, 1, self.at_restart())?.at(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_outage_the_queue_stays_stationary() {
        let (outage, queue) = (Outage::new(0.7, 1.0, 0.0).unwrap(), Mm1::new(0.7, 1.0).unwrap());
        for t in [0.0, 3.0, 50.0] {
            let law = outage.after_restart(t).unwrap();
            assert!((law.mean_in_system() / queue.mean_in_system() - 1.0).abs() < 1e-12, "{t}");
            assert!((law.prob_at_least(9) / 0.7_f64.powi(9) - 1.0).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn the_backlog_at_restart_is_what_was_there_and_what_has_come() {
        let law = Outage::new(80.0, 100.0, 25.0).unwrap().at_restart();
        assert!((law.mean_in_system() / 2004.0 - 1.0).abs() < 1e-12);
        assert!((law.in_system_variance() / 2020.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn while_the_server_is_surely_busy_the_backlog_falls_at_the_spare_capacity() {
        let law = Outage::new(80.0, 100.0, 25.0).unwrap().after_restart(10.0).unwrap();
        assert!((law.mean_in_system() / (2004.0 - 200.0) - 1.0).abs() < 1e-11);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(Outage::new(1.0, 1.0, 5.0), Err(TheoryError::Unstable { .. })));
        for outage_s in [-1.0, f64::NAN, 1e8] {
            let refused = Outage::new(0.5, 1.0, outage_s);
            assert!(matches!(refused, Err(TheoryError::OutOfDomain { name: "outage_s", .. })), "{outage_s}");
        }
    }
}
