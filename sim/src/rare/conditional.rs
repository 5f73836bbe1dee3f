//! Conditional Monte Carlo: one server, Poisson arrivals, heavy-tailed services.

use super::Quantity;
use super::service::ServiceLaw;
use super::sums::Sums;
use crate::sampling::{Purpose, Stream};

/// Runs in a block.
const RUNS: u32 = 1024;

/// The wait as a geometric sum of residual services, conditioned on all but its longest term.
///
/// Pollaczek and Khinchine: W = Y_1 + … + Y_N, P(N = n) = (1 − ρ)·ρⁿ, Y with the law F_e of a residual
/// service. Whichever term is the longest, it is the last one in one of N cases, so with M and X the maximum
/// and the sum of the first N − 1
///
/// ```text
/// P(wait > t)    = E[N·F̄_e(max(M, t − X))]
/// P(sojourn > t) = E[N·F̄_e(max(M, S, t − X − S)) + F̄(max(M', t − X'))]
/// ```
///
/// where M', X' are those of all N terms and S is the service, which may be the longest itself. N has a known
/// mean and serves as a control.
///
/// # References
/// Asmussen & Kroese 2006, *Advances in Applied Probability* 38.
#[derive(Debug, Clone)]
pub(super) struct Conditional {
    utilization: f64,
    service: ServiceLaw,
    quantity: Quantity,
    beyond_s: f64,
    scale: f64,
}

impl Conditional {
    pub(super) fn new(utilization: f64, service: ServiceLaw, quantity: Quantity, beyond_s: f64) -> Self {
        // The tail of one term, by which all values are divided so that their squares do not vanish.
        let scale = service.residual_tail(beyond_s);
        let scale = if scale > 0.0 { scale } else { 1.0 };
        Conditional { utilization, service, quantity, beyond_s, scale }
    }

    /// What a run's value has to be multiplied by.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// E N.
    pub(super) fn control_mean(&self) -> f64 {
        self.utilization / (1.0 - self.utilization)
    }

    /// Most blocks in so many runs.
    pub(super) fn blocks(runs: u64) -> u32 {
        u32::try_from(runs / u64::from(RUNS)).unwrap_or(u32::MAX).max(1)
    }

    /// A block of runs.
    pub(super) fn block(&self, seed: u64, number: u32) -> Sums {
        let mut stream = Stream::new(seed, number, Purpose::Rare);
        let mut sums = Sums::default();
        for _ in 0..RUNS {
            let terms = (stream.uniform().ln() / self.utilization.ln()).floor();
            sums.record_with(self.run(terms, &mut stream) / self.scale, terms);
        }
        sums
    }

    fn run(&self, terms: f64, stream: &mut Stream) -> f64 {
        let (law, t) = (&self.service, self.beyond_s);
        let (mut most, mut sum, mut left) = (0.0_f64, 0.0, terms);
        while left > 1.0 {
            let term = law.residual(stream);
            most = most.max(term);
            sum += term;
            left -= 1.0;
        }
        match self.quantity {
            Quantity::Wait if terms > 0.0 => terms * law.residual_tail(most.max(t - sum)),
            Quantity::Wait => 0.0,
            Quantity::Sojourn if terms > 0.0 => {
                let (service, last) = (law.sample(stream), law.residual(stream));
                let longest_waits = most.max(service).max(t - sum - service);
                terms * law.residual_tail(longest_waits) + law.tail(most.max(last).max(t - sum - last))
            }
            Quantity::Sojourn => law.tail(t),
        }
    }
}
