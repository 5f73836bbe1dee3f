//! GI/M/1: independent interarrival times of any law, exponential services, one server, first come first served.

use super::{TheoryError, interarrival::Interarrival};
use crate::model::Shape;

/// The GI/M/1 queue in steady state.
///
/// Independent interarrival times with mean 1/λ and transform A*(s) = E e^(-sA), one server with exponential
/// services at rate μ, ρ = λ/μ < 1. The number that an arrival finds is geometric with ratio σ:
///
/// ```text
/// σ = A*(μ(1-σ)) in (0, 1)            W_q = σ/(μ(1-σ))        W = 1/(μ(1-σ))
/// P(wait > t) = σ·e^(-μ(1-σ)t)        P(sojourn > t) = e^(-μ(1-σ)t)
/// ```
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // Poisson arrivals: the M/M/1 queue, in which σ = ρ.
/// use sim::model::Shape;
/// let queue = sim::theory::gim1::Gim1::new(&Shape::Exponential {}, 160.0, 200.0)?;
/// assert!((queue.prob_wait() - 0.8).abs() < 1e-14 && (queue.mean_wait() - 0.020).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kendall 1953; Gross & Harris 1998, *Fundamentals of Queueing Theory*, ch. 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gim1 {
    arrival_rate: f64,
    service_rate: f64,
    sigma: f64,
    /// 1 − σ, which near saturation has digits that σ has not.
    gap: f64,
}

impl Gim1 {
    /// The queue with interarrival times of `interarrival` shape at rate λ = `arrival_rate`, and μ = `service_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite or the shape does not exist;
    /// [`TheoryError::Unstable`] if λ ≥ μ.
    pub fn new(interarrival: &Shape, arrival_rate: f64, service_rate: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("service_rate", service_rate)?;
        let interarrival = Interarrival::new(interarrival, arrival_rate)?;
        TheoryError::stable(arrival_rate, service_rate)?;
        let gap = gap(&interarrival, service_rate);
        Ok(Gim1 { arrival_rate, service_rate, sigma: interarrival.transform(service_rate * gap), gap })
    }

    /// σ, the ratio of the geometric law of the number that an arrival finds.
    #[doc(alias = "σ")]
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// ρ = λ/μ.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// μ(1-σ), the rate of both exponential tails, 1/s.
    fn decay_rate(&self) -> f64 {
        self.service_rate * self.gap
    }

    /// P(wait > 0) = σ.
    pub fn prob_wait(&self) -> f64 {
        self.sigma
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.sigma / self.decay_rate()
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        1.0 / self.decay_rate()
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

    /// Variance of the wait, s².
    pub fn wait_variance(&self) -> f64 {
        self.sigma * (2.0 - self.sigma) / self.decay_rate().powi(2)
    }

    /// Variance of the sojourn, s².
    pub fn sojourn_variance(&self) -> f64 {
        self.decay_rate().powi(-2)
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.sigma * (-self.decay_rate() * t).exp() }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { (-self.decay_rate() * t).exp() }
    }

    /// The p-quantile of the wait, s; 0 up to p = 1 − σ.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok((self.sigma / tail).ln().max(0.0) / self.decay_rate())
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(-(-TheoryError::probability(p)?).ln_1p() / self.decay_rate())
    }
}

/// The δ = 1 − σ > 0 with 1 − A*(sδ) = δ, where s = `full_rate` is the rate at which a busy system serves.
///
/// δ − 1 + A*(sδ) is convex, zero at δ = 0, negative up to the root and positive from there to 1: bisection in δ
/// finds it to the last digit however close to saturation.
pub(super) fn gap(interarrival: &Interarrival, full_rate: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if middle > interarrival.complement(full_rate * middle) { high = middle } else { low = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_arrivals_make_the_mm1_queue_up_to_saturation() {
        for rho in [1e-9, 0.5, 0.999_999] {
            let queue = Gim1::new(&Shape::Exponential {}, rho, 1.0).unwrap();
            let textbook = crate::theory::mm1::Mm1::new(rho, 1.0).unwrap();
            assert!((queue.sigma() / rho - 1.0).abs() < 1e-10);
            assert!((queue.mean_wait() / textbook.mean_wait() - 1.0).abs() < 1e-9, "{rho}");
        }
    }

    #[test]
    fn rare_punctual_arrivals_wait_with_the_probability_of_a_long_service() {
        // σ = e^(-(1-σ)/ρ), so that σ ≈ e^(-1/ρ) keeps its digits though it is far below the rounding of 1.
        let queue = Gim1::new(&Shape::Deterministic {}, 0.02, 1.0).unwrap();
        assert!((queue.sigma() / (-50.0_f64).exp() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn regular_arrivals_wait_less_and_irregular_ones_more() {
        let wait = |shape| Gim1::new(&shape, 0.8, 1.0).unwrap().mean_wait();
        let shapes = [
            Shape::Deterministic {},
            Shape::Erlang { stages: 4 },
            Shape::Exponential {},
            Shape::Gamma { scv: 2.0 },
            Shape::Lognormal { scv: 6.0 },
        ];
        assert!(shapes.map(wait).is_sorted());
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let queue = |lambda, mu| Gim1::new(&Shape::Deterministic {}, lambda, mu);
        assert!(matches!(queue(1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(queue(f64::NAN, 1.0), Err(TheoryError::OutOfDomain { name: "arrival_rate", .. })));
        assert!(matches!(
            queue(0.5, f64::INFINITY),
            Err(TheoryError::OutOfDomain { name: "service_rate", .. })
        ));
        assert!(matches!(queue(0.5, 1.0).unwrap().wait_quantile(1.0), Err(TheoryError::OutOfDomain { .. })));
        let shape = Shape::Erlang { stages: 0 };
        assert!(matches!(Gim1::new(&shape, 0.5, 1.0), Err(TheoryError::OutOfDomain { name: "stages", .. })));
    }
}
