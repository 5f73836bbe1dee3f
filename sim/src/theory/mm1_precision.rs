//! How precisely a run of an M/M/1 queue measures it.

use super::{TheoryError, mm1::Mm1};

/// Asymptotic variances of what is measured in one run of n successive jobs, first come first served.
///
/// Each is the limit of n·Var(estimate): divide by n for the variance of an estimate from n jobs. Poisson's
/// equation for the sojourns T of successive jobs gives for any function f, with ρ = λ/μ and θ = μ − λ,
///
/// ```text
/// lim n·Var(mean of f(T)) = Var f(T) + 2ρ/(1-ρ)²·E[m(T)²],      m(x) = E[f(T) | T > x] - E f(T)
/// ```
///
/// of which the closed forms are special cases.
impl Mm1 {
    /// Of the mean sojourn: (1+ρ)²/(μ²(1-ρ)⁴), s².
    ///
    /// # Examples
    /// ```
    /// // At ρ = 0.8 a run needs ((1+ρ)/(1-ρ))² = 81 times as many jobs as independent ones.
    /// let queue = sim::theory::mm1::Mm1::new(80.0, 100.0)?;
    /// let inflation = queue.mean_sojourn_run_variance() / queue.sojourn_variance();
    /// assert!((inflation - 81.0).abs() < 1e-11);
    /// # Ok::<(), sim::theory::TheoryError>(())
    /// ```
    ///
    /// # References
    /// Daley 1968; Whitt 1989.
    pub fn mean_sojourn_run_variance(&self) -> f64 {
        ((1.0 + self.utilization()) / self.idle()).powi(2) * self.sojourn_variance()
    }

    /// Of the mean wait: ρ(2+5ρ-4ρ²+ρ³)/(μ²(1-ρ)⁴), s².
    ///
    /// # References
    /// Daley 1968.
    pub fn mean_wait_run_variance(&self) -> f64 {
        let rho = self.utilization();
        let polynomial = rho * (2.0 + rho * (5.0 + rho * (rho - 4.0)));
        polynomial / self.idle().powi(2) * self.sojourn_variance()
    }

    /// Of the mean sojourn less 1/(μ̂ - λ̂), both rates measured in the same run: 2ρ/(μ²(1-ρ)⁴), s².
    pub fn fitted_mean_sojourn_run_variance(&self) -> f64 {
        2.0 * self.utilization() / self.idle().powi(2) * self.sojourn_variance()
    }

    /// Of the time average of the number present over a time t, the limit of t·Var: 2ρ(1+ρ)/(μ(1-ρ)⁴), s.
    ///
    /// # References
    /// Whitt 1989.
    pub fn in_system_run_variance(&self) -> f64 {
        let rho = self.utilization();
        2.0 * rho * (1.0 + rho) / (self.service_rate() * self.idle().powi(4))
    }

    /// Of the fraction of sojourns up to the p-quantile: with q = 1 − p,
    ///
    /// ```text
    /// q·(1-q) + 4ρ/(1-ρ)²·q·(1 - q + q·ln q)
    /// ```
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_cdf_run_variance(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        let dependence = 4.0 * self.utilization() / self.idle().powi(2);
        Ok(tail * (p + dependence * (p + tail * (-p).ln_1p())))
    }

    /// Of the measured p-quantile of the sojourn, s²: the variance of the fraction, divided by the squared
    /// density of the sojourn there.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    ///
    /// # References
    /// Heidelberger & Lewis 1984.
    pub fn sojourn_quantile_run_variance(&self, p: f64) -> Result<f64, TheoryError> {
        let density = self.decay_rate() * (1.0 - p);
        Ok(self.sojourn_cdf_run_variance(p)? / (density * density))
    }

    /// What an empty start takes off the sum of all sojourns: Σ(E T_n − E T) = -ρ/(θ·(1-ρ)²), s.
    ///
    /// Divided by n it is the bias of the mean of the first n sojourns.
    pub fn empty_start_bias(&self) -> f64 {
        -self.in_system_variance() / self.decay_rate()
    }

    /// The time in which the memory of the start decays by e in the end: 1/(√μ - √λ)², s.
    ///
    /// # References
    /// Cohen 1982; Abate & Whitt 1987.
    pub fn relaxation_time(&self) -> f64 {
        // √μ − √λ = θ/(√μ + √λ), without the difference of nearly equal roots.
        let (sum, theta) = (self.service_rate().sqrt() + self.arrival_rate().sqrt(), self.decay_rate());
        (sum / theta).powi(2)
    }

    /// Variance over squared mean of one exponentially twisted run for P(wait > t), whatever t:
    /// (1-ρ)²/(ρ(2-ρ)).
    ///
    /// The run has λ and μ exchanged and stops when the random walk of S − A first exceeds t.
    ///
    /// # References
    /// Siegmund 1976; Asmussen & Glynn 2007, ch. VI.
    pub fn twisted_run_relative_variance(&self) -> f64 {
        self.idle().powi(2) / (self.utilization() * (2.0 - self.utilization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_has_the_variances_of_independent_jobs() {
        let queue = Mm1::new(1e-9, 1.0).unwrap();
        assert!((queue.mean_sojourn_run_variance() - 1.0).abs() < 1e-8);
        assert!((queue.sojourn_cdf_run_variance(0.9).unwrap() - 0.09).abs() < 1e-8);
    }

    #[test]
    fn an_empty_start_takes_off_what_the_first_jobs_fall_short() {
        // E T₁ = 1/μ and E T₂ = E(T₁ − A)⁺ + 1/μ with T₁ exponential; in light traffic the third is settled.
        let (rho, queue) = (1e-4, Mm1::new(1e-4, 1.0).unwrap());
        let (first, second) = (1.0 - queue.mean_sojourn(), 1.0 + rho / (1.0 + rho) - queue.mean_sojourn());
        assert!((queue.empty_start_bias() / (first + second) - 1.0).abs() < 10.0 * rho);
    }

    #[test]
    fn the_quantile_of_p_one_is_refused() {
        let queue = Mm1::new(0.5, 1.0).unwrap();
        assert!(queue.sojourn_quantile_run_variance(1.0).is_err());
        assert!(queue.sojourn_cdf_run_variance(f64::NAN).is_err());
    }
}
