//! M/G/1 with a server that goes away, waits for company or warms up when nobody is left.
//!
//! Services are first come first served. By decomposition the mean wait is that of the M/G/1 queue plus a
//! part that depends on the absence alone (Fuhrmann & Cooper 1985).

use super::{TheoryError, complex::Complex, law::Law};

/// Mean wait if the server takes vacations until it finds a job on return, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, independent services S and vacations V; a job that comes
/// during a vacation waits for its end. A consumer that polls is an example.
///
/// ```text
/// W_q = λE(S²)/(2(1-ρ)) + E(V²)/(2E(V)),      ρ = λ·E(S)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{law::Law, vacations}};
///
/// // Constant services and vacations: half a vacation more than M/D/1.
/// let law = |mean| Law::new(&Shape::Deterministic {}, mean);
/// let wait = vacations::multiple_vacations_mean_wait(160.0, &law(0.005)?, &law(0.002)?)?;
/// assert!((wait - 0.011).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Levy & Yechiali 1975; Fuhrmann & Cooper 1985; Doshi 1986, *Queueing Systems* 1.
pub fn multiple_vacations_mean_wait(
    arrival_rate: f64,
    law: &Law,
    vacation: &Law,
) -> Result<f64, TheoryError> {
    Ok(undisturbed_mean_wait(arrival_rate, law)? + 0.5 * vacation.moment(2) / vacation.mean())
}

/// Mean wait if the server takes one vacation whenever nobody is left and then waits for the next job, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, independent services S and vacations V:
///
/// ```text
/// W_q = λE(S²)/(2(1-ρ)) + λE(V²)/(2(E e^(-λV) + λE(V))),      ρ = λ·E(S)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{law::Law, vacations}};
///
/// // A vacation much shorter than the time between arrivals is hardly noticed: M/M/1.
/// let law = |mean| Law::new(&Shape::Exponential {}, mean);
/// let wait = vacations::single_vacation_mean_wait(160.0, &law(0.005)?, &law(1e-9)?)?;
/// assert!((wait - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Levy & Yechiali 1975; Doshi 1986, *Queueing Systems* 1.
pub fn single_vacation_mean_wait(arrival_rate: f64, law: &Law, vacation: &Law) -> Result<f64, TheoryError> {
    let undisturbed = undisturbed_mean_wait(arrival_rate, law)?;
    let nobody_came = vacation.transform(Complex::from(arrival_rate)).re;
    let cycle = nobody_came + arrival_rate * vacation.mean();
    Ok(undisturbed + 0.5 * arrival_rate * vacation.moment(2) / cycle)
}

/// Mean wait if the server, once nobody is left, starts again when `jobs` jobs are there, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, independent services S, N = `jobs`:
///
/// ```text
/// W_q = λE(S²)/(2(1-ρ)) + (N-1)/(2λ),      ρ = λ·E(S)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite or
/// `jobs` is 0.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{law::Law, vacations}};
///
/// // N = 1 is the queue without a policy, here M/M/1.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert!((vacations::n_policy_mean_wait(160.0, &law, 1)? - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Yadin & Naor 1963; Doshi 1986, *Queueing Systems* 1.
pub fn n_policy_mean_wait(arrival_rate: f64, law: &Law, jobs: u32) -> Result<f64, TheoryError> {
    let jobs = TheoryError::positive("jobs", f64::from(jobs))?;
    Ok(undisturbed_mean_wait(arrival_rate, law)? + 0.5 * (jobs - 1.0) / arrival_rate)
}

/// Mean wait if a job that finds nobody waits for a setup before its service, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, independent services S and setups D, one for each busy
/// period:
///
/// ```text
/// W_q = λE(S²)/(2(1-ρ)) + (2E(D) + λE(D²))/(2(1 + λE(D))),      ρ = λ·E(S)
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
/// # Errors
/// [`TheoryError::Unstable`] if ρ ≥ 1; [`TheoryError::OutOfDomain`] if the rate is not positive and finite.
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{law::Law, vacations}};
///
/// // Jobs so rare that each of them has the setup for itself.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert!((vacations::setup_mean_wait(1e-9, &law, &law)? - 0.005).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Welch 1964, *Operations Research* 12; Levy & Kleinrock 1986.
pub fn setup_mean_wait(arrival_rate: f64, law: &Law, setup: &Law) -> Result<f64, TheoryError> {
    let undisturbed = undisturbed_mean_wait(arrival_rate, law)?;
    let mean = setup.mean();
    Ok(undisturbed + (mean + 0.5 * arrival_rate * setup.moment(2)) / (1.0 + arrival_rate * mean))
}

/// λE(S²)/(2(1-ρ)), the mean wait with a server that is always there.
fn undisturbed_mean_wait(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    let utilization = TheoryError::stable(arrival_rate, 1.0 / law.mean())?;
    Ok(0.5 * arrival_rate * law.moment(2) / (1.0 - utilization))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
    use crate::theory::exceptional_first::ExceptionalFirst;

    fn law(shape: &Shape, mean: f64) -> Law {
        Law::new(shape, mean).unwrap()
    }

    #[test]
    fn a_long_vacation_is_never_taken_alone() {
        let (service, vacation) =
            (law(&Shape::Erlang { stages: 2 }, 1.0), law(&Shape::Lognormal { scv: 0.1 }, 1e4));
        let single = single_vacation_mean_wait(0.5, &service, &vacation).unwrap();
        let multiple = multiple_vacations_mean_wait(0.5, &service, &vacation).unwrap();
        assert!((single / multiple - 1.0).abs() < 1e-12, "{single} {multiple}");
    }

    #[test]
    fn a_setup_is_a_part_of_the_first_service_of_a_busy_period() {
        let (service, setup) = (law(&Shape::Gamma { scv: 2.0 }, 1.0), 0.7);
        let with_setup = service.clone().plus(setup).unwrap();
        let queue = ExceptionalFirst::new(0.6, &service, &with_setup).unwrap();
        let as_wait = setup_mean_wait(0.6, &service, &law(&Shape::Deterministic {}, setup)).unwrap();
        assert!((as_wait + service.mean() - queue.mean_sojourn()).abs() < 1e-13, "{as_wait}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let one = law(&Shape::Exponential {}, 1.0);
        assert!(matches!(
            n_policy_mean_wait(0.5, &one, 0),
            Err(TheoryError::OutOfDomain { name: "jobs", .. })
        ));
        assert!(matches!(n_policy_mean_wait(1.0, &one, 2), Err(TheoryError::Unstable { .. })));
        assert!(matches!(setup_mean_wait(f64::NAN, &one, &one), Err(TheoryError::OutOfDomain { .. })));
        assert!(matches!(single_vacation_mean_wait(0.0, &one, &one), Err(TheoryError::OutOfDomain { .. })));
        assert!(matches!(multiple_vacations_mean_wait(2.0, &one, &one), Err(TheoryError::Unstable { .. })));
    }
}
