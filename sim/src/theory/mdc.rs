//! M/D/c: Poisson arrivals, constant services, c servers, first come first served.

use std::f64::consts::PI;

use super::{TheoryError, angle, poisson::PoissonWeights};

/// The M/D/c queue in steady state.
///
/// Poisson arrivals at rate λ, c servers, services of exactly D = `mean_service`, a = λD < c. Seen every D seconds
/// the number waiting is a random walk with steps Poisson(a) − c that is kept from falling below zero, so that by
/// Spitzer's identity it is compound Poisson:
///
/// ```text
/// E z^(N_q) = exp(Σ_{k≥1} κ_k·(z^k - 1)),      κ_k = Σ_{n≥1} P(Poisson(na) = nc + k)/n
/// j·q_j = Σ_{k=1..j} k·κ_k·q_(j-k)             q_j = P(N_q = j)
/// P(wait > (k-1)·D + x) = Σ_j P(Poisson(λ(D-x)) = j)·P(N_q > kc - 1 - j),     0 ≤ x < D
/// P(N = n) = Σ_j q_j·P(Poisson(a) = n - j)
/// ```
///
/// All terms are positive; relative errors stay below 1e-9 to tails of about 1e-12.
///
/// # Units
/// `arrival_rate` in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // One server: the M/D/1 queue, in which the wait is half that of the M/M/1 queue.
/// let queue = sim::theory::mdc::Mdc::new(160.0, 0.005, 1)?;
/// assert!((queue.mean_wait() - 0.010).abs() < 1e-13 && (queue.prob_wait() - 0.8).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Crommelin 1932; Spitzer 1956; Franx 2001, *Operations Research Letters* 29, 221 (the law of the wait).
#[derive(Debug, Clone, PartialEq)]
pub struct Mdc {
    arrival_rate: f64,
    mean_service: f64,
    servers: u32,
    /// P(N_q = 0).
    no_queue: f64,
    /// P(N_q > j) for j = 0, 1, …; beyond the last one geometric with ratio 1/η.
    queue_tails: Vec<f64>,
    /// η − 1, which near saturation has digits that η has not.
    growth: f64,
}

impl Mdc {
    /// The queue with λ = `arrival_rate`, services of `mean_service` and c = `servers`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if an argument is not positive and finite; [`TheoryError::Unstable`] if λD ≥ c.
    pub fn new(arrival_rate: f64, mean_service: f64, servers: u32) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("mean_service", mean_service)?;
        TheoryError::positive("servers", f64::from(servers))?;
        let rho = TheoryError::stable(arrival_rate, f64::from(servers) / mean_service)?;
        let growth = growth(rho);
        let mut masses = compound_poisson(&jump_rates(f64::from(servers), rho, growth));
        // Turns q_j/q_0 into P(N_q > j)/q_0, from the last, whose successors are geometric.
        let mut beyond = masses.last().expect("q_0 at least") / growth;
        for mass in masses.iter_mut().rev() {
            beyond += std::mem::replace(mass, beyond);
        }
        let queue_tails = masses.iter().map(|tail| tail / beyond).collect();
        Ok(Mdc { arrival_rate, mean_service, servers, no_queue: 1.0 / beyond, queue_tails, growth })
    }

    /// a = λD, erlangs.
    pub fn offered_load(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// ρ = λD/c.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.offered_load() / f64::from(self.servers)
    }

    /// P(wait > 0): an arrival finds all servers busy.
    pub fn prob_wait(&self) -> f64 {
        self.wait_tail(0.0)
    }

    /// P(N = `jobs`), n jobs present.
    pub fn prob_in_system(&self, jobs: u32) -> f64 {
        let queued = |queued: i64| match queued {
            ..0 => 0.0,
            0 => self.no_queue,
            _ => self.queue_tail(queued - 1) - self.queue_tail(queued),
        };
        let arrived = PoissonWeights::new(self.offered_load());
        arrived.iter().map(|(count, weight)| weight * queued(i64::from(jobs) - count as i64)).sum()
    }

    /// Mean wait before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_queue_length() / self.arrival_rate
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.mean_service
    }

    /// Time average of the jobs waiting, Σ P(N_q > j).
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        let last = self.queue_tails.last().expect("P(N_q > 0) at least");
        self.queue_tails.iter().sum::<f64>() + last / self.growth
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate * self.mean_sojourn()
    }

    /// P(N_q > `queued`).
    fn queue_tail(&self, queued: i64) -> f64 {
        let last = self.queue_tails.len() as i64 - 1;
        match queued {
            ..0 => 1.0,
            _ if queued <= last => self.queue_tails[queued as usize],
            _ => self.queue_tails[last as usize] * (-((queued - last) as f64) * self.growth.ln_1p()).exp(),
        }
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    ///
    /// A job waits longer exactly if those that were ahead of it at the end of its k-th period still fill all servers.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let periods = (t / self.mean_service).floor() + 1.0;
        let remaining = (periods * self.mean_service - t).clamp(0.0, self.mean_service);
        let places = (periods * f64::from(self.servers)) as i64;
        let arrived = PoissonWeights::new(self.arrival_rate * remaining);
        arrived.iter().map(|(count, weight)| weight * self.queue_tail(places - 1 - count as i64)).sum()
    }

    /// P(sojourn > `t`) for t in seconds; 1 for t below D.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        self.wait_tail(t - self.mean_service)
    }

    /// The p-quantile of the wait, s, by bisection of its tail; 0 up to p = 1 − P(wait > 0).
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(super::quantile::of_tail(|t| self.wait_tail(t), tail, self.mean_service))
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        Ok(self.wait_quantile(p)? + self.mean_service)
    }
}

/// η − 1 for the root η > 1 of ρ(η - 1) = ln η: far out, P(N_q > j) falls by the factor 1/η per job.
fn growth(rho: f64) -> f64 {
    let newton = |u: f64| u - (rho * u - u.ln_1p()) / (rho - 1.0 / (1.0 + u));
    // ln(1 + u) ≤ u/√(1 + u) bounds the root from above; from there Newton's steps on a convex function only descend.
    let mut u = rho.powi(-2) - 1.0;
    loop {
        let next = newton(u);
        if next < u { u = next } else { return u }
    }
}

/// k·κ_k for k = 1, 2, … up to where κ is either negligible or geometric.
///
/// κ_k is the coefficient of ζ^k in −ln(1 − φ), φ(ζ) = e^(a(ζ-1))/ζ^c. On the contour ζ = θ·e^(iθ)/(ρ·sin θ), that of
/// steepest descent, φ is real and below 1, and integrating by parts
///
/// ```text
/// k·κ_k = (c/π)·∫₀^π φ/(1-φ)·[(1 - θ·cot θ)²/θ + θ]·(ρ·sin θ/θ)^k·sin(kθ) dθ
/// ```
///
/// The sum over n in its definition would have of the order of 1/(c(1-ρ)²) terms.
fn jump_rates(c: f64, rho: f64, growth: f64) -> Vec<f64> {
    // Other roots of φ = 1 are farther out than η by a factor of at least about 1 + √(2π/c) near saturation.
    let count = (46.0 / growth.ln_1p()).min(20.0 + 20.0 * c.sqrt()).ceil() as usize;
    let step = 1.0 / (16.0 + 2.0 * c.sqrt());
    // Of each point of the contour: amplitude·ζ^(-k), and the ζ^(-1) that takes it from k to k + 1.
    let mut points: Vec<[f64; 4]> = angle::nodes(step)
        .filter_map(|(theta, weight)| {
            let (sine, cosine) = theta.sin_cos();
            let log_phi = c * log_height(theta, rho);
            let bend = 1.0 - theta * cosine / sine;
            let odds = log_phi.exp() / -log_phi.exp_m1();
            let amplitude = c / PI * weight * odds * (bend * bend / theta + theta);
            let modulus = rho * sine / theta;
            (amplitude > 0.0).then_some([amplitude, 0.0, modulus * cosine, modulus * sine])
        })
        .collect();
    (0..count)
        .map(|_| {
            let mut sum = 0.0;
            for point in &mut points {
                let [x, y, u, v] = *point;
                *point = [x * u - y * v, x * v + y * u, u, v];
                sum += point[1];
            }
            // Positive; far out, where it does not matter, rounding might have the last word.
            sum.max(0.0)
        })
        .collect()
}

/// ln φ/c on the contour: ln ρ + 1 − ρ + ln(sin θ/θ) + θ·cot θ − 1 < 0.
fn log_height(theta: f64, rho: f64) -> f64 {
    let excess = rho - 1.0;
    let square = theta * theta;
    let bend = if theta < 0.02 {
        -square * (0.5 + square * (1.0 / 36.0 + square * (1.0 / 2835.0 + 2.0 / 945.0)))
    } else {
        (theta.sin() / theta).ln() + theta / theta.tan() - 1.0
    };
    excess.ln_1p() - excess + bend
}

/// q_0 = 1, q_1, q_2, … of a compound Poisson law, from k·κ_k.
fn compound_poisson(rates: &[f64]) -> Vec<f64> {
    let mut masses = vec![1.0];
    for j in 1..=rates.len() {
        let sum: f64 = rates[..j].iter().zip(masses.iter().rev()).map(|(rate, mass)| rate * mass).sum();
        masses.push(sum / j as f64);
    }
    masses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::mg1;

    #[test]
    fn one_server_has_the_pollaczek_khinchine_mean_in_light_and_heavy_traffic() {
        for rho in [1e-3, 0.05, 0.5, 0.95, 0.9999] {
            let queue = Mdc::new(rho, 1.0, 1).unwrap();
            let mean = mg1::mean_wait(rho, 1.0, 0.0).unwrap();
            assert!((queue.mean_wait() / mean - 1.0).abs() < 1e-10, "{rho}: {}", queue.mean_wait());
            assert!((queue.prob_wait() / rho - 1.0).abs() < 1e-10, "{rho}: {}", queue.prob_wait());
        }
    }

    #[test]
    fn the_jump_rates_are_spitzers_sums() {
        for (servers, rho) in [(1, 0.3), (7, 0.6), (50, 0.8)] {
            let (c, growth) = (f64::from(servers), growth(rho));
            let rates = jump_rates(c, rho, growth);
            for k in [1, 4] {
                let term = |n: u32| {
                    let (mean, jobs) = (f64::from(n) * c * rho, f64::from(n) * c + k as f64);
                    k as f64 / f64::from(n) * (jobs * mean.ln() - mean - libm::lgamma(jobs + 1.0)).exp()
                };
                let sum: f64 = (1..400).map(term).sum();
                assert!((rates[k - 1] / sum - 1.0).abs() < 1e-10, "{servers} {rho} {k}");
            }
        }
    }

    #[test]
    fn many_servers_keep_the_mean_number_busy_at_the_offered_load() {
        for (lambda, servers) in [(180.0, 200), (990.0, 1000)] {
            let queue = Mdc::new(lambda, 1.0, servers).unwrap();
            let present: f64 = (0..4 * servers).map(|n| f64::from(n) * queue.prob_in_system(n)).sum();
            assert!((present / queue.mean_in_system() - 1.0).abs() < 1e-9, "{present}");
        }
    }

    #[test]
    fn quantiles_invert_the_tail() {
        let queue = Mdc::new(4.5, 1.0, 5).unwrap();
        for p in [0.3, 0.9, 0.999, 1.0 - 1e-9] {
            let tail = queue.wait_tail(queue.wait_quantile(p).unwrap());
            assert!((tail / (1.0 - p) - 1.0).abs() < 1e-9, "{p}: {tail}");
        }
        assert_eq!(queue.wait_quantile(0.1).unwrap(), 0.0);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(Mdc::new(2.0, 1.0, 2), Err(TheoryError::Unstable { .. })));
        assert!(matches!(Mdc::new(1.0, 0.0, 2), Err(TheoryError::OutOfDomain { name: "mean_service", .. })));
        assert!(matches!(Mdc::new(1.0, 1.0, 0), Err(TheoryError::OutOfDomain { name: "servers", .. })));
        assert!(Mdc::new(1.0, 1.0, 2).unwrap().sojourn_quantile(1.0).is_err());
    }
}
