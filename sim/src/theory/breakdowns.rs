//! One server that breaks down and is repaired: at any time, or only while it works.

use super::{TheoryError, mg1};

/// The M/M/1 queue whose server breaks down at any time, idle or busy.
///
/// Poisson arrivals at rate λ, exponential services at rate μ, exponential up times of rate ξ and repairs of
/// rate η, which a service in progress sits out. With the availability A = η/(ξ + η), stable if λ < A·μ:
///
/// ```text
/// L = λ·(ξμ + (ξ+η)²) / ((ξ+η)·(ημ - λ(ξ+η)))
/// P(N = 0) = (A - λ/μ)·(1 + ξ/(λ+η))
/// ```
///
/// # Units
/// Rates per second, times in seconds.
///
/// # Examples
/// ```
/// // Instant repairs: the M/M/1 queue.
/// let queue = sim::theory::breakdowns::AnytimeBreakdowns::new(0.8, 1.0, 0.1, 1e12)?;
/// assert!((queue.mean_in_system() - 4.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// White & Christie 1958; Avi-Itzhak & Naor 1963, *Operations Research* 11.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnytimeBreakdowns {
    arrival_rate: f64,
    service_rate: f64,
    failure_rate: f64,
    repair_rate: f64,
}

impl AnytimeBreakdowns {
    /// The queue with λ = `arrival_rate`, μ = `service_rate`, ξ = `failure_rate`, η = `repair_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite (ξ may be 0);
    /// [`TheoryError::Unstable`] if λ ≥ A·μ.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        failure_rate: f64,
        repair_rate: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::not_negative("failure_rate", failure_rate)?;
        TheoryError::positive("repair_rate", repair_rate)?;
        let queue = AnytimeBreakdowns { arrival_rate, service_rate, failure_rate, repair_rate };
        TheoryError::stable(arrival_rate, service_rate * queue.availability())?;
        Ok(queue)
    }

    /// A = η/(ξ + η), the fraction of time the server is up.
    pub fn availability(&self) -> f64 {
        self.repair_rate / (self.failure_rate + self.repair_rate)
    }

    /// λ/μ, the fraction of time the server works on a job.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// P(no job present).
    pub fn prob_empty(&self) -> f64 {
        // By the generating functions of N while up and while down: P(up, N = 0) = A − λ/μ, and while down
        // (λ + η)·P(down, N = 0) = ξ·P(up, N = 0).
        let down_per_up = self.failure_rate / (self.arrival_rate + self.repair_rate);
        (self.availability() - self.utilization()) * (1.0 + down_per_up)
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        let cycle = self.failure_rate + self.repair_rate;
        let spare = self.repair_rate * self.service_rate - self.arrival_rate * cycle;
        self.arrival_rate * (self.failure_rate / cycle * self.service_rate + cycle) / spare
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.arrival_rate
    }
}

/// The M/G/1 queue whose server breaks down only while it works, and resumes where it stopped.
///
/// Poisson arrivals at rate λ, services S, breakdowns at rate ξ during service, repairs R. A job occupies the
/// server for its completion time C, its service and the repairs within:
///
/// ```text
/// E(C) = E(S)·(1 + ξE(R))      E(C²) = E(S²)·(1 + ξE(R))² + ξE(S)·E(R²)
/// W_q = λE(C²)/(2(1 - λE(C)))  W = W_q + E(C)
/// ```
///
/// # Units
/// Rates per second, times in seconds.
///
/// # Examples
/// ```
/// // No breakdowns: the M/M/1 queue.
/// let queue = sim::theory::breakdowns::WorkingBreakdowns::new(0.8, 1.0, 1.0, 0.0, 5.0, 1.0)?;
/// assert!((queue.mean_wait() - 4.0).abs() < 1e-13);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Avi-Itzhak & Naor 1963, *Operations Research* 11.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkingBreakdowns {
    arrival_rate: f64,
    mean_service: f64,
    mean_completion: f64,
    mean_wait: f64,
}

impl WorkingBreakdowns {
    /// The queue with λ = `arrival_rate`, E(S) = `mean_service`, ξ = `failure_rate` and E(R) = `mean_repair`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the arrival rate or a mean is not positive and finite, or another
    /// argument negative or not finite; [`TheoryError::Unstable`] if λE(C) ≥ 1.
    pub fn new(
        arrival_rate: f64,
        mean_service: f64,
        scv_service: f64,
        failure_rate: f64,
        mean_repair: f64,
        scv_repair: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("mean_service", mean_service)?;
        TheoryError::not_negative("scv_service", scv_service)?;
        TheoryError::not_negative("failure_rate", failure_rate)?;
        TheoryError::positive("mean_repair", mean_repair)?;
        TheoryError::not_negative("scv_repair", scv_repair)?;
        let stretch = 1.0 + failure_rate * mean_repair;
        let mean_completion = mean_service * stretch;
        let repairs = failure_rate * mean_service * mean_repair.powi(2) * (1.0 + scv_repair);
        let scv_completion = scv_service + repairs / mean_completion.powi(2);
        let mean_wait = mg1::mean_wait(arrival_rate, mean_completion, scv_completion)?;
        Ok(WorkingBreakdowns { arrival_rate, mean_service, mean_completion, mean_wait })
    }

    /// Fraction of time the server works on a job, repairs not counted.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// P(wait > 0) = λE(C).
    pub fn prob_wait(&self) -> f64 {
        self.arrival_rate * self.mean_completion
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_wait
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait + self.mean_completion
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.arrival_rate * self.mean_wait
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

    #[test]
    fn many_short_failures_only_slow_the_server_down() {
        // Half of the time lost in tiny pieces: an M/M/1 queue at half the speed.
        let anytime = AnytimeBreakdowns::new(0.3, 1.0, 1e7, 1e7).unwrap();
        let working = WorkingBreakdowns::new(0.3, 1.0, 1.0, 1e7, 1e-7, 1.0).unwrap();
        for mean in [anytime.mean_in_system(), working.mean_in_system()] {
            assert!((mean - 0.6 / 0.4).abs() < 1e-5, "{mean}");
        }
        assert!((anytime.prob_empty() - 0.4).abs() < 1e-6);
    }

    #[test]
    fn a_job_that_comes_during_a_repair_waits_for_the_rest_of_it() {
        // Rare jobs, instant services, one long repair of which E(R²)/(2E(R)) is left: 3·(1 + 0.5)/2.
        let (rate, service, repair) = (1e-4, 1e-9, 3.0);
        let queue = WorkingBreakdowns::new(rate, service, 1.0, 100.0, repair, 0.5).unwrap();
        let repairs = rate * service * 100.0 * repair;
        assert!((queue.mean_wait() / (repairs * 2.25) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_queue_that_repairs_cannot_keep_up_with_is_refused() {
        assert!(AnytimeBreakdowns::new(0.49, 1.0, 1.0, 1.0).is_ok());
        assert!(matches!(AnytimeBreakdowns::new(0.5, 1.0, 1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            WorkingBreakdowns::new(0.5, 1.0, 1.0, 1.0, 1.0, 1.0),
            Err(TheoryError::Unstable { .. })
        ));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(AnytimeBreakdowns::new(0.1, 1.0, -1.0, 1.0).is_err());
        assert!(AnytimeBreakdowns::new(0.1, 1.0, 1.0, 0.0).is_err());
        assert!(WorkingBreakdowns::new(f64::NAN, 1.0, 1.0, 1.0, 1.0, 1.0).is_err());
        assert!(WorkingBreakdowns::new(0.1, 1.0, -1.0, 1.0, 1.0, 1.0).is_err());
        assert!(WorkingBreakdowns::new(0.1, 1.0, 1.0, 1.0, f64::INFINITY, 1.0).is_err());
    }
}
