//! M/M/1: Poisson arrivals, exponential services, one server, first come first served.

use super::TheoryError;

/// The M/M/1 queue in steady state.
///
/// Poisson arrivals at rate λ, one server with exponential services at rate μ, ρ = λ/μ < 1, θ = μ − λ:
///
/// ```text
/// W_q = ρ/θ      W = 1/θ      L_q = ρ²/(1-ρ)      L = ρ/(1-ρ)      P(N = n) = (1-ρ)·ρⁿ
/// P(wait > t) = ρ·e^(-θt)     P(sojourn > t) = e^(-θt)
/// ```
///
/// Methods elsewhere say how successive jobs depend on each other
/// ([`sojourn_autocorrelation`](Mm1::sojourn_autocorrelation)) and how precisely a run of n jobs measures the
/// queue ([`mean_sojourn_run_variance`](Mm1::mean_sojourn_run_variance)).
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// let queue = sim::theory::mm1::Mm1::new(160.0, 200.0)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §3.2 and §5.7.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mm1 {
    arrival_rate: f64,
    service_rate: f64,
}

impl Mm1 {
    /// The queue with λ = `arrival_rate` and μ = `service_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite; [`TheoryError::Unstable`] if λ ≥ μ.
    pub fn new(arrival_rate: f64, service_rate: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::stable(arrival_rate, service_rate)?;
        Ok(Mm1 { arrival_rate, service_rate })
    }

    /// λ, jobs/s.
    pub fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// μ, jobs/s.
    pub fn service_rate(&self) -> f64 {
        self.service_rate
    }

    /// ρ = λ/μ.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// θ = μ − λ, the rate of both exponential tails, 1/s.
    #[doc(alias = "θ")]
    pub fn decay_rate(&self) -> f64 {
        self.service_rate - self.arrival_rate
    }

    /// 1 − ρ, to all digits also close to saturation.
    pub(super) fn idle(&self) -> f64 {
        self.decay_rate() / self.service_rate
    }

    /// P(wait > 0) = ρ: an arrival sees what an outside observer sees.
    pub fn prob_wait(&self) -> f64 {
        self.utilization()
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.utilization() / self.decay_rate()
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

    /// P(N = `jobs`) = (1-ρ)·ρⁿ, n jobs present.
    pub fn prob_in_system(&self, jobs: u32) -> f64 {
        self.idle() * self.utilization().powf(f64::from(jobs))
    }

    /// Variance of the number present, ρ/(1-ρ)².
    pub fn in_system_variance(&self) -> f64 {
        self.utilization() / self.idle().powi(2)
    }

    /// Variance of the wait, ρ(2-ρ)/θ², s².
    pub fn wait_variance(&self) -> f64 {
        self.utilization() * (2.0 - self.utilization()) / self.decay_rate().powi(2)
    }

    /// Variance of the sojourn, 1/θ², s².
    pub fn sojourn_variance(&self) -> f64 {
        self.decay_rate().powi(-2)
    }

    /// The p-quantile of the wait, s; 0 up to p = 1 − ρ.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        self.wait_exceeded_with(1.0 - TheoryError::probability(p)?)
    }

    /// The time that a wait exceeds with probability `tail`, s: the quantile for a p too close to 1 to be written.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 < tail ≤ 1.
    pub fn wait_exceeded_with(&self, tail: f64) -> Result<f64, TheoryError> {
        if !(tail > 0.0 && tail <= 1.0) {
            let rule = "a probability in (0, 1]";
            return Err(TheoryError::OutOfDomain { name: "tail", value: tail, rule });
        }
        Ok((self.utilization() / tail).ln().max(0.0) / self.decay_rate())
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(-(-TheoryError::probability(p)?).ln_1p() / self.decay_rate())
    }

    /// P(wait ≤ `t`) for t in seconds; 0 for negative t.
    pub fn wait_cdf(&self, t: f64) -> f64 {
        1.0 - self.wait_tail(t)
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.utilization() * (-self.decay_rate() * t).exp() }
    }

    /// P(sojourn ≤ `t`) for t in seconds; 0 for negative t.
    pub fn sojourn_cdf(&self, t: f64) -> f64 {
        if t < 0.0 { 0.0 } else { -(-self.decay_rate() * t).exp_m1() }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { (-self.decay_rate() * t).exp() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_the_distribution() {
        let queue = Mm1::new(0.8, 1.0).unwrap();
        for p in [0.2, 0.5, 0.9, 0.99, 0.999] {
            assert!((queue.wait_cdf(queue.wait_quantile(p).unwrap()) - p).abs() < 1e-12);
            assert!((queue.sojourn_cdf(queue.sojourn_quantile(p).unwrap()) - p).abs() < 1e-12);
        }
        assert_eq!(queue.wait_quantile(0.1).unwrap(), 0.0);
    }

    #[test]
    fn littles_law_ties_lengths_to_times() {
        let queue = Mm1::new(0.6, 1.0).unwrap();
        let (rho, tolerance) = (0.6_f64, 1e-14);
        assert!((queue.mean_in_system() - rho / (1.0 - rho)).abs() < tolerance);
        assert!((queue.mean_queue_length() - rho * rho / (1.0 - rho)).abs() < tolerance);
    }

    #[test]
    fn the_number_present_has_the_mean_and_variance_of_its_probabilities() {
        let queue = Mm1::new(3.0, 5.0).unwrap();
        let moment = |power: i32| -> f64 {
            (0..200).map(|n| f64::from(n).powi(power) * queue.prob_in_system(n as u32)).sum()
        };
        assert!((moment(0) - 1.0).abs() < 1e-14);
        assert!((moment(1) - queue.mean_in_system()).abs() < 1e-13);
        assert!((moment(2) - moment(1).powi(2) - queue.in_system_variance()).abs() < 1e-12);
    }

    #[test]
    fn a_queue_at_or_beyond_saturation_is_refused() {
        assert!(matches!(Mm1::new(1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            Mm1::new(f64::NAN, 1.0),
            Err(TheoryError::OutOfDomain { name: "arrival_rate", .. })
        ));
        assert!(matches!(Mm1::new(1.0, 0.0), Err(TheoryError::OutOfDomain { name: "service_rate", .. })));
        assert!(Mm1::new(0.5, 1.0).unwrap().wait_quantile(1.0).is_err());
        assert!(Mm1::new(0.5, 1.0).unwrap().wait_exceeded_with(0.0).is_err());
    }
}
