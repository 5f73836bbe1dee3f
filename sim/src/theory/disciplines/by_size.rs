//! Orders that look at sizes, or at what was served of them.

use super::Queue;
use crate::theory::law::{Law, Varying};
use crate::theory::{TheoryError, quadrature};

/// Mean sojourn if the job with the shortest remaining service is served, s: no order has a smaller one.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`, a shorter arrival interrupts:
///
/// ```text
/// W = E(T(S)),   T of srpt_conditional_sojourn
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
/// // Equal jobs are served in order of arrival: M/D/1.
/// let law = Law::new(&Shape::Deterministic {}, 0.005)?;
/// assert!((disciplines::srpt_mean_sojourn(160.0, &law)? - 0.015).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Schrage & Miller 1966, *Operations Research* 14.
pub fn srpt_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    let wait = law.expectation(|x| queue.shortest_remaining_wait(x));
    // E(∫₀^S g) = ∫₀^∞ P(S > t)·g(t) dt saves an integral within an integral.
    let served = if law.has_density() {
        law.tail_integral(|t| queue.slowdown(t))
    } else {
        let longest = breaks(law).into_iter().fold(0.0, f64::max);
        integral(law, longest, |t| law.tail(t) * queue.slowdown(t))
    };
    Ok(wait + served)
}

/// Mean sojourn of a job of size x = `size` if the job with the shortest remaining service is served, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`, a shorter arrival interrupts:
///
/// ```text
/// T(x) = λE(min(S,x)²)/(2(1-ρ(x⁻))·(1-ρ(x))) + ∫₀ˣ dt/(1-ρ(t))
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
/// // A job without size is through at once.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert_eq!(disciplines::srpt_conditional_sojourn(160.0, &law, 0.0)?, 0.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Schrage & Miller 1966, *Operations Research* 14.
pub fn srpt_conditional_sojourn(arrival_rate: f64, law: &Law, size: f64) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    TheoryError::not_negative("size", size)?;
    Ok(queue.shortest_remaining_wait(size) + integral(law, size, |t| queue.slowdown(t)))
}

/// Mean sojourn if the shortest waiting job is served next, without interruption, s; infinite if E(S²) is.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`:
///
/// ```text
/// W = E(S) + E(λE(S²)/(2(1-ρ(x⁻))·(1-ρ(x)))) at x = S
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
/// // Equal jobs are served in order of arrival: M/D/1.
/// let law = Law::new(&Shape::Deterministic {}, 0.005)?;
/// assert!((disciplines::sjf_mean_sojourn(160.0, &law)? - 0.015).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Phipps 1956, *Operations Research* 4.
pub fn sjf_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    let remaining = 0.5 * arrival_rate * law.moment(2);
    Ok(law.mean() + remaining * law.expectation(|x| queue.slowdown_below(x) * queue.slowdown(x)))
}

/// Mean sojourn if the job that was shortest on arrival is served, s.
///
/// Poisson arrivals at rate λ = `arrival_rate`, services S = `law`, a shorter arrival interrupts, and what
/// has been served already does not count:
///
/// ```text
/// W = E(x/(1-ρ(x⁻)) + λE(S²; S ≤ x)/(2(1-ρ(x⁻))·(1-ρ(x)))) at x = S
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
/// // Equal jobs are served in order of arrival: M/D/1.
/// let law = Law::new(&Shape::Deterministic {}, 0.005)?;
/// assert!((disciplines::psjf_mean_sojourn(160.0, &law)? - 0.015).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1976, *Queueing Systems* II; Harchol-Balter 2013, *Performance Modeling and Design of Computer
/// Systems*, ch. 32.
pub fn psjf_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    let queue = Queue::new(arrival_rate, law)?;
    Ok(law.expectation(|x| {
        let remaining = 0.5 * arrival_rate * law.partial_moment(2, queue.just_above(x));
        (x + remaining * queue.slowdown(x)) * queue.slowdown_below(x)
    }))
}

/// Mean sojourn if the jobs that have been served least share the server, s.
///
/// Least attained service, also foreground–background. Poisson arrivals at rate λ = `arrival_rate`, services
/// S = `law`; to a job of size x all others are cut off at x:
///
/// ```text
/// W = E(x/(1-ρₓ) + λE(min(S,x)²)/(2(1-ρₓ)²)) at x = S,      ρₓ = λE(min(S,x))
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
/// // Exponential services tell nothing by what was served: the mean of M/M/1.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?;
/// assert!((disciplines::las_mean_sojourn(160.0, &law)? - 0.025).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1976, *Queueing Systems* II; Harchol-Balter 2013, *Performance Modeling and Design of Computer
/// Systems*, ch. 30.
pub fn las_mean_sojourn(arrival_rate: f64, law: &Law) -> Result<f64, TheoryError> {
    Queue::new(arrival_rate, law)?;
    Ok(law.expectation(|x| {
        let idle = 1.0 - arrival_rate * law.truncated_moment(1, x);
        (x + 0.5 * arrival_rate * law.truncated_moment(2, x) / idle) / idle
    }))
}

impl Queue<'_> {
    /// A size with all jobs of size x on its lower side, in spite of rounding.
    fn just_above(&self, x: f64) -> f64 {
        if self.law.has_density() { x } else { x * (1.0 + 1e-12) }
    }

    /// 1/(1 − ρ(x)).
    fn slowdown(&self, x: f64) -> f64 {
        1.0 / (1.0 - self.arrival_rate * self.law.partial_moment(1, self.just_above(x)))
    }

    /// 1/(1 − ρ(x⁻)).
    fn slowdown_below(&self, x: f64) -> f64 {
        let below = if self.law.has_density() { x } else { x * (1.0 - 1e-12) };
        1.0 / (1.0 - self.arrival_rate * self.law.partial_moment(1, below))
    }

    /// The mean wait of a job of size x until its first service, shortest remaining service first, s.
    fn shortest_remaining_wait(&self, x: f64) -> f64 {
        let remaining = 0.5 * self.arrival_rate * self.law.truncated_moment(2, x);
        remaining * self.slowdown_below(x) * self.slowdown(x)
    }
}

/// The sizes between which a function of ρ(t) is smooth; for a law without a density, all its values.
fn breaks(law: &Law) -> Vec<f64> {
    let start = law.constant;
    match &law.varying {
        Varying::Atoms(atoms) => atoms.iter().map(|(value, _)| start + value).collect(),
        Varying::Uniform { width } => vec![start, start + width],
        _ => vec![start],
    }
}

/// ∫₀^`end` of a function of t by way of ρ(t) and P(S > t), which are constant between the values of a law
/// without a density.
fn integral(law: &Law, end: f64, g: impl Fn(f64) -> f64) -> f64 {
    let mut ends = breaks(law);
    ends.retain(|point| *point < end);
    ends.push(end);
    ends.sort_by(f64::total_cmp);
    let mut start = 0.0;
    let mut sum = 0.0;
    for end in ends {
        let length = end - start;
        sum += if law.has_density() {
            quadrature::interval(length, |t| g(start + t))
        } else {
            length * g(start + 0.5 * length)
        };
        start = end;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Empirical, Shape};
    use crate::theory::disciplines::*;
    use crate::theory::mg1;
    use crate::theory::priority::{Class, NonPreemptive, PreemptiveResume};

    type Mean = fn(f64, &Law) -> Result<f64, TheoryError>;

    fn law(shape: &Shape, mean: f64) -> Law {
        Law::new(shape, mean).unwrap()
    }

    fn values(values: &[f64]) -> Law {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let empirical = Empirical::new("values.csv".into(), values.to_vec()).unwrap();
        law(&Shape::Empirical(empirical), mean)
    }

    fn near(computed: f64, expected: f64, tolerance: f64) {
        assert!((computed / expected - 1.0).abs() < tolerance, "{computed}, not {expected}");
    }

    #[test]
    fn equal_jobs_are_served_in_the_order_of_arrival() {
        let in_order = mg1::mean_wait(0.35, 2.0, 0.0).unwrap() + 2.0;
        let split = law(&Shape::Deterministic {}, 1.7).plus(0.3).unwrap();
        for law in [law(&Shape::Deterministic {}, 2.0), split, values(&[2.0; 3])] {
            for mean in [srpt_mean_sojourn, sjf_mean_sojourn, psjf_mean_sojourn] as [Mean; 3] {
                near(mean(0.35, &law).unwrap(), in_order, 1e-11);
            }
            // Served least first, they all leave at the end of the busy period.
            near(las_mean_sojourn(0.35, &law).unwrap(), in_order / 0.3, 1e-13);
        }
    }

    #[test]
    fn two_sizes_are_two_classes() {
        // Two of three jobs have size 1, the others 3, whether by themselves or by a constant of 0.9.
        let whole = values(&[1.0, 1.0, 3.0]);
        let split = values(&[0.1, 0.1, 2.1]).plus(0.9).unwrap();
        let class = |arrival_rate, mean_service| Class { arrival_rate, mean_service, scv_service: 0.0 };
        let classes = [class(0.3, 1.0), class(0.15, 3.0)];
        let mean = |sojourn: &dyn Fn(usize) -> f64| (2.0 * sojourn(0) + sojourn(1)) / 3.0;
        let waiting = NonPreemptive::new(&classes).unwrap();
        let resuming = PreemptiveResume::new(&classes).unwrap();
        for law in [whole, split] {
            // A large job hands over to small ones until it has 1 left, and waits for the others there.
            let srpt = |size| srpt_conditional_sojourn(0.45, &law, size).unwrap();
            near(srpt(1.0), 1.0 + 0.225 / 0.7, 1e-13);
            near(srpt(3.0), 0.825 / (0.7 * 0.25) + 1.0 + 2.0 / 0.7, 1e-13);
            near(sjf_mean_sojourn(0.45, &law).unwrap(), mean(&|k| waiting.mean_sojourn(k).unwrap()), 1e-13);
            near(psjf_mean_sojourn(0.45, &law).unwrap(), mean(&|k| resuming.mean_sojourn(k).unwrap()), 1e-13);
        }
    }

    #[test]
    fn the_mean_over_all_sizes_is_the_mean_sojourn() {
        for law in [
            law(&Shape::Uniform { half_width: 0.5 }, 2.0),
            law(&Shape::Pareto { tail: 2.5 }, 2.0),
            law(&Shape::Weibull { shape: 0.5 }, 2.0),
            values(&[0.5, 1.0, 1.0, 4.0]).plus(0.2).unwrap(),
        ] {
            let conditional = |x| srpt_conditional_sojourn(0.35, &law, x).unwrap();
            near(srpt_mean_sojourn(0.35, &law).unwrap(), law.expectation(conditional), 1e-10);
        }
        // Beyond the longest job nothing changes any more.
        let uniform = law(&Shape::Uniform { half_width: 0.5 }, 2.0);
        let at = |x| srpt_conditional_sojourn(0.35, &uniform, x).unwrap();
        near((at(7.0) - at(5.0)) * 0.3, 2.0, 1e-12);
    }

    #[test]
    fn many_values_of_a_law_are_close_to_it() {
        let exponential = law(&Shape::Exponential {}, 1.0);
        let middles = (0..250).map(|i| -(1.0 - (f64::from(i) + 0.5) / 250.0).ln());
        let many = values(&middles.collect::<Vec<_>>());
        for mean in [srpt_mean_sojourn, sjf_mean_sojourn, psjf_mean_sojourn, las_mean_sojourn] as [Mean; 4] {
            near(mean(0.7, &many).unwrap(), mean(0.7, &exponential).unwrap(), 0.02);
        }
    }

    #[test]
    fn knowing_more_about_the_jobs_shortens_the_sojourn() {
        for shape in [
            Shape::Exponential {},
            Shape::Hyperexponential { scv: 1e4 },
            Shape::Lognormal { scv: 9.0 },
            Shape::Pareto { tail: 1.3 },
            Shape::Uniform { half_width: 1.0 },
        ] {
            let law = law(&shape, 0.01);
            let remaining = srpt_mean_sojourn(85.0, &law).unwrap();
            let original = psjf_mean_sojourn(85.0, &law).unwrap();
            let waiting = sjf_mean_sojourn(85.0, &law).unwrap();
            assert!(law.mean() < remaining && remaining < original, "{shape:?}: {remaining} {original}");
            assert!(waiting < blind_mean_wait(85.0, &law).unwrap() + law.mean() || waiting.is_infinite());
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let law = law(&Shape::Exponential {}, 1.0);
        for mean in [
            processor_sharing_mean_sojourn,
            lcfs_preemptive_mean_sojourn,
            lcfs_preemptive_sojourn_variance,
            blind_mean_wait,
            lcfs_wait_second_moment,
            random_order_wait_second_moment,
            srpt_mean_sojourn,
            sjf_mean_sojourn,
            psjf_mean_sojourn,
            las_mean_sojourn,
        ] as [Mean; 10]
        {
            assert!(matches!(mean(1.0, &law), Err(TheoryError::Unstable { .. })));
            assert!(matches!(mean(f64::NAN, &law), Err(TheoryError::OutOfDomain { .. })));
        }
        assert!(srpt_conditional_sojourn(0.5, &law, -1.0).is_err());
        assert!(processor_sharing_conditional_sojourn(0.5, &law, f64::INFINITY).is_err());
        assert!(matches!(
            processor_sharing_mm1_sojourn_variance(2.0, 2.0),
            Err(TheoryError::Unstable { .. })
        ));
    }
}
