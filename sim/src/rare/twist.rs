//! Siegmund's exponential twisting: one server, light-tailed services, independent interarrival times.

use super::Quantity;
use super::sums::Sums;
use super::tilted::{Tilted, log_moment};
use crate::model::Shape;
use crate::sampling::{Purpose, Stream};

/// Runs in a block.
const RUNS: u32 = 16;

/// The random walk of services less interarrival times under the law that drives it up.
///
/// The wait has the law of the maximum of the walk X_n = Σ (S_i − A_i). With γ > 0 such that E e^(γS)·E
/// e^(−γA) = 1, and S and A drawn from e^(γs)dF and e^(−γa)dG, the walk passes every t for certain, and
///
/// ```text
/// P(wait > t) = E~ e^(−γ·X_τ),   τ = min {n: X_n > t}
/// ```
///
/// A sojourn is the same walk with a service as its start. What γ misses of the root is made good by the
/// factor (E e^(γS)·E e^(−γA))^τ, so the mean is exact whatever it misses.
///
/// # References
/// Siegmund 1976, *Annals of Statistics* 4; Asmussen & Glynn 2007, *Stochastic Simulation*, VI.
#[derive(Debug, Clone)]
pub(super) struct Twist {
    root: f64,
    service: Tilted,
    interarrival: Tilted,
    quantity: Quantity,
    beyond_s: f64,
}

impl Twist {
    /// The twist of interarrival and service times, each a shape and a mean; `None` where there is no root.
    pub(super) fn new(
        interarrival: (&Shape, f64),
        service: (&Shape, f64),
        quantity: Quantity,
        beyond_s: f64,
    ) -> Option<Self> {
        let growth = |rate: f64| {
            log_moment(service.0, rate * service.1) + log_moment(interarrival.0, -rate * interarrival.1)
        };
        let root = root(growth, 1.0 / service.1)?;
        Some(Twist {
            root,
            service: Tilted::new(service.0, service.1, root),
            interarrival: Tilted::new(interarrival.0, interarrival.1, -root),
            quantity,
            beyond_s,
        })
    }

    /// γ, the rate at which the tail falls, 1/s.
    #[cfg(test)]
    pub(super) fn decay_rate(&self) -> f64 {
        self.root
    }

    /// What a run's value has to be multiplied by: e^(−γt), which is kept out of the sums.
    pub(super) fn scale(&self) -> f64 {
        (-self.root * self.beyond_s).exp()
    }

    /// Most blocks in so many runs.
    pub(super) fn blocks(runs: u64) -> u32 {
        u32::try_from(runs / u64::from(RUNS)).unwrap_or(u32::MAX).max(1)
    }

    /// A block of runs.
    pub(super) fn block(&self, seed: u64, number: u32) -> Sums {
        let mut stream = Stream::new(seed, number, Purpose::Rare);
        let mut sums = Sums::default();
        (0..RUNS).for_each(|_| sums.record(self.run(&mut stream)));
        sums
    }

    fn run(&self, stream: &mut Stream) -> f64 {
        let (mut walk, mut log_weight) = match self.quantity {
            Quantity::Wait => (0.0, 0.0),
            Quantity::Sojourn => (self.service.sample(stream), self.service.log_moment),
        };
        let missed = self.service.log_moment + self.interarrival.log_moment;
        while walk <= self.beyond_s {
            walk += self.service.sample(stream) - self.interarrival.sample(stream);
            log_weight += missed;
        }
        (log_weight - self.root * (walk - self.beyond_s)).exp()
    }
}

/// The positive root of a convex function that is 0 at 0 and falls there; from below, so that it is finite.
fn root(growth: impl Fn(f64) -> f64, guess: f64) -> Option<f64> {
    let mut high = guess;
    while growth(high) < 0.0 {
        high *= 2.0;
        if high > 1e9 * guess {
            return None;
        }
    }
    let mut low = 0.0;
    for _ in 0..2000 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        *(if growth(middle) < 0.0 { &mut low } else { &mut high }) = middle;
    }
    (low > 0.0).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_mm1_is_the_gap_between_the_rates() {
        let exponential = Shape::Exponential {};
        let twist =
            Twist::new((&exponential, 1.0 / 160.0), (&exponential, 0.005), Quantity::Wait, 0.5).unwrap();
        assert!((twist.decay_rate() - 40.0).abs() < 1e-10, "{}", twist.decay_rate());
    }

    #[test]
    fn services_that_cannot_outlast_an_interval_have_no_root() {
        let (constant, exponential) = (Shape::Deterministic {}, Shape::Exponential {});
        assert!(Twist::new((&constant, 1.0), (&constant, 0.9), Quantity::Wait, 0.5).is_none());
        assert!(Twist::new((&constant, 1.0), (&exponential, 0.9), Quantity::Wait, 0.5).is_some());
    }
}
