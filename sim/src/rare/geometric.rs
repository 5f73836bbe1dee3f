//! A twisted geometric sum: one server, Poisson arrivals, heavy-tailed services.

use super::Quantity;
use super::service::ServiceLaw;
use super::sums::Sums;
use crate::sampling::{Purpose, Stream};

/// Runs in a block.
const RUNS: u32 = 64;
/// By how much ln P(S > y) falls in a cell at most, and how many cells there are at least.
const FALL: f64 = 0.05;
const CELLS: f64 = 512.0;

/// The wait as a geometric sum of residual services, twisted as if no term were longer than t.
///
/// Pollaczek and Khinchine: W = Y_1 + … + Y_N, P(N = n) = (1 − ρ)·ρⁿ, Y with the law F_e of a residual
/// service. The partial sums X_n = Y_1 + … + Y_n grow, so the wait passes t with exactly one of its terms,
/// and given the sums before it does so with a known probability:
///
/// ```text
/// P(wait > t)    = Σ_n ρⁿ·E[g(t − X_n); X_n ≤ t] = E~ Σ_n e^(−γ·X_n)·g(t − X_n)·1{X_n ≤ t},   g = ρ·F̄_e
/// P(sojourn > t) = the same with                                                     g = ρ·F̄_e + (1 − ρ)·F̄
/// ```
///
/// with γ > 0 such that ρ·E[e^(γY); Y ≤ t] = 1 and terms drawn from ρ·e^(γy)dF_e on \[0, t\]. A heavy tail is
/// log-convex, so no term is larger than at one of the ends: g(t), a single long service, or e^(−γt), many
/// services that are not. The truncation lets the twist exist, and conditioning pays for it.
///
/// # References
/// Siegmund 1976, *Annals of Statistics* 4; Asmussen & Glynn 2007, *Stochastic Simulation*, VI.
#[derive(Debug, Clone)]
pub(super) struct GeometricSum {
    utilization: f64,
    service: ServiceLaw,
    quantity: Quantity,
    beyond_s: f64,
    root: f64,
    /// ln(ρ·E[e^(γY); Y ≤ t]), which is not quite 0.
    missed: f64,
    cells: Vec<Cell>,
    scale: f64,
}

/// A short interval of the density e^(γy)·P(S > y), which is at most e^(γ·end)·P(S > start) there.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: f64,
    end: f64,
    /// P(S > start).
    tail: f64,
    /// The bound times the width, summed up to here.
    cumulated: f64,
}

impl GeometricSum {
    pub(super) fn new(utilization: f64, service: ServiceLaw, quantity: Quantity, beyond_s: f64) -> Self {
        let mut edges = vec![0.0];
        cut(&service, beyond_s / CELLS, (0.0, beyond_s), 0, &mut edges);
        let nodes = nodes(&service, &edges);
        let factor = |rate: f64| {
            utilization / service.mean()
                * nodes.iter().map(|(y, weight)| weight * (rate * y).exp()).sum::<f64>()
        };
        let root = if beyond_s > 0.0 { rise_to_one(factor, 1.0 / beyond_s) } else { 0.0 };
        let mut sum = GeometricSum {
            utilization,
            quantity,
            beyond_s,
            root,
            missed: factor(root).ln(),
            cells: Vec::new(),
            scale: 1.0,
            service,
        };
        let mut cumulated = 0.0;
        for ends in edges.windows(2) {
            let tail = sum.service.tail(ends[0]);
            cumulated += (ends[1] - ends[0]) * (root * (ends[1] - beyond_s)).exp() * tail;
            sum.cells.push(Cell { start: ends[0], end: ends[1], tail, cumulated });
        }
        // What a run is worth, by which all are divided so that their squares do not vanish.
        sum.scale = sum.passes(beyond_s) + (-root * beyond_s).exp();
        sum
    }

    /// What a run's value has to be multiplied by.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// Most blocks in so many runs.
    pub(super) fn blocks(runs: u64) -> u32 {
        u32::try_from(runs / u64::from(RUNS)).unwrap_or(u32::MAX).max(1)
    }

    /// A block of runs.
    pub(super) fn block(&self, seed: u64, number: u32) -> Sums {
        let mut stream = Stream::new(seed, number, Purpose::Rare);
        let mut sums = Sums::default();
        (0..RUNS).for_each(|_| sums.record(self.run(&mut stream) / self.scale));
        sums
    }

    fn run(&self, stream: &mut Stream) -> f64 {
        let (mut sum, mut log_weight, mut value) = (0.0, 0.0, 0.0);
        while sum <= self.beyond_s {
            value += (log_weight - self.root * sum).exp() * self.passes(self.beyond_s - sum);
            if self.cells.is_empty() {
                break;
            }
            sum += self.term(stream);
            log_weight += self.missed;
        }
        value
    }

    /// g, the probability that the next term, or the service after the last, is longer than `left`.
    fn passes(&self, left: f64) -> f64 {
        let waits = self.utilization * self.service.residual_tail(left);
        match self.quantity {
            Quantity::Wait => waits,
            Quantity::Sojourn => waits + (1.0 - self.utilization) * self.service.tail(left),
        }
    }

    /// A term of the twisted sum.
    fn term(&self, stream: &mut Stream) -> f64 {
        let total = self.cells[self.cells.len() - 1].cumulated;
        loop {
            let place = stream.uniform() * total;
            let cell = self.cells[self.cells.partition_point(|cell| cell.cumulated < place)];
            let y = cell.start + stream.uniform() * (cell.end - cell.start);
            let bound = cell.tail * (self.root * (cell.end - y)).exp();
            if stream.uniform() * bound <= self.service.tail(y) {
                return y;
            }
        }
    }
}

/// Cuts an interval until the tail of the service hardly falls in any part, and none is wider than `widest`.
fn cut(service: &ServiceLaw, widest: f64, (start, end): (f64, f64), depth: u32, edges: &mut Vec<f64>) {
    let fall = service.tail(start).ln() - service.tail(end).ln();
    let middle = 0.5 * (start + end);
    if depth < 100 && (fall > FALL || end - start > widest) && start < middle && middle < end {
        cut(service, widest, (start, middle), depth + 1, edges);
        cut(service, widest, (middle, end), depth + 1, edges);
    } else if end > start {
        edges.push(end);
    }
}

/// Where P(S > y) is evaluated for integrals over all cells, with the weights: five points a cell, by Gauss.
fn nodes(service: &ServiceLaw, edges: &[f64]) -> Vec<(f64, f64)> {
    const POINTS: [(f64, f64); 3] = [
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    ];
    let cell = |ends: &[f64]| {
        let (centre, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
        let all = POINTS.iter().flat_map(|(x, weight)| [(*x, *weight), (-x, *weight)]).skip(1);
        all.map(|(x, weight)| (centre + half * x, half * weight * service.tail(centre + half * x)))
            .collect::<Vec<_>>()
    };
    edges.windows(2).flat_map(cell).collect()
}

/// Where an increasing function that is below 1 at 0 reaches 1.
fn rise_to_one(factor: impl Fn(f64) -> f64, guess: f64) -> f64 {
    let (mut low, mut high) = (0.0, guess);
    while factor(high) < 1.0 {
        (low, high) = (high, 2.0 * high);
    }
    while high - low > 1e-12 * high {
        let middle = 0.5 * (low + high);
        *(if factor(middle) < 1.0 { &mut low } else { &mut high }) = middle;
    }
    low
}
