//! The busy period of the M/M/1 queue.

use std::f64::consts::PI;

use super::{TheoryError, angle};

/// The busy period: from the arrival at an idle server until the server is idle again.
///
/// Poisson arrivals at rate λ, one server with exponential services at rate μ > λ, ρ = λ/μ, B the length and M the
/// number of jobs served:
///
/// ```text
/// E B = 1/(μ-λ)        Var B = (1+ρ)/(μ²(1-ρ)³)        P(B ∈ dt) = e^(-(λ+μ)t)·I₁(2t√(λμ))/(t√ρ) dt
/// E M = 1/(1-ρ)        Var M = ρ(1+ρ)/(1-ρ)³           P(M = n) = C(2n-2, n-1)/n·ρ^(n-1)/(1+ρ)^(2n-1)
/// ```
///
/// Bessel's integral for I₁ makes the law of B a mixture of exponentials, which is what is computed:
///
/// ```text
/// P(B > t) = (2μ/π)·∫₀^π sin²φ/w·e^(-wt) dφ,      w(φ) = (√μ - √λ)² + 4√(λμ)·sin²(φ/2)
/// ```
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // With hardly any arrivals a busy period is one service.
/// let busy = sim::theory::busy_period::BusyPeriod::new(1e-12, 2.0)?;
/// assert!((busy.mean() - 0.5).abs() < 1e-9 && (busy.tail(1.0) - (-2.0_f64).exp()).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §5.8–5.9.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BusyPeriod {
    arrival_rate: f64,
    service_rate: f64,
}

impl BusyPeriod {
    /// The busy period of the queue with λ = `arrival_rate` and μ = `service_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite; [`TheoryError::Unstable`] if λ ≥ μ.
    pub fn new(arrival_rate: f64, service_rate: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::stable(arrival_rate, service_rate)?;
        Ok(BusyPeriod { arrival_rate, service_rate })
    }

    fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// 1 − ρ, to all digits also close to saturation.
    fn idle(&self) -> f64 {
        (self.service_rate - self.arrival_rate) / self.service_rate
    }

    /// Mean length, s.
    pub fn mean(&self) -> f64 {
        1.0 / (self.service_rate - self.arrival_rate)
    }

    /// Variance of the length, s².
    pub fn variance(&self) -> f64 {
        (1.0 + self.utilization()) / self.idle() * self.mean().powi(2)
    }

    /// P(B > `t`) for t in seconds; 1 for negative t.
    pub fn tail(&self, t: f64) -> f64 {
        if t <= 0.0 { 1.0 } else { self.mixture(|rate| (-rate * t).exp()) }
    }

    /// P(B ≤ `t`) for t in seconds, to all digits also for short times; 0 for negative t.
    pub fn cdf(&self, t: f64) -> f64 {
        if t <= 0.0 { 0.0 } else { self.mixture(|rate| -(-rate * t).exp_m1()) }
    }

    /// Mean of `value(w)` over the rates w of the exponentials of which B is a mixture.
    fn mixture(&self, value: impl Fn(f64) -> f64) -> f64 {
        let (root_lambda, root_mu) = (self.arrival_rate.sqrt(), self.service_rate.sqrt());
        let slowest = ((self.service_rate - self.arrival_rate) / (root_lambda + root_mu)).powi(2);
        let density = |phi: f64| {
            let rate = slowest + 4.0 * root_lambda * root_mu * (0.5 * phi).sin().powi(2);
            phi.sin().powi(2) / rate * value(rate)
        };
        2.0 * self.service_rate / PI * angle::integral(density)
    }

    /// Mean number of jobs served.
    pub fn mean_jobs(&self) -> f64 {
        1.0 / self.idle()
    }

    /// Variance of the number of jobs served.
    pub fn jobs_variance(&self) -> f64 {
        let rho = self.utilization();
        rho * (1.0 + rho) / self.idle().powi(3)
    }

    /// P(M = `jobs`).
    pub fn prob_jobs(&self, jobs: u32) -> f64 {
        if jobs == 0 {
            return 0.0;
        }
        // C(2m, m) = 4^m·(central), and (4ρ/(1+ρ)²)^m = (1 - κ²)^m with κ = (1-ρ)/(1+ρ): no overflow, no underflow.
        let (again, rho) = (jobs - 1, self.utilization());
        let kappa = self.idle() / (1.0 + rho);
        let power = (f64::from(again) * (-kappa * kappa).ln_1p()).exp();
        central_binomial(again) * power / (f64::from(jobs) * (1.0 + rho))
    }
}

/// C(2m, m)/4^m: a product for small m, Stirling's series for large ones (next term 10⁻¹⁴ at m = 50).
fn central_binomial(m: u32) -> f64 {
    if m <= 50 {
        return (1..=m).map(|k| 1.0 - 0.5 / f64::from(k)).product();
    }
    let (x, inverse) = (f64::from(m), 1.0 / f64::from(m));
    let coefficients = [-399.0 / 262_144.0, -21.0 / 32_768.0, 5.0 / 1024.0, 1.0 / 128.0, -1.0 / 8.0, 1.0];
    coefficients.iter().fold(0.0, |sum, coefficient| sum * inverse + coefficient) / (PI * x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_integral_of_the_tail() {
        let busy = BusyPeriod::new(3.0, 5.0).unwrap();
        // Simpson's rule.
        let (steps, step) = (5000, 0.02);
        let weight = |i: u32| if i == 0 || i == steps { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
        let area: f64 = (0..=steps).map(|i| weight(i) * busy.tail(f64::from(i) * step)).sum();
        assert!((area * step / 3.0 / busy.mean() - 1.0).abs() < 2e-6, "{}", area * step / 3.0);
    }

    #[test]
    fn a_short_busy_period_is_as_likely_as_a_short_service() {
        let busy = BusyPeriod::new(0.9, 1.0).unwrap();
        assert!((busy.cdf(1e-12) / 1e-12 - 1.0).abs() < 1e-11);
        assert!((busy.cdf(7.0) + busy.tail(7.0) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_numbers_of_jobs_have_their_mean_and_variance() {
        let busy = BusyPeriod::new(0.7, 1.0).unwrap();
        let moment = |power: i32| -> f64 {
            (0..3000).map(|n| f64::from(n).powi(power) * busy.prob_jobs(n as u32)).sum()
        };
        assert!((moment(0) - 1.0).abs() < 1e-12);
        assert!((moment(1) / busy.mean_jobs() - 1.0).abs() < 1e-12);
        assert!(((moment(2) - moment(1).powi(2)) / busy.jobs_variance() - 1.0).abs() < 1e-11);
    }

    #[test]
    fn a_server_that_never_rests_is_refused() {
        assert!(matches!(BusyPeriod::new(1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(BusyPeriod::new(-1.0, 1.0).is_err());
    }
}
