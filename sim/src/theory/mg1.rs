//! M/G/1: Poisson arrivals, any services, one server.

use super::TheoryError;

/// Mean-value Pollaczek–Khinchine formula: the mean wait of the M/G/1 queue, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, one server, independent service times S with mean
/// `mean_service` and squared coefficient of variation c_s² = `scv_service`:
///
/// ```text
/// W_q = ρ/(1-ρ) · (1 + c_s²)/2 · E(S),      ρ = λ·E(S)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if an argument is negative or not finite.
/// # Examples
/// ```
/// // Exponential services: the M/M/1 queue. Constant ones halve the wait.
/// let wait = |scv| sim::theory::mg1::mean_wait(160.0, 0.005, scv);
/// assert!((wait(1.0)? - 0.020).abs() < 1e-15 && (wait(0.0)? - 0.010).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §5.6.
pub fn mean_wait(arrival_rate: f64, mean_service: f64, scv_service: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("mean_service", mean_service)?;
    if !(scv_service >= 0.0 && scv_service.is_finite()) {
        let rule = "it must be zero or more, and finite";
        return Err(TheoryError::OutOfDomain { name: "scv_service", value: scv_service, rule });
    }
    let utilization = arrival_rate * mean_service;
    if utilization >= 1.0 {
        return Err(TheoryError::Unstable { utilization, arrival_rate, capacity: 1.0 / mean_service });
    }
    Ok(utilization / (1.0 - utilization) * (1.0 + scv_service) / 2.0 * mean_service)
}
