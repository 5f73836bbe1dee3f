//! How many points a chart goes without a signal.

use std::f64::consts::PI;
use std::sync::OnceLock;

use sim::normal;

/// Nodes of the quadrature: three and more a standard deviation of a step, for every chart here.
const NODES: usize = 80;

/// Points after which the law of the run length counts as geometric whether or not it has settled.
const LONGEST: usize = 50_000;

/// Points from one look at the ratio of successive terms to the next.
const STRIDE: usize = 64;

/// The law of the run length N, the number of points until the first signal.
///
/// A chart is a Markov process of one number that ends when it leaves an interval. Nyström's method follows it from
/// node to node of a Gauss–Legendre quadrature:
///
/// ```text
/// P(N > t+1 | u_i) = Σ_j K_ij·P(N > t | u_j),     E(N) = Σ_t P(N > t)
/// ```
///
/// From where the ratio of successive terms no longer changes, the law is geometric.
///
/// # Units
/// Points of the chart: jobs, or batches of them.
/// # References
/// Brook & Evans 1972; Lucas & Saccucci 1990.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLength {
    /// P(N > t) for t = 0, 1, …, until the law is geometric.
    survival: Vec<f64>,
    /// P(N = t + 1 | N > t) from there on.
    hazard: f64,
}

/// What a chart does in one step, from a place `u` inside an interval.
pub(super) trait Step {
    /// The interval.
    fn interval(&self) -> (f64, f64);
    /// Density of going from `u` to `y`, both inside.
    fn density(&self, u: f64, y: f64) -> f64;
    /// Probability of going from `u` to 0 itself.
    fn to_zero(&self, u: f64) -> f64;
}

impl RunLength {
    /// The law of a chart that starts at 0.
    pub(super) fn of(step: &impl Step) -> Self {
        let (low, high) = step.interval();
        let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
        let (nodes, weights) = legendre();
        let places: Vec<f64> = [0.0].into_iter().chain(nodes.iter().map(|x| middle + half * x)).collect();
        let row = |u: &f64| {
            let rest =
                places[1..].iter().zip(weights).map(|(y, weight)| half * weight * step.density(*u, *y));
            [step.to_zero(*u)].into_iter().chain(rest).collect::<Vec<f64>>()
        };
        let kernel: Vec<Vec<f64>> = places.iter().map(row).collect();
        let dot = |row: &Vec<f64>, x: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
        let (mut now, mut survival, mut hazard) = (vec![1.0; places.len()], vec![1.0], f64::NAN);
        loop {
            let next: Vec<f64> = kernel.iter().map(|row| dot(row, &now)).collect();
            let found = 1.0 - next[0] / now[0];
            now = next;
            if now[0] < 1e-15 {
                return RunLength { survival, hazard: found };
            }
            if survival.len().is_multiple_of(STRIDE) {
                let has_settled = (found - hazard).abs() <= 1e-12 * found + 1e-15;
                hazard = found;
                if has_settled || survival.len() >= LONGEST {
                    return RunLength { survival, hazard };
                }
            }
            survival.push(now[0]);
        }
    }

    /// The law of a chart whose points signal each on their own, with one probability.
    pub fn geometric(probability: f64) -> Self {
        RunLength { survival: vec![1.0], hazard: probability }
    }

    /// E(N): the average run length.
    #[doc(alias = "ARL")]
    pub fn mean(&self) -> f64 {
        let (last, before) = self.survival.split_last().expect("P(N > 0) is there");
        before.iter().sum::<f64>() + last / self.hazard
    }

    /// P(N ≤ t).
    pub fn probability_within(&self, points: f64) -> f64 {
        let settled = self.survival.len() - 1;
        match points < settled as f64 {
            true => 1.0 - self.survival[points as usize],
            false => {
                -f64::exp_m1(self.survival[settled].ln() + (points - settled as f64) * (-self.hazard).ln_1p())
            }
        }
    }

    /// The smallest number of points within which a signal comes with probability `p`.
    pub fn quantile(&self, p: f64) -> u64 {
        if let Some(t) = self.survival.iter().position(|survival| 1.0 - survival >= p) {
            return t as u64;
        }
        let (settled, last) = (self.survival.len() - 1, self.survival[self.survival.len() - 1]);
        let more = ((1.0 - p) / last).ln() / (-self.hazard).ln_1p();
        // Less by a rounding error, or an exact number of points would be one more.
        settled as u64 + (more - 1e-9).ceil().max(0.0) as u64
    }
}

/// The x between two ends with `value(x)` = `wanted`, of a function that grows about exponentially: by false position on
/// its logarithm (Illinois).
pub(super) fn solve(wanted: f64, between: (f64, f64), value: impl Fn(f64) -> f64) -> f64 {
    let off = |x: f64| (value(x) / wanted).ln();
    let ((mut a, mut b), (mut at_a, mut at_b)) = (between, (off(between.0), off(between.1)));
    loop {
        let x = (a * at_b - b * at_a) / (at_b - at_a);
        let at_x = off(x);
        if at_x.abs() < 1e-8 || b - a < 1e-9 {
            return x;
        }
        if at_x < 0.0 {
            (a, at_a, at_b) = (x, at_x, at_b / 2.0);
        } else {
            (b, at_b, at_a) = (x, at_x, at_a / 2.0);
        }
    }
}

/// Average run length of Shewhart's chart of single values: it signals beyond `limit` standard deviations.
///
/// ```text
/// E(N) = 1/[Φ(−L − δ) + Φ(−L + δ)]
/// ```
///
/// For independent values only. Waits and sojourns are none, and [`control`](super) never draws it of them.
///
/// # Units
/// `limit` L and `shift` δ in standard deviations; the result in points.
/// # References
/// Montgomery 2019.
pub fn shewhart_mean(limit: f64, shift: f64) -> f64 {
    1.0 / (normal::tail(limit + shift) + normal::tail(limit - shift))
}

/// Nodes and weights of Gauss and Legendre's quadrature on [−1, 1].
fn legendre() -> &'static (Vec<f64>, Vec<f64>) {
    static RULE: OnceLock<(Vec<f64>, Vec<f64>)> = OnceLock::new();
    RULE.get_or_init(|| (0..NODES).map(node).unzip())
}

/// A zero of the Legendre polynomial of degree [`NODES`], by Newton's method, with its weight.
fn node(index: usize) -> (f64, f64) {
    let degree = NODES as f64;
    let mut x = (PI * (index as f64 + 0.75) / (degree + 0.5)).cos();
    let mut slope = 0.0;
    for _ in 0..20 {
        let (mut before, mut value) = (0.0, 1.0);
        for n in 0..NODES {
            let n = n as f64;
            (before, value) = (value, ((2.0 * n + 1.0) * x * value - n * before) / (n + 1.0));
        }
        slope = degree * (x * value - before) / (x * x - 1.0);
        x -= value / slope;
    }
    (x, 2.0 / ((1.0 - x * x) * slope * slope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadrature_is_exact_for_polynomials() {
        let (nodes, weights) = legendre();
        let integral = |power: i32| nodes.iter().zip(weights).map(|(x, w)| w * x.powi(power)).sum::<f64>();
        for power in [0, 2, 8, 40] {
            let exact = 2.0 / f64::from(power + 1);
            assert!((integral(power) / exact - 1.0).abs() < 1e-12, "{power}: {}", integral(power));
        }
    }

    #[test]
    fn a_geometric_run_length_has_its_textbook_mean_and_quantiles() {
        let law = RunLength::geometric(0.01);
        assert!((law.mean() - 100.0).abs() < 1e-9);
        assert!((law.probability_within(10.0) - (1.0 - 0.99_f64.powi(10))).abs() < 1e-12);
        // 0.99^298 > 0.05 > 0.99^299.
        assert_eq!(law.quantile(0.95), 299);
        assert!(law.probability_within(299.0) >= 0.95 && law.probability_within(298.0) < 0.95);
    }
}
