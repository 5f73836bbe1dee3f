//! M/M/1 with Bernoulli feedback: a served job may go back to the end of the line.

use super::{TheoryError, mm1::Mm1};

/// The M/M/1 queue with Bernoulli feedback in steady state.
///
/// Poisson arrivals at rate λ, one server with exponential services at rate μ; after a service a job returns
/// to the end of the line with probability p, so that it is served 1/(1 − p) times on average:
///
/// ```text
/// ρ = λ/((1-p)·μ)      L = ρ/(1-ρ)      W = L/λ
/// ```
///
/// The number present is that of an M/M/1 queue of service rate (1 − p)·μ; the law of the sojourn is another.
///
/// # Units
/// Rates in jobs per second; `mean_sojourn` in seconds, from first arrival to last departure.
///
/// # Examples
/// ```
/// // Nobody returns: the M/M/1 queue.
/// let queue = sim::theory::feedback::Feedback::new(160.0, 200.0, 0.0)?;
/// assert!((queue.mean_sojourn() - 0.025).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Takács 1963, *Bell System Technical Journal* 42.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feedback {
    arrival_rate: f64,
    leave_prob: f64,
    single: Mm1,
}

impl Feedback {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` and p = `feedback_prob`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite or p is not in \[0, 1);
    /// [`TheoryError::Unstable`] if λ ≥ (1 − p)·μ.
    pub fn new(arrival_rate: f64, service_rate: f64, feedback_prob: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("service_rate", service_rate)?;
        if !(0.0..1.0).contains(&feedback_prob) {
            let rule = "a probability in [0, 1), or no job would ever leave";
            return Err(TheoryError::OutOfDomain { name: "feedback_prob", value: feedback_prob, rule });
        }
        let leave_prob = 1.0 - feedback_prob;
        let single = Mm1::new(arrival_rate, leave_prob * service_rate)?;
        Ok(Feedback { arrival_rate, leave_prob, single })
    }

    /// ρ = λ/((1 − p)·μ).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.single.utilization()
    }

    /// Services started per second, λ/(1 − p).
    pub fn effective_arrival_rate(&self) -> f64 {
        self.arrival_rate / self.leave_prob
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.single.mean_in_system()
    }

    /// Mean time from the first arrival to the last departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.single.mean_sojourn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_served_as_often_as_it_returns_and_once_more() {
        let queue = Feedback::new(0.4, 1.0, 0.3).unwrap();
        // Each visit takes the time of an M/M/1 queue at the effective rate.
        let visit = Mm1::new(queue.effective_arrival_rate(), 1.0).unwrap();
        assert!((queue.mean_sojourn() - visit.mean_sojourn() / 0.7).abs() < 1e-14);
        assert!((queue.mean_in_system() - visit.mean_in_system()).abs() < 1e-14);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for p in [1.0, -0.1, f64::NAN] {
            let refused = Feedback::new(0.4, 1.0, p);
            assert!(matches!(refused, Err(TheoryError::OutOfDomain { name: "feedback_prob", .. })), "{p}");
        }
        assert!(matches!(Feedback::new(0.4, 1.0, 0.6), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            Feedback::new(0.4, f64::NAN, 0.6),
            Err(TheoryError::OutOfDomain { name: "service_rate", .. })
        ));
    }
}
