//! Orders that do not look at sizes.

use super::Queue;
use crate::theory::{TheoryError, law::Law};

/// Mean sojourn if all jobs present share the server equally, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; insensitive to the law beyond its mean:
///
/// ```text
/// W = E(S)/(1-ρ)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // Services that would be hopeless in order of arrival.
/// let law = Law::new(&Shape::Pareto { tail: 1.1 }, 0.005)?;
/// assert!((disciplines::processor_sharing_mean_sojourn(160.0, &law)? - 0.025).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1967; Sakata, Noguchi & Oizumi 1971, *Operations Research* 19.
pub fn processor_sharing_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    processor_sharing_conditional_sojourn(arrival_rate, law, law.mean())
}

/// Mean sojourn of a job of size x = `size` if all jobs present share the server equally, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`:
///
/// ```text
/// T(x) = x/(1-ρ)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times and sizes in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite or
/// the size is negative.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // Nothing to do takes no time.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert_eq!(disciplines::processor_sharing_conditional_sojourn(160.0, &law, 0.0)?, 0.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1967.
pub fn processor_sharing_conditional_sojourn(
    arrival_rate: f64,
    law: &Law,
    size: f64,
) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    Ok(TheoryError::not_negative("size", size)? / queue.idle)
}

/// Variance of the sojourn if all jobs present share the server equally and services are exponential, s².
///
/// Poisson arrivals at rate λ = `arrival_rate`, exponential services with rate μ = `service_rate`:
///
/// ```text
/// Var = (2+ρ)/((2-ρ)·(1-ρ)²·μ²),      ρ = λ/μ
/// ```
///
/// # Units
/// Rates in jobs per second.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if a rate is not positive and finite.
/// # Examples
/// ```
/// // Jobs that are always alone: the variance of the service.
/// let variance = sim::theory::disciplines::processor_sharing_mm1_sojourn_variance(1e-20, 2.0)?;
/// assert!((variance - 0.25).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Coffman, Muntz & Trotter 1970, *Journal of the ACM* 17.
pub fn processor_sharing_mm1_sojourn_variance(
    arrival_rate: f64,
    service_rate: f64,
) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    let utilization = TheoryError::stable(arrival_rate, service_rate)?;
    Ok((2.0 + utilization) / (2.0 - utilization) / (service_rate * (1.0 - utilization)).powi(2))
}

/// Mean sojourn if the last to come interrupts the service, which is resumed later, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; the sojourn is a busy period:
///
/// ```text
/// W = E(S)/(1-ρ)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // Exponential services: the mean of M/M/1 in any order that does not look at sizes, 1/(μ-λ).
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert!((disciplines::lcfs_preemptive_mean_sojourn(160.0, &law)? - 0.025).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Takács 1962, *Introduction to the Theory of Queues*.
pub fn lcfs_preemptive_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    Ok(law.mean() / Queue::new(arrival_rate, law)?.idle)
}

/// Variance of the sojourn if the last to come interrupts the service, which is resumed later, s².
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; the variance of a busy period:
///
/// ```text
/// Var = (Var(S) + ρ·E(S)²)/(1-ρ)³
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // Jobs that are always alone: the variance of the service.
/// let law = Law::new(&Shape::Exponential {}, 0.5)?;
/// assert!((disciplines::lcfs_preemptive_sojourn_variance(1e-20, &law)? - 0.25).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Takács 1962, *Introduction to the Theory of Queues*.
pub fn lcfs_preemptive_sojourn_variance(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let idle = Queue::new(arrival_rate, law)?.idle;
    Ok((law.variance() + (1.0 - idle) * law.mean().powi(2)) / idle.powi(3))
}

/// Mean wait in any order that neither looks at sizes nor interrupts a service, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; first come, last come or random:
///
/// ```text
/// W_q = λE(S²)/(2(1-ρ))
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // Exponential services: the M/M/1 queue.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert!((disciplines::blind_mean_wait(160.0, &law)? - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kingman 1962, *Proceedings of the Cambridge Philosophical Society* 58.
pub fn blind_mean_wait(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    Ok(0.5 * arrival_rate * law.moment(2) / queue.idle)
}

/// E(W_q²) if the last to come is served next, without interruption, s².
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; F is the wait first come first served:
///
/// ```text
/// E(W_q²) = E(F²)/(1-ρ),      E(F²) = 2E(F)² + λE(S³)/(3(1-ρ))
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // M/M/1: E(F²) = 2ρ/(μ-λ)².
/// let law = Law::new(&Shape::Exponential {}, 1.0)?;
/// assert!((disciplines::lcfs_wait_second_moment(0.5, &law)? - 8.0).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Wishart 1960; Takács 1963.
pub fn lcfs_wait_second_moment(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    Ok(first_come_second_moment(&queue) / queue.idle)
}

/// E(W_q²) if any of the waiting jobs is served next with equal probability, s².
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`; F is the wait first come first served:
///
/// ```text
/// E(W_q²) = E(F²)/(1-ρ/2),      E(F²) = 2E(F)² + λE(S³)/(3(1-ρ))
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{disciplines, law::Law}};
///
/// // M/M/1: E(F²) = 2ρ/(μ-λ)².
/// let law = Law::new(&Shape::Exponential {}, 1.0)?;
/// assert!((disciplines::random_order_wait_second_moment(0.5, &law)? - 16.0 / 3.0).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kingman 1962, *Proceedings of the Cambridge Philosophical Society* 58; Takács 1963.
pub fn random_order_wait_second_moment(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    Ok(first_come_second_moment(&queue) / (0.5 + 0.5 * queue.idle))
}

/// E(F²), s².
fn first_come_second_moment(queue: &Queue<'_>) -> f64 {
    let rate = queue.arrival_rate / queue.idle;
    0.5 * (rate * queue.law.moment(2)).powi(2) + rate * queue.law.moment(3) / 3.0
}
