//! GI/G/1 where both transforms are rational: Erlang, exponential and hyperexponential times, one server.

use super::complex::Complex;
use super::{TheoryError, interarrival};
use crate::model::Shape;

/// The GI/G/1 queue in steady state, interarrival and service times being mixtures of Erlang laws.
///
/// Independent interarrival times A with mean 1/λ and services S with mean E S, one server, first come first served,
/// ρ = λ·E S < 1. Let −β_i be the m poles of E e^(-sS), each as often as its order says. Then E e^(sA)·E e^(-sS) = 1
/// has exactly m roots s_j with negative real part, and the wait is a mixture of exponentials:
///
/// ```text
/// E e^(-s·wait) = Π_j (-s_j)/(s - s_j) · Π_i (s + β_i)/β_i
/// P(wait = 0) = Π_j (-s_j) / Π_i β_i                  P(wait > t) = Σ_j c_j·e^(s_j·t)
/// W_q = Σ_j 1/(-s_j) - Σ_i 1/β_i                      Var wait = Σ_j 1/s_j² - Σ_i 1/β_i²
/// ```
///
/// # Units
/// `arrival_rate` in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // Poisson arrivals and exponential services: the M/M/1 queue.
/// use sim::model::Shape;
/// let queue = sim::theory::gig1::Gig1::new(&Shape::Exponential {}, 160.0, &Shape::Exponential {}, 0.005)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Lindley 1952; Smith 1953; Asmussen 2003, *Applied Probability and Queues*, ch. XIII (decay rate).
#[derive(Debug, Clone, PartialEq)]
pub struct Gig1 {
    arrival_rate: f64,
    mean_service: f64,
    prob_no_wait: f64,
    mean_wait: f64,
    wait_variance: f64,
    service_variance: f64,
    /// The terms c_j·e^(s_j·t) of the tails; the slowest first.
    terms: Vec<Term>,
}

/// The rate s_j and its coefficients in the two tails.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    rate: Complex,
    wait: Complex,
    sojourn: Complex,
}

impl Gig1 {
    /// The queue with interarrival times of `interarrival` shape at rate λ = `arrival_rate`, and services of
    /// `service` shape with mean `mean_service`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate or mean is not positive and finite, a shape is neither exponential,
    /// Erlang nor hyperexponential, or has too many stages; [`TheoryError::Unstable`] if ρ ≥ 1.
    pub fn new(
        interarrival: &Shape,
        arrival_rate: f64,
        service: &Shape,
        mean_service: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("mean_service", mean_service)?;
        let rho = TheoryError::stable(arrival_rate, 1.0 / mean_service)?;
        // In units of the mean service time.
        let (arrivals, services) = (Mixture::new(interarrival, 1.0 / rho)?, Mixture::new(service, 1.0)?);
        let roots = roots(&arrivals, &services)?;
        let sum_poles = |power: i32| -> f64 { services.poles().map(|pole| pole.powi(-power)).sum() };
        let sum_roots =
            |power: u32| -> f64 { roots.iter().map(|root| (Complex::ONE / -*root).powi(power).re).sum() };
        // Roots and poles in pairs, so that the product neither overflows nor underflows.
        let prob_no_wait =
            roots.iter().zip(services.poles()).fold(Complex::ONE, |p, (s, pole)| p * -*s * (1.0 / pole));
        let terms: Vec<Term> = (0..roots.len())
            .map(|j| {
                let factors = roots.iter().zip(services.poles()).enumerate();
                let residue = factors.fold(prob_no_wait, |product, (i, (root, pole))| {
                    let distance = if i == j { Complex::ONE } else { roots[j] - *root };
                    product * (roots[j] + Complex::from(pole)) / distance
                });
                let wait = residue / -roots[j];
                let sojourn = wait / arrivals.transform(-roots[j]).0;
                Term { rate: roots[j] * (1.0 / mean_service), wait, sojourn }
            })
            .collect();
        let queue = Gig1 {
            arrival_rate,
            mean_service,
            prob_no_wait: prob_no_wait.re,
            mean_wait: mean_service * (sum_roots(1) - sum_poles(1)),
            wait_variance: mean_service.powi(2) * (sum_roots(2) - sum_poles(2)),
            service_variance: mean_service.powi(2) * service.scv(),
            terms,
        };
        let whole = queue.prob_no_wait + queue.wait_tail(0.0);
        if (whole - 1.0).abs() < 1e-9 && (queue.sojourn_tail(0.0) - 1.0).abs() < 1e-9 {
            Ok(queue)
        } else {
            Err(too_many_stages(arrivals.degree() + services.degree()))
        }
    }

    /// ρ = λ·E S.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// P(wait > 0).
    pub fn prob_wait(&self) -> f64 {
        1.0 - self.prob_no_wait
    }

    /// P(wait = 0).
    pub fn prob_no_wait(&self) -> f64 {
        self.prob_no_wait
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_wait
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait + self.mean_service
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.arrival_rate * self.mean_wait
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate * self.mean_sojourn()
    }

    /// Variance of the wait, s².
    pub fn wait_variance(&self) -> f64 {
        self.wait_variance
    }

    /// Variance of the sojourn, s².
    pub fn sojourn_variance(&self) -> f64 {
        self.wait_variance + self.service_variance
    }

    /// γ in P(wait > t) ~ C·e^(-γt) for long waits, 1/s.
    #[doc(alias = "γ")]
    pub fn decay_rate(&self) -> f64 {
        -self.terms[0].rate.re
    }

    /// C in P(wait > t) ~ C·e^(-γt) for long waits.
    pub fn decay_prefactor(&self) -> f64 {
        self.terms[0].wait.re
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.sum(t, |term| term.wait) }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.sum(t, |term| term.sojourn) }
    }

    fn sum(&self, t: f64, coefficient: impl Fn(&Term) -> Complex) -> f64 {
        self.terms.iter().map(|term| (coefficient(term) * (term.rate * t).exp()).re).sum()
    }

    /// The p-quantile of the wait, s, by bisection of its tail; 0 up to p = P(wait = 0).
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(super::quantile::of_tail(|t| self.wait_tail(t), tail, self.mean_service))
    }

    /// The p-quantile of the sojourn, s, by bisection of its tail.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(super::quantile::of_tail(|t| self.sojourn_tail(t), tail, self.mean_service))
    }
}

fn too_many_stages(stages: u32) -> TheoryError {
    let rule = "the stages of both shapes together must be few enough to tell the roots apart, at most 100";
    TheoryError::OutOfDomain { name: "stages", value: f64::from(stages), rule }
}

/// A mixture of Erlang laws.
struct Mixture(Vec<Branch>);

struct Branch {
    probability: f64,
    stages: u32,
    /// Of one stage, 1/s.
    rate: f64,
}

impl Mixture {
    fn new(shape: &Shape, mean: f64) -> Result<Self, TheoryError> {
        interarrival::check(shape)?;
        let erlang = |stages: u32| {
            if stages > 100 {
                return Err(too_many_stages(stages));
            }
            Ok(Mixture(vec![Branch { probability: 1.0, stages, rate: f64::from(stages) / mean }]))
        };
        match *shape {
            Shape::Exponential {} => erlang(1),
            Shape::Erlang { stages } => erlang(stages),
            Shape::Hyperexponential { scv: 1.0 } => erlang(1),
            Shape::Hyperexponential { scv } => {
                let branch = |probability| Branch { probability, stages: 1, rate: 2.0 * probability / mean };
                Ok(Mixture(interarrival::branches(scv).map(branch).into()))
            }
            _ => {
                let rule = "the shape must be exponential, erlang or hyperexponential";
                Err(TheoryError::OutOfDomain { name: "scv", value: shape.scv(), rule })
            }
        }
    }

    /// E e^(-sX) and its derivative.
    fn transform(&self, s: Complex) -> (Complex, Complex) {
        self.0.iter().fold((Complex::ZERO, Complex::ZERO), |(value, slope), branch| {
            let stage = Complex::from(branch.rate) / (s + Complex::from(branch.rate));
            let term = stage.powi(branch.stages) * branch.probability;
            (value + term, slope - term * stage * (f64::from(branch.stages) / branch.rate))
        })
    }

    fn degree(&self) -> u32 {
        self.0.iter().map(|branch| branch.stages).sum()
    }

    /// The poles −β as β, each as often as its order says.
    fn poles(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().flat_map(|branch| std::iter::repeat_n(branch.rate, branch.stages as usize))
    }
}

/// The roots of E e^(sA)·E e^(-sS) = 1 with negative real part, the slowest first.
///
/// Aberth's iteration on the numerator of 1 − E e^(sA)·E e^(-sS), of which s = 0 is a known root. The numerator is
/// never expanded, for its coefficients would lose the digits: its logarithmic derivative is that of the left side
/// plus one term a pole.
fn roots(arrivals: &Mixture, services: &Mixture) -> Result<Vec<Complex>, TheoryError> {
    let (arrival_degree, service_degree) = (arrivals.degree() as usize, services.degree() as usize);
    if arrival_degree + service_degree > 100 {
        return Err(too_many_stages(arrivals.degree() + services.degree()));
    }
    let poles: Vec<f64> = arrivals.poles().chain(services.poles().map(|pole| -pole)).collect();
    let newton = |s: Complex| {
        let ((a, a_slope), (b, b_slope)) = (arrivals.transform(-s), services.transform(s));
        let value = Complex::ONE - a * b;
        let slope = a_slope * b - a * b_slope;
        let nearby =
            poles.iter().fold(Complex::ZERO, |sum, pole| sum + Complex::ONE / (s - Complex::from(*pole)));
        value / (slope + value * nearby)
    };
    let circle = |count: usize, radius: f64| {
        (0..count).map(move |j| {
            let angle = std::f64::consts::TAU * (j as f64 + 0.37) / count as f64;
            Complex::from(radius) + Complex::polar(0.9 * radius.abs(), angle)
        })
    };
    let radius = |mixture: &Mixture| mixture.poles().sum::<f64>() / f64::from(mixture.degree());
    let mut points: Vec<Complex> = circle(service_degree, -radius(services))
        .chain(circle(arrival_degree - 1, radius(arrivals)))
        .collect();
    for _ in 0..500 {
        let mut moved = 0.0_f64;
        for j in 0..points.len() {
            let here = points[j];
            let others = points.iter().enumerate().filter(|(i, _)| *i != j);
            let repulsion =
                others.fold(Complex::ONE / here, |sum, (_, other)| sum + Complex::ONE / (here - *other));
            let step = newton(here);
            let step = step / (Complex::ONE - step * repulsion);
            points[j] = here - step;
            moved = moved.max(step.norm() / points[j].norm());
        }
        if moved < 1e-14 {
            break;
        }
    }
    points.retain(|point| point.re < 0.0);
    points.sort_by(|a, b| b.re.total_cmp(&a.re));
    if points.len() == service_degree {
        Ok(points)
    } else {
        Err(too_many_stages(arrivals.degree() + services.degree()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{gim1::Gim1, mg1, mm1::Mm1};

    const M: Shape = Shape::Exponential {};

    #[test]
    fn memoryless_on_both_sides_is_the_mm1_queue() {
        let (queue, textbook) = (Gig1::new(&M, 0.8, &M, 1.0).unwrap(), Mm1::new(0.8, 1.0).unwrap());
        assert!((queue.prob_wait() - 0.8).abs() < 1e-14);
        assert!((queue.wait_variance() / textbook.wait_variance() - 1.0).abs() < 1e-13);
        assert!((queue.sojourn_tail(7.0) / textbook.sojourn_tail(7.0) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn poisson_arrivals_obey_pollaczek_and_khinchine() {
        let services = [
            Shape::Erlang { stages: 2 },
            Shape::Erlang { stages: 30 },
            Shape::Hyperexponential { scv: 1.0 + 1e-9 },
            Shape::Hyperexponential { scv: 50.0 },
        ];
        for service in services {
            for rho in [0.05, 0.8, 0.99] {
                let queue = Gig1::new(&M, rho, &service, 1.0).unwrap();
                let mean = mg1::mean_wait(rho, 1.0, service.scv()).unwrap();
                assert!((queue.mean_wait() / mean - 1.0).abs() < 1e-10, "{service:?} {rho}");
                assert!((queue.prob_wait() / rho - 1.0).abs() < 1e-10, "{service:?} {rho}");
            }
        }
    }

    #[test]
    fn exponential_services_make_the_gim1_queue() {
        for arrivals in [Shape::Erlang { stages: 40 }, Shape::Hyperexponential { scv: 9.0 }] {
            let queue = Gig1::new(&arrivals, 0.9, &M, 1.0).unwrap();
            let single = Gim1::new(&arrivals, 0.9, 1.0).unwrap();
            assert!((queue.mean_wait() / single.mean_wait() - 1.0).abs() < 1e-11, "{arrivals:?}");
            let (p99, reference) = (queue.wait_quantile(0.99).unwrap(), single.wait_quantile(0.99).unwrap());
            assert!((p99 / reference - 1.0).abs() < 1e-11, "{arrivals:?}");
        }
    }

    #[test]
    fn the_mean_is_the_integral_of_the_tail() {
        let queue = Gig1::new(&Shape::Erlang { stages: 7 }, 0.7, &Shape::Erlang { stages: 12 }, 1.0).unwrap();
        let area: f64 = (0..20_000).map(|i| 1e-3 * queue.wait_tail(1e-3 * (f64::from(i) + 0.5))).sum();
        assert!((area / queue.mean_wait() - 1.0).abs() < 1e-5, "{area}");
    }

    #[test]
    fn what_has_no_rational_transform_or_no_steady_state_is_refused() {
        let queue = |service: Shape, mean| Gig1::new(&M, 0.8, &service, mean);
        assert!(matches!(
            queue(Shape::Deterministic {}, 1.0),
            Err(TheoryError::OutOfDomain { name: "scv", .. })
        ));
        assert!(matches!(queue(Shape::Erlang { stages: 100 }, 1.0), Err(TheoryError::OutOfDomain { .. })));
        assert!(matches!(queue(M, 1.25), Err(TheoryError::Unstable { .. })));
        assert!(matches!(queue(M, f64::NAN), Err(TheoryError::OutOfDomain { name: "mean_service", .. })));
        assert!(queue(M, 1.0).unwrap().wait_quantile(1.0).is_err());
    }
}
