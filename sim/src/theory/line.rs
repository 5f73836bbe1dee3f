//! One line before several exponential servers, seen by a job that finds it in a known state.

use super::quantile;

/// The times of a job in a line, given what it finds.
///
/// c servers of rate μ each, first come first served. A job that finds n others starts after the next D =
/// max(0, n − c + 1) departures, which come at rate cμ while it waits. Count the ticks N(t) of a Poisson
/// process of rate cμ: they are the departures while the job waits, and while it is served each of them is
/// its own with probability 1/c. With s_i the probability that the job is in service after i ticks,
///
/// ```text
/// P(wait > t) = E[P(D > N(t))]      P(sojourn > t) = E[s_N(t) + P(D > N(t))]
/// s_i = (1 - 1/c)·s_(i-1) + P(D = i)
/// ```
///
/// All terms are positive, and equal rates need no special case.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    service_rate: f64,
    servers: f64,
    /// P(D > i).
    waiting: Vec<f64>,
    /// P(in the system after i ticks).
    present: Vec<f64>,
}

impl Line {
    /// The line in which a job finds n others with probability `found`\[n\]; `found` may be unnormalized.
    pub(super) fn new(found: &[f64], service_rate: f64, servers: u32) -> Self {
        let total: f64 = found.iter().sum();
        let servers_at_most = found.len().min(servers as usize);
        let starts_at_once = found[..servers_at_most].iter().sum::<f64>() / total;
        let after: Vec<f64> = found[servers_at_most..].iter().map(|weight| weight / total).collect();
        let mut waiting = vec![0.0; after.len() + 1];
        for i in (0..after.len()).rev() {
            waiting[i] = waiting[i + 1] + after[i];
        }
        let servers = f64::from(servers);
        let mut in_service = starts_at_once;
        let mut present = vec![in_service + waiting[0]];
        for (i, starts) in after.iter().enumerate() {
            in_service = in_service * (1.0 - 1.0 / servers) + starts;
            present.push(in_service + waiting[i + 1]);
        }
        Line { service_rate, servers, waiting, present }
    }

    /// P(wait > 0).
    pub(super) fn prob_wait(&self) -> f64 {
        self.waiting[0]
    }

    /// P(wait > `t`); 1 for negative t.
    pub(super) fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        poisson_expectation(self.servers * self.service_rate * t, |i| {
            self.waiting.get(i).copied().unwrap_or(0.0)
        })
    }

    /// P(sojourn > `t`); 1 for negative t.
    pub(super) fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let last = self.present.len() - 1;
        let stays = (-1.0 / self.servers).ln_1p();
        poisson_expectation(self.servers * self.service_rate * t, |i| match self.present.get(i) {
            Some(present) => *present,
            None => self.present[last] * (stays * (i - last) as f64).exp(),
        })
    }

    /// The time, s, which the wait exceeds with probability `tail`.
    pub(super) fn wait_at_tail(&self, tail: f64) -> f64 {
        quantile::of_tail(|t| self.wait_tail(t), tail, 1.0 / self.service_rate)
    }

    /// The time, s, which the sojourn exceeds with probability `tail`.
    pub(super) fn sojourn_at_tail(&self, tail: f64) -> f64 {
        quantile::of_tail(|t| self.sojourn_tail(t), tail, 1.0 / self.service_rate)
    }
}

/// E\[f(N)\] for N Poisson with `mean` and a decreasing f between 0 and 1 that vanishes beyond some 10⁹.
fn poisson_expectation(mean: f64, f: impl Fn(usize) -> f64) -> f64 {
    if mean > 1e12 {
        return 0.0;
    }
    // Weights are relative to the mode, and their total stands for e^mean: nothing overflows, and no
    // logarithm costs digits. Upwards f does not grow, so what is small against the mode adds nothing;
    // downwards it may be all there is, so weights are followed until they underflow.
    let mode = mean.floor();
    let (mut total, mut sum) = (1.0, f(mode as usize));
    let (mut weight, mut n) = (1.0, mode);
    while n > 0.0 && weight > 1e-300 {
        weight *= n / mean;
        n -= 1.0;
        total += weight;
        sum += weight * f(n as usize);
    }
    let (mut weight, mut n) = (1.0, mode);
    while weight > 1e-20 {
        n += 1.0;
        weight *= mean / n;
        total += weight;
        sum += weight * f(n as usize);
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_server_makes_the_sojourn_one_service() {
        let line = Line::new(&[1.0], 2.0, 3);
        assert_eq!((line.prob_wait(), line.wait_tail(0.0)), (0.0, 0.0));
        for t in [0.0, 0.1, 1.0, 20.0] {
            assert!((line.sojourn_tail(t) / (-2.0 * t).exp() - 1.0).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn two_jobs_before_a_single_server_make_an_erlang_sojourn() {
        let line = Line::new(&[0.0, 0.0, 1.0], 1.0, 1);
        for t in [0.1, 1.0, 30.0_f64] {
            let wait = (-t).exp() * (1.0 + t);
            assert!((line.wait_tail(t) / wait - 1.0).abs() < 1e-12, "{t}");
            assert!((line.sojourn_tail(t) / (wait + (-t).exp() * t * t / 2.0) - 1.0).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn a_poisson_mean_of_a_million_keeps_its_digits() {
        // E[z^N] = e^(-mean·(1-z)).
        let (mean, z) = (1e6, 1.0 - 1e-5_f64);
        let computed = poisson_expectation(mean, |n| z.powi(n as i32));
        assert!((computed / (-10.0_f64).exp() - 1.0).abs() < 1e-9, "{computed}");
    }
}
