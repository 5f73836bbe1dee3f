//! Approximations and a bound for queues without a closed form, from means and squared coefficients of variation.
//!
//! None of these is exact except where its page says so. They see two moments and no dependence between successive
//! interarrival times, so that bursty arrivals wait far longer.

use super::{TheoryError, erlang::erlang_c};

/// Kingman's upper bound on the mean wait of the GI/G/1 queue, s.
///
/// Independent interarrival times with rate λ = `arrival_rate` and squared coefficient of variation
/// c_a² = `scv_interarrival`, services S with mean `mean_service` and c_s² = `scv_service`, one server:
///
/// ```text
/// W_q ≤ λ·(Var A + Var S)/(2(1-ρ)),      ρ = λ·E S
/// ```
///
/// tight in the limit ρ → 1 only.
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if an argument is negative or not finite.
/// # Examples
/// ```
/// // M/M/1 at ρ = 0.8: 4 service times, and the bound is 5.125.
/// let bound = sim::theory::approximations::kingman_bound(0.8, 1.0, 1.0, 1.0)?;
/// assert!((bound - 5.125).abs() < 1e-13);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kingman 1962.
pub fn kingman_bound(
    arrival_rate: f64,
    mean_service: f64,
    scv_interarrival: f64,
    scv_service: f64,
) -> Result<f64, TheoryError> {
    let rho = check(arrival_rate, mean_service, 1, scv_interarrival, scv_service)?;
    let variances = scv_interarrival / arrival_rate.powi(2) + scv_service * mean_service.powi(2);
    Ok(arrival_rate * variances / (2.0 * (1.0 - rho)))
}

/// Allen and Cunneen's approximation of the mean wait of the GI/G/c queue, s.
///
/// As [`kingman_bound`], with c = `servers` and C Erlang's C:
///
/// ```text
/// W_q ≈ C(c, a)/(c/E S - λ) · (c_a² + c_s²)/2,      a = λ·E S
/// ```
///
/// With Poisson arrivals it is that of Lee and Longton; exact for M/G/1 and M/M/c.
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if a ≥ c; [`TheoryError::OutOfDomain`] if an argument is negative or not finite or there
/// is no server.
/// # Examples
/// ```
/// // Exact for M/D/1.
/// let wait = sim::theory::approximations::allen_cunneen(0.8, 1.0, 1, 1.0, 0.0)?;
/// assert!((wait - sim::theory::mg1::mean_wait(0.8, 1.0, 0.0)?).abs() < 1e-13);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Lee & Longton 1959; Allen 1990.
pub fn allen_cunneen(
    arrival_rate: f64,
    mean_service: f64,
    servers: u32,
    scv_interarrival: f64,
    scv_service: f64,
) -> Result<f64, TheoryError> {
    check(arrival_rate, mean_service, servers, scv_interarrival, scv_service)?;
    Ok(markovian_wait(arrival_rate, mean_service, servers)? * 0.5 * (scv_interarrival + scv_service))
}

/// Kraemer and Langenbach-Belz's approximation of the mean wait of the GI/G/1 queue, s.
///
/// [`allen_cunneen`] with one server, times
///
/// ```text
/// g = exp(-2(1-ρ)(1-c_a²)²/(3ρ(c_a²+c_s²)))      c_a² ≤ 1
/// g = exp(-(1-ρ)(c_a²-1)/(c_a²+4c_s²))           c_a² > 1
/// ```
///
/// Exact for M/G/1.
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// As [`kingman_bound`].
/// # Examples
/// ```
/// // Punctual arrivals and constant services never wait.
/// let wait = sim::theory::approximations::kraemer_langenbach_belz(0.8, 1.0, 0.0, 0.0)?;
/// assert_eq!(wait, 0.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kraemer & Langenbach-Belz 1976.
pub fn kraemer_langenbach_belz(
    arrival_rate: f64,
    mean_service: f64,
    scv_interarrival: f64,
    scv_service: f64,
) -> Result<f64, TheoryError> {
    let rho = check(arrival_rate, mean_service, 1, scv_interarrival, scv_service)?;
    let base = allen_cunneen(arrival_rate, mean_service, 1, scv_interarrival, scv_service)?;
    if base == 0.0 {
        return Ok(0.0);
    }
    let excess = scv_interarrival - 1.0;
    let exponent = if excess <= 0.0 {
        2.0 * excess * excess / (3.0 * rho * (scv_interarrival + scv_service))
    } else {
        excess / (scv_interarrival + 4.0 * scv_service)
    };
    Ok(base * (-(1.0 - rho) * exponent).exp())
}

/// Marchal's approximation of the mean wait of the GI/G/1 queue, s.
///
/// [`kingman_bound`], scaled down so that it is exact for M/G/1:
///
/// ```text
/// W_q ≈ (1 + c_s²)/(1/ρ² + c_s²) · λ·(Var A + Var S)/(2(1-ρ))
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// As [`kingman_bound`].
/// # Examples
/// ```
/// let wait = sim::theory::approximations::marchal(0.8, 1.0, 1.0, 3.0)?;
/// assert!((wait - sim::theory::mg1::mean_wait(0.8, 1.0, 3.0)?).abs() < 1e-13);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Marchal 1976.
pub fn marchal(
    arrival_rate: f64,
    mean_service: f64,
    scv_interarrival: f64,
    scv_service: f64,
) -> Result<f64, TheoryError> {
    let bound = kingman_bound(arrival_rate, mean_service, scv_interarrival, scv_service)?;
    let rho = arrival_rate * mean_service;
    Ok(bound * (1.0 + scv_service) / (rho.powi(-2) + scv_service))
}

/// Cosmetatos's approximation of the mean wait of the M/D/c queue, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, c = `servers`, services of exactly `mean_service`:
///
/// ```text
/// W_q ≈ ½·W_q(M/M/c)·[1 + (1-ρ)(c-1)(√(4+5c) - 2)/(16ρc)]
/// ```
///
/// Exact for one server; [`Mdc`](super::mdc::Mdc) is exact for any number.
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if an argument is not positive and finite.
/// # Examples
/// ```
/// // Within half a per cent of the truth.
/// let exact = sim::theory::mdc::Mdc::new(1.6, 1.0, 2)?.mean_wait();
/// let wait = sim::theory::approximations::cosmetatos(1.6, 1.0, 2)?;
/// assert!((wait / exact - 1.0).abs() < 0.005);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Cosmetatos 1975.
pub fn cosmetatos(arrival_rate: f64, mean_service: f64, servers: u32) -> Result<f64, TheoryError> {
    let rho = check(arrival_rate, mean_service, servers, 1.0, 0.0)?;
    let c = f64::from(servers);
    let correction = (1.0 - rho) * (c - 1.0) * ((4.0 + 5.0 * c).sqrt() - 2.0) / (16.0 * rho * c);
    Ok(0.5 * markovian_wait(arrival_rate, mean_service, servers)? * (1.0 + correction))
}

/// The mean wait of the M/M/c queue.
fn markovian_wait(arrival_rate: f64, mean_service: f64, servers: u32) -> Result<f64, TheoryError> {
    let waits = erlang_c(servers, arrival_rate * mean_service)?;
    Ok(waits / (f64::from(servers) / mean_service - arrival_rate))
}

/// Refuses wrong arguments; gives ρ.
fn check(
    arrival_rate: f64,
    mean_service: f64,
    servers: u32,
    scv_interarrival: f64,
    scv_service: f64,
) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("mean_service", mean_service)?;
    TheoryError::positive("servers", f64::from(servers))?;
    TheoryError::not_negative("scv_interarrival", scv_interarrival)?;
    TheoryError::not_negative("scv_service", scv_service)?;
    TheoryError::stable(arrival_rate, f64::from(servers) / mean_service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
    use crate::theory::gig1::Gig1;

    #[test]
    fn kingmans_bound_lies_above_exact_waits_and_approximations_lie_near_them() {
        let shapes =
            [Shape::Erlang { stages: 3 }, Shape::Exponential {}, Shape::Hyperexponential { scv: 3.0 }];
        for arrivals in &shapes {
            for services in &shapes {
                let exact = Gig1::new(arrivals, 0.85, services, 1.0).unwrap().mean_wait();
                let two_moments = (0.85, 1.0, arrivals.scv(), services.scv());
                let (lambda, mean, arrival_scv, service_scv) = two_moments;
                assert!(kingman_bound(lambda, mean, arrival_scv, service_scv).unwrap() > exact);
                for formula in [kraemer_langenbach_belz, marchal] {
                    let approximate = formula(lambda, mean, arrival_scv, service_scv).unwrap();
                    assert!((approximate / exact - 1.0).abs() < 0.2, "{arrivals:?} {services:?}");
                }
            }
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(kingman_bound(1.0, 1.0, 1.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            marchal(0.5, 1.0, -1.0, 1.0),
            Err(TheoryError::OutOfDomain { name: "scv_interarrival", .. })
        ));
        assert!(matches!(
            allen_cunneen(0.5, 1.0, 0, 1.0, 1.0),
            Err(TheoryError::OutOfDomain { name: "servers", .. })
        ));
        assert!(matches!(
            kraemer_langenbach_belz(0.5, 1.0, 1.0, f64::INFINITY),
            Err(TheoryError::OutOfDomain { name: "scv_service", .. })
        ));
        assert!(cosmetatos(f64::NAN, 1.0, 2).is_err());
    }
}
