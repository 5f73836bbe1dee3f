//! M/G/1: Poisson arrivals, any services, one server.

use super::complex::Complex;
use super::inversion::{invert, quantile_of};
use super::law::{Law, Varying};
use super::{TheoryError, md1, quantile};

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
    TheoryError::not_negative("scv_service", scv_service)?;
    let utilization = TheoryError::stable(arrival_rate, 1.0 / mean_service)?;
    Ok(utilization / (1.0 - utilization) * (1.0 + scv_service) / 2.0 * mean_service)
}

/// The M/G/1 queue in steady state, first come first served.
///
/// Poisson arrivals at rate λ, one server, independent services S with a given law, ρ = λ·E(S) < 1. The wait
/// is a geometric sum of remaining services S_e, P(S_e > t) = ∫ₜ^∞ P(S > x) dx / E(S):
///
/// ```text
/// E(Wⁿ) = λ/(1-ρ) · Σᵢ C(n,i)·E(Sⁱ⁺¹)/(i+1)·E(Wⁿ⁻ⁱ),  i = 1..n
/// ∫₀^∞ e^(-st)·P(wait > t) dt = ρR(s)/(1 - ρ + ρsR(s)),  R(s) = ∫₀^∞ e^(-st)·P(S_e > t) dt
/// P(wait > t) ~ C·e^(-γt),  λ·(E e^(γS) - 1) = γ,  C = (1-ρ)/(λE(S·e^(γS)) - 1)
/// ```
///
/// Tails are inverted numerically, those that fall exponentially after multiplication by e^(γt), so that far
/// out their digits are relative. About ten digits where S has a smooth density. A constant part, a uniform
/// law and measured values put kinks into the tail; near these, 6 to 8 digits, as for small tails of heavy
/// laws. Constant services have a series of their own and lose nothing.
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
///
/// # Examples
/// ```
/// use sim::{model::Shape, theory::{law::Law, mg1::Mg1}};
///
/// // Exponential services: the M/M/1 queue, P(wait > t) = ρ·e^(-(μ-λ)t).
/// let queue = Mg1::new(0.8, Law::new(&Shape::Exponential {}, 1.0)?)?;
/// assert!((queue.mean_wait() - 4.0).abs() < 1e-12);
/// assert!((queue.wait_tail(20.0) / (0.8 * (-4.0_f64).exp()) - 1.0).abs() < 1e-10);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §5.6–5.7; Takács 1962, *Introduction to the Theory of Queues*
/// (moments); Abate & Whitt 1992, *Queueing Systems* 10 (inversion).
#[derive(Debug, Clone, PartialEq)]
pub struct Mg1 {
    arrival_rate: f64,
    law: Law,
    utilization: f64,
    decay_rate: Option<f64>,
}

impl Mg1 {
    /// The queue with λ = `arrival_rate` and services of this `law`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the rate is not positive and finite; [`TheoryError::Unstable`] if ρ ≥ 1.
    pub fn new(arrival_rate: f64, law: Law) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        let utilization = TheoryError::stable(arrival_rate, 1.0 / law.mean())?;
        let decay_rate = cramer_root(&law, utilization);
        Ok(Mg1 { arrival_rate, law, utilization, decay_rate })
    }

    /// λ, jobs/s.
    pub(super) fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// The law of a service.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// ρ = λ·E(S).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.utilization
    }

    /// P(wait > 0) = ρ: an arrival sees what an outside observer sees.
    pub fn prob_wait(&self) -> f64 {
        self.utilization
    }

    /// Mean wait before service, s; infinite if E(S²) is.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.wait_moment(1)
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.law.mean()
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

    /// E(Wⁿ) of the wait, sⁿ, by Takács's recursion; infinite if E(Sⁿ⁺¹) is.
    fn wait_moment(&self, order: u32) -> f64 {
        let rate = self.arrival_rate / (1.0 - self.utilization);
        let mut moments = vec![1.0];
        for n in 1..=order {
            let mut choose = 1.0;
            let mut moment = 0.0;
            for i in 1..=n {
                choose *= f64::from(n - i + 1) / f64::from(i);
                moment += choose * self.law.moment(i + 1) / f64::from(i + 1) * moments[(n - i) as usize];
            }
            moments.push(rate * moment);
        }
        moments[order as usize]
    }

    /// Variance of the wait, s²; infinite if E(S³) is.
    pub fn wait_variance(&self) -> f64 {
        // (E W)² + λE(S³)/(3(1-ρ)): the recursion with E(W²) − (E W)² already cancelled.
        self.mean_wait().powi(2) + self.arrival_rate * self.law.moment(3) / (3.0 * (1.0 - self.utilization))
    }

    /// Variance of the sojourn, s²; infinite if E(S³) is.
    pub fn sojourn_variance(&self) -> f64 {
        self.wait_variance() + self.law.variance()
    }

    /// n·Var of the mean wait of n successive jobs for n → ∞, s²; infinite if E(S⁴) is.
    ///
    /// ```text
    /// 2a·[Cov(W, W²) + (2/λ)·Var(W)] - Var(W),  a = λ/(2(1-ρ))
    /// ```
    ///
    /// # References
    /// Daley 1968, *Journal of the Australian Mathematical Society* 8.
    pub fn wait_mean_asymptotic_variance(&self) -> f64 {
        let (first, second, third) = (self.wait_moment(1), self.wait_moment(2), self.wait_moment(3));
        if third.is_infinite() {
            return f64::INFINITY;
        }
        let variance = self.wait_variance();
        let rate = self.arrival_rate / (1.0 - self.utilization);
        rate * (third - first * second + 2.0 / self.arrival_rate * variance) - variance
    }

    /// n·Var of the mean sojourn of n successive jobs for n → ∞, s²; infinite if E(S⁴) is.
    ///
    /// ```text
    /// λ/(1-ρ)·Cov(T, T²) + Var(T)
    /// ```
    ///
    /// # References
    /// Like Daley's formula for the wait, from Poisson's equation.
    pub fn sojourn_mean_asymptotic_variance(&self) -> f64 {
        let wait = [1.0, self.wait_moment(1), self.wait_moment(2), self.wait_moment(3)];
        if wait[3].is_infinite() {
            return f64::INFINITY;
        }
        let service = |n| self.law.moment(n);
        let second = wait[2] + 2.0 * wait[1] * service(1) + service(2);
        let third = wait[3] + 3.0 * wait[2] * service(1) + 3.0 * wait[1] * service(2) + service(3);
        let rate = self.arrival_rate / (1.0 - self.utilization);
        rate * (third - self.mean_sojourn() * second) + self.sojourn_variance()
    }

    /// γ, the rate of the exponential tail of wait and sojourn, 1/s; `None` for heavy-tailed services.
    #[doc(alias = "Cramér root")]
    pub fn decay_rate(&self) -> Option<f64> {
        self.decay_rate
    }

    /// C in P(wait > t) ~ C·e^(−γt), dimensionless; `None` for heavy-tailed services.
    pub fn decay_prefactor(&self) -> Option<f64> {
        let rate = self.decay_rate?;
        // The derivative E(S·e^(γS)) by a complex step, which cancels nothing.
        let step = rate * 1e-20;
        let slope = self.law.transform(Complex::new(-rate, -step)).im / step;
        Some((1.0 - self.utilization) / (self.arrival_rate * slope - 1.0))
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            1.0
        } else if t == 0.0 {
            self.utilization
        } else if self.law.varying == Varying::Nothing {
            self.constant_service_tail(t)
        } else {
            self.invert(|s| self.wait_transform(s), t)
        }
    }

    /// The M/D/1 series, and its first term once the others are smaller by more than all digits.
    fn constant_service_tail(&self, t: f64) -> f64 {
        let services = t / self.law.mean();
        match (self.decay_rate, self.decay_prefactor()) {
            (Some(rate), Some(prefactor)) if services > 100.0 => prefactor * (-rate * t).exp(),
            _ => md1::wait_tail(self.utilization, services),
        }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        self.wait_and_service_tail(&self.law, t)
    }

    /// P(wait + S′ > `t`) for a service S′ that need not have the law of what occupies the server.
    pub(super) fn wait_and_service_tail(&self, service: &Law, t: f64) -> f64 {
        let t = t - service.constant;
        if service.varying == Varying::Nothing {
            return self.wait_tail(t);
        }
        if t <= 0.0 {
            return 1.0;
        }
        let mean = service.varying.moment(1);
        let transform = |s: Complex| {
            let varying = service.varying.transform(s);
            // (1 − E e^(−sY))/s, which is E(Y) minus little where s is small.
            let alone = if s.norm() * mean < 1e-3 {
                (-s * service.varying.excess(s) + 1.0) * mean
            } else {
                (-varying + 1.0) / s
            };
            alone + varying * self.wait_transform(s)
        };
        self.invert(transform, t)
    }

    /// The p-quantile of the wait, s; 0 up to p = 1 − ρ.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile_of(|t| self.wait_tail(t), tail, self.scale()))
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile_of(|t| self.sojourn_tail(t), tail, self.scale()))
    }

    /// A time of the order of a sojourn even where its mean is infinite, s.
    pub(super) fn scale(&self) -> f64 {
        self.law.mean() / (1.0 - self.utilization)
    }

    /// ∫₀^∞ e^(−st)·P(wait > t) dt.
    fn wait_transform(&self, s: Complex) -> Complex {
        let excess = self.law.excess(s) * self.utilization;
        excess / (s * excess + (1.0 - self.utilization))
    }

    /// The tail with this transform at `t` > 0.
    fn invert(&self, transform: impl Fn(Complex) -> Complex, t: f64) -> f64 {
        // e^(γt)·P(> t) tends to a constant, so its absolute error is the relative error of the tail.
        let tilt = self.decay_rate.unwrap_or(0.0);
        let tail = invert(|s| transform(s - tilt), t) * (-tilt * t).exp();
        tail.clamp(0.0, 1.0)
    }
}

/// γ > 0 with ρ·E e^(γS_e) = 1, or γ·∫₀^∞ e^(γt)·P(S_e > t) dt = (1 − ρ)/ρ.
fn cramer_root(law: &Law, utilization: f64) -> Option<f64> {
    let abscissa = law.abscissa();
    let fall = |rate: f64| {
        let grown = rate * law.excess(Complex::from(-rate)).re;
        // Where the transform ends or overflows, the left-hand side is infinite.
        if rate < abscissa && grown.is_finite() { -grown } else { f64::NEG_INFINITY }
    };
    (abscissa > 0.0).then(|| quantile::of_tail(fall, -(1.0 - utilization) / utilization, 1.0 / law.mean()))
}
