//! GI/M/c: independent interarrival times of any law, exponential services, c servers, first come first served.

use super::{TheoryError, gim1::gap, interarrival::Interarrival};
use crate::model::Shape;

/// The GI/M/c queue in steady state.
///
/// Independent interarrival times with mean 1/λ and transform A*(s) = E e^(-sA), c servers of rate μ each,
/// λ < cμ. With φ(x) = A*(cμx), δ = 1 − σ the root of δ = 1 − φ(δ) in (0, 1), and θ = cμδ:
///
/// ```text
/// 1/P(wait > 0) = 1 + δ·Σ_{j=1..c} t_j/(1 - φ_j)·[1 - φ_j - x_j]/[δ - x_j],     x_j = j/c,  φ_j = φ(x_j)
/// t_j = C(c, j)·Π_{i≤j} (1 - φ_i)/φ_i
/// W_q = P(wait > 0)/θ        P(wait > t) = P(wait > 0)·e^(-θt)
/// ```
///
/// x − 1 + φ(x) is convex with roots 0 and δ, so that all terms are positive; where x_j meets δ the fraction is its
/// slope.
///
/// # Units
/// Rates in jobs per second, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // Poisson arrivals: the M/M/c queue.
/// use sim::model::Shape;
/// let queue = sim::theory::gimc::Gimc::new(&Shape::Exponential {}, 2.0, 1.0, 3)?;
/// assert!((queue.prob_wait() - sim::theory::erlang::erlang_c(3, 2.0)?).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Takács 1962, *Introduction to the Theory of Queues*, ch. 2; Gross & Harris 1998, *Fundamentals of Queueing
/// Theory*, ch. 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gimc {
    arrival_rate: f64,
    service_rate: f64,
    servers: u32,
    sigma: f64,
    decay_rate: f64,
    prob_wait: f64,
}

impl Gimc {
    /// The queue with interarrival times of `interarrival` shape at rate λ = `arrival_rate`, μ = `service_rate` per
    /// server and c = `servers`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, there is no server or the shape does not
    /// exist; [`TheoryError::Unstable`] if λ ≥ cμ.
    pub fn new(
        interarrival: &Shape,
        arrival_rate: f64,
        service_rate: f64,
        servers: u32,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("servers", f64::from(servers))?;
        let interarrival = Interarrival::new(interarrival, arrival_rate)?;
        let full_rate = f64::from(servers) * service_rate;
        TheoryError::stable(arrival_rate, full_rate)?;
        let gap = gap(&interarrival, full_rate);
        Ok(Gimc {
            arrival_rate,
            service_rate,
            servers,
            sigma: interarrival.transform(full_rate * gap),
            decay_rate: full_rate * gap,
            prob_wait: prob_wait(&interarrival, full_rate, servers, gap),
        })
    }

    /// σ, the ratio of the geometric law of the number waiting that an arrival which waits finds.
    #[doc(alias = "σ")]
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// a = λ/μ, erlangs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// ρ = λ/(cμ).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.offered_load() / f64::from(self.servers)
    }

    /// P(wait > 0): an arrival finds all servers busy.
    pub fn prob_wait(&self) -> f64 {
        self.prob_wait
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.prob_wait / self.decay_rate
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

    /// Variance of the wait, s².
    pub fn wait_variance(&self) -> f64 {
        self.prob_wait * (2.0 - self.prob_wait) / self.decay_rate.powi(2)
    }

    /// Variance of the sojourn, s².
    pub fn sojourn_variance(&self) -> f64 {
        self.wait_variance() + self.service_rate.powi(-2)
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.prob_wait * (-self.decay_rate * t).exp() }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        // Those that waited and are in service: P(wait > 0)·θ·e^(-μt)·(1 - e^(-(θ-μ)t))/(θ - μ), which tends to the
        // factor t where θ meets μ.
        let excess = (self.decay_rate - self.service_rate) * t;
        let ratio = if excess == 0.0 { t } else { -(-excess).exp_m1() / excess * t };
        let in_service = (-self.service_rate * t).exp();
        self.wait_tail(t) + in_service * (1.0 - self.prob_wait + self.prob_wait * self.decay_rate * ratio)
    }

    /// The p-quantile of the wait, s; 0 up to p = 1 − P(wait > 0).
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok((self.prob_wait / tail).ln().max(0.0) / self.decay_rate)
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

fn prob_wait(interarrival: &Interarrival, full_rate: f64, servers: u32, gap: f64) -> f64 {
    let convex = |x: f64| x - interarrival.complement(full_rate * x);
    // The slope of the chord from the root δ to x. A short chord is lengthened about its middle, or it would be all
    // rounding error; the error of that is of the second order.
    let chord = |x: f64| {
        let (middle, half) = (0.5 * (x + gap), 0.5 * (x - gap).abs());
        let half = half.max(1e-5 * gap);
        (convex(middle + half) - convex(middle - half)) / (2.0 * half)
    };
    let c = f64::from(servers);
    let (mut factor, mut sum) = (1.0, 0.0);
    for j in 1..=servers {
        let x = f64::from(j) / c;
        let (transform, complement) =
            (interarrival.transform(full_rate * x), interarrival.complement(full_rate * x));
        factor *= f64::from(servers - j + 1) / f64::from(j) * complement / transform;
        sum += factor / complement * chord(x);
    }
    1.0 / (1.0 + gap * sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{gim1::Gim1, mmc::Mmc};

    #[test]
    fn one_server_is_the_gim1_queue() {
        for shape in [Shape::Deterministic {}, Shape::Erlang { stages: 3 }, Shape::Weibull { shape: 0.6 }] {
            let queue = Gimc::new(&shape, 0.7, 1.0, 1).unwrap();
            let single = Gim1::new(&shape, 0.7, 1.0).unwrap();
            assert!((queue.prob_wait() / single.prob_wait() - 1.0).abs() < 1e-12, "{shape:?}");
            assert!((queue.sojourn_tail(3.0) / single.sojourn_tail(3.0) - 1.0).abs() < 1e-12, "{shape:?}");
        }
    }

    #[test]
    fn poisson_arrivals_make_the_mmc_queue_also_where_a_server_count_meets_the_root() {
        // ρ = 0.5 with 2 servers has δ = x₁ = 0.5 exactly.
        for (lambda, servers) in [(1.0, 2), (0.8, 3), (27.0, 30), (950.0, 1000)] {
            let queue = Gimc::new(&Shape::Exponential {}, lambda, 1.0, servers).unwrap();
            let textbook = Mmc::new(lambda, 1.0, servers).unwrap();
            assert!((queue.prob_wait() / textbook.prob_wait() - 1.0).abs() < 1e-9, "{servers}");
            assert!((queue.sojourn_tail(1.5) / textbook.sojourn_tail(1.5) - 1.0).abs() < 1e-9, "{servers}");
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let queue = |lambda, mu, servers| Gimc::new(&Shape::Deterministic {}, lambda, mu, servers);
        assert!(matches!(queue(3.0, 1.0, 3), Err(TheoryError::Unstable { .. })));
        assert!(matches!(queue(0.5, 1.0, 0), Err(TheoryError::OutOfDomain { name: "servers", .. })));
        assert!(matches!(queue(0.5, -1.0, 1), Err(TheoryError::OutOfDomain { name: "service_rate", .. })));
        assert!(queue(0.5, 1.0, 1).unwrap().sojourn_quantile(-0.1).is_err());
    }
}
