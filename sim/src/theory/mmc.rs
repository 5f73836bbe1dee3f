//! M/M/c: Poisson arrivals, exponential services, c servers, one line, first come first served.

use super::birth_death::{self, BirthDeath};
use super::{TheoryError, erlang::erlang_c};

/// The M/M/c queue in steady state.
///
/// Poisson arrivals at rate λ, c servers of rate μ each, a = λ/μ, θ = cμ − λ > 0, C = C(c, a) Erlang's C:
///
/// ```text
/// W_q = C/θ              P(wait > t) = C·e^(-θt)
/// W = W_q + 1/μ          P(sojourn > t) = e^(-μt)·[1 + C·μ·(1 - e^((μ-θ)t))/(θ - μ)]
/// ```
///
/// where the last fraction is C·μ·t in the limit θ → μ.
///
/// # Units
/// Rates in jobs per second, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // One server is the M/M/1 queue.
/// let queue = sim::theory::mmc::Mmc::new(160.0, 200.0, 1)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §3.5; Gross & Harris 1998, *Fundamentals of Queueing Theory*, §2.3;
/// Whitt 1992, *Management Science* 38 (asymptotic variance).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmc {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    prob_wait: f64,
}

impl Mmc {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` per server and c = `servers`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, or `servers` is 0 or above ten
    /// million; [`TheoryError::Unstable`] if λ ≥ cμ.
    pub fn new(arrival_rate: f64, service_rate: f64, servers: u32) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::stable(arrival_rate, birth_death::states("servers", servers)? * service_rate)?;
        let prob_wait = erlang_c(servers, arrival_rate / service_rate)?;
        Ok(Mmc { arrival_rate, service_rate, servers, prob_wait })
    }

    /// ρ = λ/(cμ).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.offered_load() / f64::from(self.servers)
    }

    /// a = λ/μ, erlangs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// θ = cμ − λ, the rate of the exponential tail of the wait, 1/s.
    fn decay_rate(&self) -> f64 {
        f64::from(self.servers) * self.service_rate - self.arrival_rate
    }

    /// P(wait > 0), Erlang's C.
    pub fn prob_wait(&self) -> f64 {
        self.prob_wait
    }

    /// P(no job present).
    pub fn prob_empty(&self) -> f64 {
        self.chain().probabilities()[0]
    }

    /// The number of jobs present, whose rates are constant from c − 1 on.
    fn chain(&self) -> BirthDeath {
        let death = |j| (self.arrival_rate, self.service_rate * f64::from(j));
        BirthDeath::new((1..=self.servers).map(death).collect())
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.prob_wait / self.decay_rate()
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + 1.0 / self.service_rate
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

    /// Asymptotic variance of the time average of the jobs present, s: t·Var of the mean over a long time t.
    pub fn number_asymptotic_variance(&self) -> f64 {
        self.chain().asymptotic_variance()
    }

    /// Variance of the wait, s².
    pub fn wait_variance(&self) -> f64 {
        self.prob_wait * (2.0 - self.prob_wait) / self.decay_rate().powi(2)
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.prob_wait * (-self.decay_rate() * t).exp() }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        // Those that waited and are in service: ∫₀ᵗ C·θ·e^(-θs)·e^(-μ(t-s)) ds, which is the slower of the
        // two exponentials times (1 - e^(-δt))/δ with δ = |θ - μ|; that keeps its digits by expm1, never
        // overflows, and tends to t.
        let gap = (self.decay_rate() - self.service_rate).abs() * t;
        let ratio = if gap == 0.0 { t } else { -(-gap).exp_m1() / gap * t };
        let slower = (-self.service_rate.min(self.decay_rate()) * t).exp();
        (1.0 - self.prob_wait) * (-self.service_rate * t).exp()
            + self.wait_tail(t)
            + self.prob_wait * self.decay_rate() * slower * ratio
    }

    /// The p-quantile of the wait, s; 0 up to p = 1 − C.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok((self.prob_wait / tail).ln().max(0.0) / self.decay_rate())
    }

    /// The p-quantile of the sojourn, s, by bisection of its tail.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(super::quantile::of_tail(|t| self.sojourn_tail(t), tail, self.mean_sojourn()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs()
    }

    #[test]
    fn one_server_is_the_mm1_queue() {
        let (queue, single) =
            (Mmc::new(0.8, 1.0, 1).unwrap(), crate::theory::mm1::Mm1::new(0.8, 1.0).unwrap());
        assert!(close(queue.mean_sojourn(), single.mean_sojourn()));
        assert!(close(queue.prob_empty(), 0.2));
        for p in [0.1, 0.5, 0.99] {
            assert!((queue.wait_quantile(p).unwrap() - single.wait_quantile(p).unwrap()).abs() < 1e-12);
            assert!(close(queue.sojourn_quantile(p).unwrap(), single.sojourn_quantile(p).unwrap()));
        }
    }

    #[test]
    fn the_sojourn_tail_is_continuous_where_the_two_rates_meet() {
        // c = 2, λ = μ: θ = μ, where the tail is (1 + C·μ·t)·e^(-μt).
        let tail = |rate: f64| Mmc::new(rate, 1.0, 2).unwrap().sojourn_tail(3.0);
        let at = (-3.0_f64).exp() * (1.0 + 3.0 / 3.0);
        assert!(close(tail(1.0), at), "{} {at}", tail(1.0));
        assert!((tail(1.0 + 1e-9) / at - 1.0).abs() < 1e-8 && (tail(1.0 - 1e-9) / at - 1.0).abs() < 1e-8);
    }

    #[test]
    fn sojourns_of_a_thousand_services_near_saturation_have_quantiles() {
        let queue = Mmc::new(1.9998, 1.0, 2).unwrap();
        // All but a service time is waiting, with an exponential tail.
        let (sojourn, wait) = (queue.sojourn_quantile(0.99).unwrap(), queue.wait_quantile(0.99).unwrap());
        assert!(wait > 10_000.0 && (sojourn - wait - 1.0).abs() < 0.01, "{sojourn} {wait}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(Mmc::new(2.0, 1.0, 2), Err(TheoryError::Unstable { .. })));
        assert!(matches!(Mmc::new(2.0, 1.0, 0), Err(TheoryError::OutOfDomain { name: "servers", .. })));
        assert!(matches!(
            Mmc::new(f64::INFINITY, 1.0, 2),
            Err(TheoryError::OutOfDomain { name: "arrival_rate", .. })
        ));
        assert!(Mmc::new(1.0, 1.0, 2).unwrap().sojourn_quantile(1.0).is_err());
    }
}
