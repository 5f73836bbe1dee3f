//! M/G/∞: Poisson arrivals, a server for every job.

use super::TheoryError;

/// The M/G/∞ system in steady state.
///
/// Poisson arrivals at rate λ, independent services with mean E(S), no waiting. The number present is Poisson
/// with mean a = λ·E(S), whatever the law of the service:
///
/// ```text
/// P(N = n) = e^(-a)·a^n/n!      L = a
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
///
/// # Examples
/// ```
/// let system = sim::theory::mginf::Mginf::new(8.0, 0.5)?;
/// assert!((system.prob_in_system(0) - (-4.0_f64).exp()).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Takács 1962, *Introduction to the Theory of Queues*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mginf {
    arrival_rate: f64,
    mean_service: f64,
}

impl Mginf {
    /// The system with λ = `arrival_rate` and E(S) = `mean_service`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if an argument is not positive and finite.
    pub fn new(arrival_rate: f64, mean_service: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("mean_service", mean_service)?;
        Ok(Mginf { arrival_rate, mean_service })
    }

    /// a = λ·E(S), erlangs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// Time average of the jobs present, a.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.offered_load()
    }

    /// P(exactly `n` jobs present).
    pub fn prob_in_system(&self, n: u32) -> f64 {
        let (load, n) = (self.offered_load(), f64::from(n));
        (n * load.ln() - load - libm::lgamma(n + 1.0)).exp()
    }

    /// Asymptotic variance of the time average of the jobs present, s: λ·E(S²), by the mean age of a service.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if `scv_service` is negative or not finite.
    pub fn number_asymptotic_variance(&self, scv_service: f64) -> Result<f64, TheoryError> {
        let scv = TheoryError::not_negative("scv_service", scv_service)?;
        Ok(self.offered_load() * self.mean_service * (1.0 + scv))
    }
}

/// The mean number of jobs in the M/M/∞ system a time `t` after it held `initial` of them.
///
/// Arrivals at rate λ = `arrival_rate`, services at rate μ = `service_rate` per job, a = λ/μ:
///
/// ```text
/// E[N(t)] = a·(1 - e^(-μt)) + N(0)·e^(-μt)
/// ```
///
/// # Units
/// Rates in jobs per second, `t` in seconds.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, or another argument negative or not
/// finite.
/// # Examples
/// ```
/// // After a long time the start is forgotten.
/// let mean = sim::theory::mginf::transient_mean_in_system(8.0, 2.0, 100.0, 60.0)?;
/// assert!((mean - 4.0).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Takács 1962, *Introduction to the Theory of Queues*.
pub fn transient_mean_in_system(
    arrival_rate: f64,
    service_rate: f64,
    initial: f64,
    t: f64,
) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::not_negative("initial", initial)?;
    let decay = -service_rate * TheoryError::not_negative("t", t)?;
    Ok(-arrival_rate / service_rate * decay.exp_m1() + initial * decay.exp())
}

/// The mean number of jobs at time `t` in the M(t)/M/∞ system whose arrivals have always swung as a sine.
///
/// Arrivals at rate λ(t) = λ̄·(1 + β·sin γt) with λ̄ = `mean_rate`, β = `amplitude`, γ = `frequency`;
/// services at rate μ = `service_rate` per job. The number present is Poisson with mean
///
/// ```text
/// m(t) = λ̄/μ·[1 + β·(μ²·sin γt - γμ·cos γt)/(μ² + γ²)]
/// ```
///
/// which lags behind the arrivals and is flatter.
///
/// # Units
/// Rates in jobs per second, `frequency` in radians per second, `t` in seconds.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, the amplitude is outside \[0, 1\], the
/// frequency negative, or an argument not finite.
/// # Examples
/// ```
/// // Slow swings are followed: a peak rate of 12/s is a peak load of 6.
/// let quarter = std::f64::consts::FRAC_PI_2;
/// let mean = sim::theory::mginf::sinusoidal_mean_in_system(8.0, 0.5, 1e-9, 2.0, quarter / 1e-9)?;
/// assert!((mean - 6.0).abs() < 1e-6);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Eick, Massey & Whitt 1993, *Management Science* 39.
pub fn sinusoidal_mean_in_system(
    mean_rate: f64,
    amplitude: f64,
    frequency: f64,
    service_rate: f64,
    t: f64,
) -> Result<f64, TheoryError> {
    TheoryError::positive("mean_rate", mean_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::not_negative("frequency", frequency)?;
    if !(0.0..=1.0).contains(&amplitude) {
        let rule = "a share of the mean rate in [0, 1], or the rate would become negative";
        return Err(TheoryError::OutOfDomain { name: "amplitude", value: amplitude, rule });
    }
    if !t.is_finite() {
        return Err(TheoryError::OutOfDomain { name: "t", value: t, rule: "it must be finite" });
    }
    let (sin, cos) = (frequency * t).sin_cos();
    let ratio = frequency / service_rate;
    Ok(mean_rate / service_rate * (1.0 + amplitude * (sin - ratio * cos) / (1.0 + ratio * ratio)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probabilities_sum_to_one_for_a_large_load() {
        let system = Mginf::new(50_000.0, 2.0).unwrap();
        let total: f64 = (90_000..110_000).map(|n| system.prob_in_system(n)).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
    }

    #[test]
    fn the_swinging_mean_solves_its_differential_equation() {
        let mean = |t| sinusoidal_mean_in_system(8.0, 0.5, 3.0, 2.0, t).unwrap();
        for t in [-1.0, 0.2, 1.7, 40.0] {
            let slope = (mean(t + 1e-5) - mean(t - 1e-5)) / 2e-5;
            let flow = 8.0 * (1.0 + 0.5 * (3.0 * t).sin()) - 2.0 * mean(t);
            assert!((slope - flow).abs() < 1e-7, "{t}: {slope} {flow}");
        }
    }

    #[test]
    fn a_start_in_the_mean_stays_there() {
        let mean = transient_mean_in_system(8.0, 2.0, 4.0, 0.3).unwrap();
        assert!((mean - 4.0).abs() < 1e-14);
        assert_eq!(transient_mean_in_system(8.0, 2.0, 7.0, 0.0).unwrap(), 7.0);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(Mginf::new(0.0, 1.0).is_err() && Mginf::new(1.0, f64::INFINITY).is_err());
        assert!(Mginf::new(1.0, 1.0).unwrap().number_asymptotic_variance(-1.0).is_err());
        assert!(transient_mean_in_system(1.0, 1.0, -1.0, 1.0).is_err());
        assert!(transient_mean_in_system(1.0, 1.0, 1.0, -1.0).is_err());
        assert!(sinusoidal_mean_in_system(1.0, 1.5, 1.0, 1.0, 1.0).is_err());
        assert!(sinusoidal_mean_in_system(1.0, 0.5, 1.0, 1.0, f64::NAN).is_err());
    }
}
