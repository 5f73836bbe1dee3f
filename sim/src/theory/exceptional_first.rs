//! M/G/1 whose first service of each busy period has a law of its own: a consumer that cools down.

use super::{TheoryError, law::Law};

/// The M/G/1 queue in steady state with an exceptional first service, first come first served.
///
/// Poisson arrivals at rate λ, one server, services S, but S₀ for a job that finds nobody; ρ = λ·E(S) < 1 and
/// ρ₀ = λ·E(S₀), which may exceed 1:
///
/// ```text
/// P₀  = (1-ρ)/(1-ρ+ρ₀)
/// W_q = λE(S²)/(2(1-ρ)) + λ(E(S₀²) - E(S²))/(2(1-ρ+ρ₀))
/// W   = W_q + (1-P₀)·E(S) + P₀·E(S₀)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
///
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{exceptional_first::ExceptionalFirst, law::Law}};
///
/// // A first service like all others: the M/M/1 queue.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// let queue = ExceptionalFirst::new(160.0, &law, &law)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Welch 1964, *Operations Research* 12.
#[derive(Debug, Clone, PartialEq)]
pub struct ExceptionalFirst {
    arrival_rate: f64,
    service: Law,
    first: Law,
    /// ρ.
    load: f64,
}

impl ExceptionalFirst {
    /// The queue with λ = `arrival_rate`, services of the law `service` and first ones of the law `first`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the rate is not positive and finite; [`TheoryError::Unstable`] if ρ ≥
    /// 1.
    pub fn new(arrival_rate: f64, service: &Law, first: &Law) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        let load = TheoryError::stable(arrival_rate, 1.0 / service.mean())?;
        Ok(ExceptionalFirst { arrival_rate, service: service.clone(), first: first.clone(), load })
    }

    /// ρ₀.
    fn first_load(&self) -> f64 {
        self.arrival_rate * self.first.mean()
    }

    /// P₀, the probability that nobody is there.
    pub fn prob_empty(&self) -> f64 {
        (1.0 - self.load) / (1.0 - self.load + self.first_load())
    }

    /// P(wait > 0) = 1 − P₀: an arrival sees what an outside observer sees.
    pub fn prob_wait(&self) -> f64 {
        self.first_load() / (1.0 - self.load + self.first_load())
    }

    /// The share of the time that the server is busy, 1 − P₀.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.prob_wait()
    }

    /// Mean wait before service, s; infinite if a second moment is.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        // Both terms over one denominator: positive terms only, and no ∞ − ∞.
        let following = self.service.moment(2) * self.first_load() / (1.0 - self.load);
        0.5 * self.arrival_rate * (following + self.first.moment(2)) / (1.0 - self.load + self.first_load())
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.prob_wait() * self.service.mean() + self.prob_empty() * self.first.mean()
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.arrival_rate * self.mean_wait()
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate * self.mean_sojourn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;

    fn queue(mean: f64, first: f64) -> Result<ExceptionalFirst, TheoryError> {
        let law = |mean| Law::new(&Shape::Gamma { scv: 0.5 }, mean).unwrap();
        ExceptionalFirst::new(0.8, &law(mean), &law(first))
    }

    #[test]
    fn the_busy_server_is_the_jobs_in_service() {
        // Little's law for the server alone; ρ₀ = 2.4.
        let queue = queue(1.0, 3.0).unwrap();
        let in_service = queue.mean_in_system() - queue.mean_queue_length();
        assert!((in_service - queue.utilization()).abs() < 1e-14, "{in_service}");
    }

    #[test]
    fn an_infinite_second_moment_makes_the_wait_infinite() {
        let heavy = Law::new(&Shape::Pareto { tail: 1.5 }, 1.0).unwrap();
        assert_eq!(ExceptionalFirst::new(0.5, &heavy, &heavy).unwrap().mean_wait(), f64::INFINITY);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(queue(1.25, 1.0), Err(TheoryError::Unstable { .. })));
        let law = Law::new(&Shape::Exponential {}, 1.0).unwrap();
        assert!(matches!(ExceptionalFirst::new(-0.5, &law, &law), Err(TheoryError::OutOfDomain { .. })));
    }
}
