//! M/M/1 with retrials: a job that finds the server busy tries again later.

use super::TheoryError;

/// The M/M/1 retrial queue in steady state.
///
/// Poisson arrivals at rate λ, one server with exponential services at rate μ, no line: a job that finds the
/// server busy joins the orbit, from which each job tries again at rate ν. With ρ = λ/μ < 1:
///
/// ```text
/// E[orbit] = ρ/(1-ρ)·(λ/ν + ρ)      W_q = E[orbit]/λ      P(N = 0) = (1-ρ)^(1 + λ/ν)
/// ```
///
/// # Units
/// Rates per second, `retrial_rate` per job in orbit; times in seconds.
///
/// # Examples
/// ```
/// // Jobs that try again at once: the means of the M/M/1 queue.
/// let queue = sim::theory::retrial::Retrial::new(0.8, 1.0, 1e12)?;
/// assert!((queue.mean_wait() - 4.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Falin & Templeton 1997, *Retrial Queues*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrial {
    arrival_rate: f64,
    service_rate: f64,
    retrial_rate: f64,
}

impl Retrial {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` and ν = `retrial_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite; [`TheoryError::Unstable`] if λ ≥ μ.
    pub fn new(arrival_rate: f64, service_rate: f64, retrial_rate: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("retrial_rate", retrial_rate)?;
        TheoryError::stable(arrival_rate, service_rate)?;
        Ok(Retrial { arrival_rate, service_rate, retrial_rate })
    }

    /// ρ = λ/μ.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// P(wait > 0) = ρ: an arrival sees what an outside observer sees.
    pub fn prob_wait(&self) -> f64 {
        self.utilization()
    }

    /// P(no job present, neither in service nor in orbit).
    pub fn prob_empty(&self) -> f64 {
        (1.0 - self.utilization()).powf(1.0 + self.arrival_rate / self.retrial_rate)
    }

    /// Time average of the jobs in orbit.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.arrival_rate * self.mean_wait()
    }

    /// Time average of the jobs present, in service or in orbit.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.mean_queue_length() + self.utilization()
    }

    /// Mean time from the first attempt to the start of service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        let rho = self.utilization();
        rho / (1.0 - rho) * (1.0 / self.retrial_rate + 1.0 / self.service_rate)
    }

    /// Mean time from the first attempt to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + 1.0 / self.service_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Independent of the formulas: the orbit solved as a chain, (λ + nν)·p_(0,n) = μ·p_(1,n) and
    /// λ·p_(1,n) = (n+1)ν·p_(0,n+1).
    #[test]
    fn the_orbit_solves_its_balance_equations() {
        let (lambda, mu, nu) = (0.6, 1.0, 0.25);
        let queue = Retrial::new(lambda, mu, nu).unwrap();
        let (mut idle, mut total, mut orbit) = (queue.prob_empty(), 0.0, 0.0);
        for n in 0..400 {
            let busy = (lambda + f64::from(n) * nu) / mu * idle;
            total += idle + busy;
            orbit += f64::from(n) * (idle + busy);
            idle = lambda * busy / (f64::from(n + 1) * nu);
        }
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!((orbit - queue.mean_queue_length()).abs() < 1e-11, "{orbit}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(Retrial::new(1.0, 1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            Retrial::new(0.5, 1.0, 0.0),
            Err(TheoryError::OutOfDomain { name: "retrial_rate", .. })
        ));
        assert!(Retrial::new(f64::NAN, 1.0, 1.0).is_err() && Retrial::new(0.5, -1.0, 1.0).is_err());
    }
}
