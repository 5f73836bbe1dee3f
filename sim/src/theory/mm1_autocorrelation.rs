//! How far the times of successive jobs of an M/M/1 queue depend on each other.

use std::f64::consts::PI;

use super::{angle, mm1::Mm1};

impl Mm1 {
    /// Correlation of the sojourns of two jobs that are `lag` jobs apart.
    ///
    /// Stationary M/M/1 queue, first come first served, ρ = λ/μ. The autocovariances have the generating function
    ///
    /// ```text
    /// Σ Cov(T₀, T_k)·z^k = z/(1-z)·[1/θ² - 1/(θ - r(z))²]      k ≥ 1,   r(z) = ½·[θ - √(θ² + 4λμ(1-z))]
    /// ```
    ///
    /// whose only singularity is a branch cut. The integral along it is a mixture of geometric sequences,
    ///
    /// ```text
    /// r_k = (2/π)·∫₀^π sin²ω·[1 + (1-ρ)²/(4ρ·sin²(ω/2))]^(-k) dω
    /// ```
    ///
    /// of positive terms, so that no digits are lost at any lag or utilization.
    ///
    /// # Units
    /// Dimensionless; `lag` in jobs.
    ///
    /// # Examples
    /// ```
    /// // The correlation of neighbours is ρ(2 - ρ).
    /// let queue = sim::theory::mm1::Mm1::new(80.0, 100.0)?;
    /// assert!((queue.sojourn_autocorrelation(1) - 0.96).abs() < 1e-13);
    /// # Ok::<(), sim::theory::TheoryError>(())
    /// ```
    ///
    /// # References
    /// Daley 1968 (autocovariances by another route).
    pub fn sojourn_autocorrelation(&self, lag: u32) -> f64 {
        let load = self.idle().powi(2) / (4.0 * self.utilization());
        let geometric = |omega: f64| {
            let half = (0.5 * omega).sin();
            (-f64::from(lag) * (load / (half * half)).ln_1p()).exp()
        };
        2.0 / PI * angle::integral(|omega| omega.sin().powi(2) * geometric(omega))
    }

    /// Correlation of the waits of two jobs that are `lag` jobs apart.
    ///
    /// ```text
    /// Cov(W₀, W_k) = Cov(T₀, T_(k+1)),      so that the correlation is r_(k+1)/r₁
    /// ```
    ///
    /// with r of [`sojourn_autocorrelation`](Mm1::sojourn_autocorrelation): the sequence of sojourns is reversible,
    /// and given the sojourn T of a job its own wait has the law of (T - A)⁺, A exponential at rate λ, as has the
    /// wait of the next job.
    ///
    /// # Units
    /// Dimensionless; `lag` in jobs.
    ///
    /// # Examples
    /// ```
    /// let queue = sim::theory::mm1::Mm1::new(50.0, 100.0)?;
    /// assert!((queue.wait_autocorrelation(1) - (1.0 - 2.0 * 0.25 / (1.5 * 1.5))).abs() < 1e-13);
    /// # Ok::<(), sim::theory::TheoryError>(())
    /// ```
    ///
    /// # References
    /// Daley 1968.
    pub fn wait_autocorrelation(&self, lag: u32) -> f64 {
        if lag == u32::MAX {
            return 0.0;
        }
        self.sojourn_autocorrelation(lag + 1) / self.sojourn_autocorrelation(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_perfectly_correlated_with_itself() {
        for rho in [1e-6, 0.5, 0.999_999] {
            let queue = Mm1::new(rho, 1.0).unwrap();
            assert!((queue.sojourn_autocorrelation(0) - 1.0).abs() < 1e-13);
            assert!((queue.wait_autocorrelation(0) - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn neighbours_are_correlated_by_rho_times_two_minus_rho_up_to_saturation() {
        for rho in [1e-6, 0.3, 0.95, 0.999_99] {
            let correlation = Mm1::new(rho, 1.0).unwrap().sojourn_autocorrelation(1);
            assert!((correlation / (rho * (2.0 - rho)) - 1.0).abs() < 1e-12, "{rho}: {correlation}");
        }
    }

    #[test]
    fn all_lags_together_inflate_the_variance_of_a_mean() {
        let queue = Mm1::new(0.6, 1.0).unwrap();
        let sojourns: f64 = (1..800).map(|lag| queue.sojourn_autocorrelation(lag)).sum();
        let inflation = (1.0 + 2.0 * sojourns) * queue.sojourn_variance();
        assert!((inflation / queue.mean_sojourn_run_variance() - 1.0).abs() < 1e-11);
        let waits: f64 = (1..800).map(|lag| queue.wait_autocorrelation(lag)).sum();
        let inflation = (1.0 + 2.0 * waits) * queue.wait_variance();
        assert!((inflation / queue.mean_wait_run_variance() - 1.0).abs() < 1e-11);
    }
}
