//! M/G/1 behind a broker, seen through prefetch 1.

use super::TheoryError;
use super::inversion::quantile_of;
use super::law::Law;
use super::mg1::Mg1;
use super::mm1::Mm1;
use crate::model::Terms;

/// A consumer that holds one job at a time, with constant overheads.
///
/// Poisson arrivals at rate λ, independent services S, idle path i, turnaround t and overshoot o. A job occupies
/// the consumer for S + o + t, whether it is followed at once or not, and passes the idle path besides:
///
/// ```text
/// ρ′ = λ·E(S + o + t)        wait = i + W_q of the M/G/1 with services S + o + t
/// sojourn = wait + S + o
/// ```
///
/// The turnaround after a job is not part of its own sojourn, which is why the queue is not simply a slower one.
///
/// # Units
/// `arrival_rate` in jobs per second; times in seconds.
///
/// # Examples
/// ```
/// use sim::{model::{Shape, Terms}, theory::{law::Law, prefetch1::Prefetch1}};
///
/// // Without overheads it is the M/M/1 queue.
/// let queue = Prefetch1::new(160.0, Law::new(&Shape::Exponential {}, 0.005)?, Terms::IDEAL)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §5.6–5.7, for the M/G/1.
#[derive(Debug, Clone, PartialEq)]
pub struct Prefetch1 {
    broker: Mg1,
    /// S + o, what a job sees of its own service.
    service: Law,
    idle_path_s: f64,
}

impl Prefetch1 {
    /// The queue with λ = `arrival_rate`, services of the law `service`, and the overheads of `terms`; hand-over does
    /// not occur at prefetch 1.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if an argument is negative or not finite; [`TheoryError::Unstable`] if ρ′ ≥ 1.
    pub fn new(arrival_rate: f64, service: Law, terms: Terms) -> Result<Self, TheoryError> {
        let service = service.plus(terms.overshoot_s)?;
        let occupancy = service.clone().plus(terms.turnaround_s)?;
        let idle_path_s = TheoryError::not_negative("idle_path_s", terms.idle_path_s)?;
        Ok(Prefetch1 { broker: Mg1::new(arrival_rate, occupancy)?, service, idle_path_s })
    }

    /// ρ′ = λ·E(S + o + t).
    #[doc(alias = "ρ′")]
    pub fn effective_utilization(&self) -> f64 {
        self.broker.utilization()
    }

    /// Mean time from due to start, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.idle_path_s + self.broker.mean_wait()
    }

    /// Mean time from due to done, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.service.mean()
    }

    /// Variance of the sojourn, s².
    pub fn sojourn_variance(&self) -> f64 {
        self.broker.wait_variance() + self.service.variance()
    }

    /// How much longer the mean sojourn is than that of the M/M/1 queue with the same rates, as a fraction.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if `service_rate` is not positive and finite; [`TheoryError::Unstable`] if λ is
    /// not below it.
    pub fn excess_over_mm1(&self, service_rate: f64) -> Result<f64, TheoryError> {
        let textbook = Mm1::new(self.broker.arrival_rate(), service_rate)?;
        Ok(self.mean_sojourn() / textbook.mean_sojourn() - 1.0)
    }

    /// The rate of the exponential tail of wait and sojourn, 1/s; `None` for heavy-tailed services.
    pub fn decay_rate(&self) -> Option<f64> {
        self.broker.decay_rate()
    }

    /// P(wait > `t`) for t in seconds.
    pub fn wait_tail(&self, t: f64) -> f64 {
        self.broker.wait_tail(t - self.idle_path_s)
    }

    /// P(sojourn > `t`) for t in seconds.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        self.broker.wait_and_service_tail(&self.service, t - self.idle_path_s)
    }

    /// The p-quantile of the wait, s; the idle path up to p = 1 − ρ′.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(self.idle_path_s + self.broker.wait_quantile(p)?)
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile_of(|t| self.sojourn_tail(t), tail, self.broker.scale()))
    }
}
