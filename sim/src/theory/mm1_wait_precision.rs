//! How precisely a run of an M/M/1 queue measures the distribution of its waits.

use super::{TheoryError, mm1::Mm1};

impl Mm1 {
    /// n·Var of the fraction of waits up to the p-quantile, for n successive jobs and n → ∞.
    ///
    /// The sojourns T are a Markov chain and given T the wait of the next job is (T - A)⁺, A exponential at rate λ.
    /// With f(T) = P((T - A)⁺ > x | T) the covariances of the indicators are those of f, one job closer, so that
    ///
    /// ```text
    /// q(1-q) + 2·Var f(T) + 2ρ/(1-ρ)²·E[m(T)²],      m(y) = E[f(T) | T > y] - q,      q = P(W > x) = 1 - p
    /// ```
    ///
    /// where with u = q/ρ = P(T > x)
    ///
    /// ```text
    /// Var f(T)  = q²·(2/(u(1+ρ)) - 1)
    /// E[m(T)²]  = q²·(1/u + 2·ln u - u) + u·[(1-q)² - 2(1-q)(1-ρ)² + (1-ρ)³/(1+ρ)]
    /// ```
    ///
    /// Up to p = 1 - ρ, where the quantile is 0, it is the variance of the fraction that does not wait.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    ///
    /// # Examples
    /// ```
    /// // Hardly a job meets another: independent indicators.
    /// let queue = sim::theory::mm1::Mm1::new(1e-6, 1.0)?;
    /// assert!((queue.wait_cdf_run_variance(0.0)? / 1e-6 - 1.0).abs() < 1e-5);
    /// # Ok::<(), sim::theory::TheoryError>(())
    /// ```
    pub fn wait_cdf_run_variance(&self, p: f64) -> Result<f64, TheoryError> {
        let (rho, idle) = (self.utilization(), self.idle());
        let tail = (1.0 - TheoryError::probability(p)?).min(rho);
        let sojourn_tail = tail / rho;
        let spread = tail * tail * (2.0 / (sojourn_tail * (1.0 + rho)) - 1.0);
        let below = tail * tail * (1.0 / sojourn_tail + 2.0 * sojourn_tail.ln() - sojourn_tail);
        let above = (1.0 - tail).powi(2) - 2.0 * (1.0 - tail) * idle.powi(2) + idle.powi(3) / (1.0 + rho);
        let dependence = 2.0 * rho / idle.powi(2) * (below + sojourn_tail * above);
        Ok(tail * (1.0 - tail) + 2.0 * spread + dependence)
    }

    /// n·Var of the measured p-quantile of the wait, s²: the variance of the fraction, divided by the squared density
    /// of the wait there.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 1 - ρ < p < 1: below, the quantile is 0 and has no density.
    pub fn wait_quantile_run_variance(&self, p: f64) -> Result<f64, TheoryError> {
        if p <= 1.0 - self.utilization() {
            let rule = "it must be above 1 - ρ, the probability of no wait";
            return Err(TheoryError::OutOfDomain { name: "p", value: p, rule });
        }
        let density = self.decay_rate() * (1.0 - p);
        Ok(self.wait_cdf_run_variance(p)? / (density * density))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_out_every_job_beyond_comes_with_a_cluster_of_the_size_that_inflates_the_mean() {
        for rho in [0.1, 0.5, 0.9, 0.99] {
            let queue = Mm1::new(rho, 1.0).unwrap();
            let inflation = ((1.0 + rho) / (1.0 - rho)).powi(2);
            let (tail, p) = (1e-12, 1.0 - 1e-12);
            let wait = queue.wait_cdf_run_variance(p).unwrap() / (1.0 - p);
            let sojourn = queue.sojourn_cdf_run_variance(p).unwrap() / (1.0 - p);
            assert!(
                (wait / inflation - 1.0).abs() < 1e4 * tail && (sojourn / wait - 1.0).abs() < 1e-7,
                "{rho}"
            );
        }
    }

    #[test]
    fn a_quantile_of_zero_and_one_of_p_one_are_refused() {
        let queue = Mm1::new(0.5, 1.0).unwrap();
        assert!(
            queue.wait_quantile_run_variance(0.5).is_err() && queue.wait_quantile_run_variance(0.51).is_ok()
        );
        assert!(queue.wait_cdf_run_variance(1.0).is_err() && queue.wait_cdf_run_variance(f64::NAN).is_err());
    }
}
