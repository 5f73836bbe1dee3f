//! Erlang A, M/M/c+M: Poisson arrivals, exponential services, c servers, jobs that leave when out of
//! patience.

use super::birth_death::{self, MAX_STATES};
use super::{TheoryError, erlang, quantile};

/// The M/M/c+M queue in steady state.
///
/// Poisson arrivals at rate λ, c servers of rate μ each, first come first served; a waiting job leaves
/// unserved after an exponential patience of rate θ. Any load is stable. With Q = N − c waiting,
///
/// ```text
/// π_(c+j) = π_c·Π_(i=1..j) λ/(cμ + iθ)      P(wait > 0) = B·S/(1 + B·(S - 1))
/// P(abandon) = θ·E[Q]/λ                     S = Σ_(j≥0) π_(c+j)/π_c,   B = B(c, λ/μ) Erlang's B
/// P(V > t) = P(wait > 0)·exp(λ(1 - e^(-θt))/θ - cμt)·S(λe^(-θt))/S(λ)
/// ```
///
/// where V is the offered wait, that of a job of endless patience. Other waits end with service or
/// abandonment.
///
/// # Units
/// Rates per second, `service_rate` per server, `abandonment_rate` per waiting job; times in seconds.
///
/// # Examples
/// ```
/// // Patience as long as a service: as if there were infinitely many servers, so N is Poisson.
/// let queue = sim::theory::erlang_a::ErlangA::new(2.0, 1.0, 1, 1.0)?;
/// assert!((queue.prob_wait() - (1.0 - (-2.0_f64).exp())).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Palm 1957; Mandelbaum & Zeltyn 2007, "Service engineering in action: the Palm/Erlang-A queue".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErlangA {
    arrival_rate: f64,
    service_rate: f64,
    servers: f64,
    abandonment_rate: f64,
    prob_wait: f64,
    mean_busy: f64,
    mean_queue_length: f64,
    /// E\[wait; served\].
    served_wait: f64,
    /// ln S(λ).
    log_mass: f64,
}

impl ErlangA {
    /// The queue with λ = `arrival_rate`, μ = `service_rate` per server, c = `servers`, θ =
    /// `abandonment_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, `servers` is 0 or above ten
    /// million, or jobs are so patient that more than ten million of them would wait.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
        abandonment_rate: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("abandonment_rate", abandonment_rate)?;
        let clock = birth_death::states("servers", servers)? * service_rate;
        let queue = QueueSums::new(arrival_rate, clock, abandonment_rate);
        if queue.longest >= MAX_STATES {
            let rule = "it must be large enough to keep the queue below 10,000,000 jobs";
            return Err(TheoryError::OutOfDomain { name: "abandonment_rate", value: abandonment_rate, rule });
        }
        let offered_load = arrival_rate / service_rate;
        let blocked = erlang::erlang_b(servers, offered_load)?;
        let carried = erlang::carried_load(servers, offered_load)?;
        let servers = f64::from(servers);
        // In units in which all states have the weight `total`, and those up to c the weight `unit`.
        let unit = (-queue.log_scale).exp();
        let beyond = blocked * (queue.mass - unit);
        let total = unit + beyond;
        Ok(ErlangA {
            arrival_rate,
            service_rate,
            servers,
            abandonment_rate,
            prob_wait: blocked * queue.mass / total,
            mean_busy: (carried * unit + servers * beyond) / total,
            mean_queue_length: blocked * queue.jobs / total,
            served_wait: blocked * queue.served_wait / total,
            log_mass: queue.log_mass(),
        })
    }

    /// a = λ/μ, erlangs, of all jobs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// Fraction of the servers that is busy.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.mean_busy / self.servers
    }

    /// P(wait > 0).
    pub fn prob_wait(&self) -> f64 {
        self.prob_wait
    }

    /// P(a job leaves unserved).
    pub fn prob_abandon(&self) -> f64 {
        self.abandonment_rate * self.mean_queue_length / self.arrival_rate
    }

    /// Completed jobs per second.
    pub fn throughput(&self) -> f64 {
        self.service_rate * self.mean_busy
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.mean_queue_length
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.mean_busy + self.mean_queue_length
    }

    /// Mean wait of all jobs, whether it ends with service or not, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_queue_length / self.arrival_rate
    }

    /// Mean wait of the jobs that are served, s.
    pub fn mean_wait_served(&self) -> f64 {
        self.served_wait * self.arrival_rate / self.throughput()
    }

    /// Mean time from arrival to leaving, served or not, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.arrival_rate
    }

    /// P(offered wait > `t`) for t in seconds; 1 for negative t.
    pub fn offered_wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let clock = self.servers * self.service_rate;
        let patient = (-self.abandonment_rate * t).exp();
        let mass = QueueSums::new(self.arrival_rate * patient, clock, self.abandonment_rate).log_mass();
        // λ(1 - e^(-θt))/θ − cμt, in which the first term may be all of an overload.
        let left = -(-self.abandonment_rate * t).exp_m1() * self.arrival_rate / self.abandonment_rate;
        self.prob_wait * (left - clock * t + mass - self.log_mass).exp()
    }

    /// P(wait > `t`), of all jobs, for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        self.offered_wait_tail(t) * (-self.abandonment_rate * t.max(0.0)).exp()
    }

    /// The p-quantile of the offered wait, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn offered_wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile::of_tail(|t| self.offered_wait_tail(t), tail, 1.0 / self.service_rate))
    }

    /// The p-quantile of the wait of all jobs, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile::of_tail(|t| self.wait_tail(t), tail, 1.0 / self.service_rate))
    }
}

/// Sums over the states in which all servers are busy, relative to π_c and to e^`log_scale`.
struct QueueSums {
    log_scale: f64,
    /// Σ π_(c+j).
    mass: f64,
    /// Σ j·π_(c+j).
    jobs: f64,
    /// Σ π_(c+j)·E\[wait; served | c+j found\].
    served_wait: f64,
    /// The j with which the sums end.
    longest: u32,
}

impl QueueSums {
    fn new(arrival_rate: f64, clock: f64, abandonment_rate: f64) -> Self {
        // A job that finds c+j is served with probability cμ/(cμ + (j+1)θ), and then has waited for j+1 steps
        // of rates cμ + θ, …, cμ + (j+1)θ.
        let rate = |j: u32| clock + abandonment_rate * f64::from(j);
        let mut steps = rate(1).recip();
        let mut weight = 1.0;
        let (mut mass, mut jobs, mut served_wait) = (1.0, 0.0, clock * steps / rate(1));
        let (mut log_scale, mut longest) = (0.0, 0);
        for j in 1..=MAX_STATES {
            longest = j;
            weight *= arrival_rate / rate(j);
            steps += rate(j + 1).recip();
            mass += weight;
            jobs += weight * f64::from(j);
            served_wait += weight * clock / rate(j + 1) * steps;
            // What is left out is less than a geometric series.
            let ratio = arrival_rate / rate(j + 1);
            if ratio < 1.0 && weight * f64::from(j + 1) / (1.0 - ratio).powi(2) <= 1e-17 * jobs {
                break;
            }
            // An overload raises the weights beyond what a double holds.
            if mass > 1e200 {
                for sum in [&mut weight, &mut mass, &mut jobs, &mut served_wait] {
                    *sum *= 1e-200;
                }
                log_scale += 200.0 * std::f64::consts::LN_10;
            }
        }
        QueueSums { log_scale, mass, jobs, served_wait, longest }
    }

    /// ln Σ π_(c+j)/π_c.
    fn log_mass(&self) -> f64 {
        self.log_scale + self.mass.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::mmc::Mmc;

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * b.abs()
    }

    #[test]
    fn endless_patience_is_the_mmc_queue() {
        let (queue, mmc) = (ErlangA::new(2.4, 1.0, 3, 1e-12).unwrap(), Mmc::new(2.4, 1.0, 3).unwrap());
        assert!(close(queue.prob_wait(), mmc.prob_wait(), 1e-9));
        assert!(close(queue.mean_wait_served(), mmc.mean_wait(), 1e-9));
        assert!(close(queue.wait_quantile(0.99).unwrap(), mmc.wait_quantile(0.99).unwrap(), 1e-9));
    }

    #[test]
    fn no_patience_is_the_loss_system() {
        let queue = ErlangA::new(7.0, 1.0, 5, 1e12).unwrap();
        assert!(close(queue.prob_abandon(), erlang::erlang_b(5, 7.0).unwrap(), 1e-9));
    }

    #[test]
    fn what_arrives_is_served_or_leaves() {
        for (arrival_rate, servers, abandonment_rate) in
            [(0.5, 1, 0.1), (120.0, 100, 0.01), (1e5, 50_000, 0.3), (1e6, 2, 3.0)]
        {
            let queue = ErlangA::new(arrival_rate, 1.0, servers, abandonment_rate).unwrap();
            let flow = queue.throughput() + arrival_rate * queue.prob_abandon();
            assert!(close(flow, arrival_rate, 1e-10), "{arrival_rate}: {flow}");
        }
    }

    #[test]
    fn a_fluid_overload_makes_everyone_wait_for_the_same_time() {
        // λ·e^(-θV) = cμ, so V = ln 2/θ; its relative spread is of the order 1/√(λ/θ).
        let queue = ErlangA::new(2000.0, 1.0, 1000, 0.01).unwrap();
        let median = queue.offered_wait_quantile(0.5).unwrap();
        assert!(close(median, 2.0_f64.ln() / 0.01, 1e-3), "{median}");
        assert!(close(queue.offered_wait_tail(0.0), 1.0, 1e-9));
    }

    #[test]
    fn the_mean_waits_are_integrals_of_the_tail() {
        let queue = ErlangA::new(9.0, 1.0, 8, 2.0).unwrap();
        let integral = |weight: &dyn Fn(f64) -> f64| {
            let times = (0..60_000).map(|i| (f64::from(i) + 0.5) * 1e-4);
            times.map(|t| 1e-4 * weight(t) * queue.wait_tail(t)).sum::<f64>()
        };
        assert!(close(integral(&|_| 1.0), queue.mean_wait(), 1e-7));
        // E[V·e^(-θV)] by parts.
        let served = integral(&|t| 1.0 - 2.0 * t);
        assert!(close(served, queue.mean_wait_served() * (1.0 - queue.prob_abandon()), 1e-7), "{served}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let name = |result: Result<ErlangA, TheoryError>| match result {
            Err(TheoryError::OutOfDomain { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(name(ErlangA::new(1.0, 1.0, 1, 0.0)), "abandonment_rate");
        assert_eq!(name(ErlangA::new(2.0, 1.0, 1, 1e-30)), "abandonment_rate");
        assert_eq!(name(ErlangA::new(1.0, 1.0, 0, 1.0)), "servers");
        assert_eq!(name(ErlangA::new(1.0, f64::NAN, 1, 1.0)), "service_rate");
        assert!(ErlangA::new(1.0, 1.0, 1, 1.0).unwrap().wait_quantile(-0.1).is_err());
    }
}
