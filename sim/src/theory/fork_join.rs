//! Fork–join: a job splits into two parts, and is done when both are.

use super::{TheoryError, mm1::Mm1};

/// The mean sojourn of a fork–join of two M/M/1 queues, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`; each job puts one part in the line of each of two servers
/// with exponential services at rate μ = `service_rate`, and leaves when both parts are served:
///
/// ```text
/// W = (12 - ρ)/8 · 1/(μ - λ),      ρ = λ/μ
/// ```
///
/// # Units
/// Rates in jobs per second.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite; [`TheoryError::Unstable`] if λ ≥ μ.
/// # Examples
/// ```
/// // Hardly any load: the longer of two services.
/// assert!((sim::theory::fork_join::mean_sojourn(1e-12, 1.0)? - 1.5).abs() < 1e-11);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Flatto & Hahn 1984, *SIAM Journal on Applied Mathematics* 44; Nelson & Tantawi 1988.
pub fn mean_sojourn(arrival_rate: f64, service_rate: f64) -> Result<f64, TheoryError> {
    let part = Mm1::new(arrival_rate, service_rate)?;
    Ok((12.0 - part.utilization()) / 8.0 * part.mean_sojourn())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_takes_longer_than_a_part_and_less_than_independent_parts() {
        for rho in [0.1, 0.5, 0.9, 0.99] {
            let part = 1.0 / (1.0 - rho);
            let both = mean_sojourn(rho, 1.0).unwrap();
            assert!(part < both && both < 1.5 * part, "{rho}: {both}");
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(mean_sojourn(1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(mean_sojourn(0.5, f64::NAN), Err(TheoryError::OutOfDomain { .. })));
    }
}
