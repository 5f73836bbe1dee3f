//! What theory knows of the same tail.

use serde::Serialize;

use super::Quantity;
use crate::model::{ArrivalProcess, Scenario, Shape};
use crate::theory::gig1::Gig1;
use crate::theory::gim1::Gim1;
use crate::theory::gimc::Gimc;
use crate::theory::law::Law;
use crate::theory::mdc::Mdc;
use crate::theory::mg1::Mg1;
use crate::theory::mm1::Mm1;
use crate::theory::mmc::Mmc;
use crate::theory::mmpp::MmppM1;

/// A tail by a closed form.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Exact {
    /// The probability.
    pub value: f64,
    /// Where it comes from.
    pub method: &'static str,
}

/// Below this the inversion of a transform without an exponential factor has lost its digits.
const LEAST_INVERTED: f64 = 1e-9;

macro_rules! tail {
    ($queue:expr, $quantity:expr, $beyond_s:expr, $method:literal) => {{
        let queue = $queue.ok()?;
        let value = match $quantity {
            Quantity::Wait => queue.wait_tail($beyond_s),
            Quantity::Sojourn => queue.sojourn_tail($beyond_s),
        };
        Some(Exact { value, method: $method })
    }};
}

/// The tail in closed form, where theory has it to at least three digits.
pub fn exact(scenario: &Scenario, quantity: Quantity, beyond_s: f64) -> Option<Exact> {
    let (arrivals, service, servers) = (scenario.arrivals(), scenario.service(), scenario.queue().servers());
    let central = servers == 1 || scenario.queue().prefetch().is_none_or(|prefetch| prefetch == 1);
    if !scenario.is_plain_fcfs() || arrivals.batch().is_some() || !central {
        return None;
    }
    let (rate, mean, shape) = (arrivals.rate(), service.mean(), service.shape());
    let service_rate = 1.0 / mean;
    let exponential = matches!(shape, Shape::Exponential {});
    if let ArrivalProcess::Mmpp { levels, mean_stay_s } = arrivals.process() {
        let queue = (exponential && servers == 1).then(|| mmpp(rate, levels, mean_stay_s, service_rate))?;
        return tail!(queue, quantity, beyond_s, "exact (MMPP/M/1)");
    }
    match (arrivals.process().interarrival()?, shape) {
        (Shape::Exponential {}, Shape::Exponential {}) if servers == 1 => {
            tail!(Mm1::new(rate, service_rate), quantity, beyond_s, "exact (M/M/1)")
        }
        (Shape::Exponential {}, Shape::Exponential {}) => {
            tail!(Mmc::new(rate, service_rate, servers), quantity, beyond_s, "exact (M/M/c)")
        }
        (Shape::Exponential {}, Shape::Deterministic {}) if (2..=1000).contains(&servers) => {
            tail!(Mdc::new(rate, mean, servers), quantity, beyond_s, "exact (M/D/c)")
        }
        // Many measured values are summarized by moments there, which is not good enough for a tail.
        (Shape::Exponential {}, Shape::Empirical(times)) if times.values().len() > 256 => None,
        (Shape::Exponential {}, shape) if servers == 1 => {
            let queue = Mg1::new(rate, Law::new(shape, mean).ok()?);
            let heavy = queue.as_ref().is_ok_and(|queue| queue.decay_rate().is_none());
            let tail = tail!(queue, quantity, beyond_s, "exact (M/G/1, Pollaczek–Khinchine)");
            tail.filter(|tail| !heavy || tail.value >= LEAST_INVERTED)
        }
        (interarrival, Shape::Exponential {}) if servers == 1 => {
            tail!(Gim1::new(&interarrival, rate, service_rate), quantity, beyond_s, "exact (GI/M/1)")
        }
        (interarrival, Shape::Exponential {}) => {
            tail!(Gimc::new(&interarrival, rate, service_rate, servers), quantity, beyond_s, "exact (GI/M/c)")
        }
        (interarrival, shape) if servers == 1 => {
            let queue = Gig1::new(&interarrival, rate, shape, mean);
            tail!(queue, quantity, beyond_s, "exact (GI/G/1 with rational transforms)")
        }
        _ => None,
    }
}

/// Levels visited in their order, as transition rates.
fn mmpp(
    rate: f64,
    levels: &[f64],
    mean_stay_s: &[f64],
    service_rate: f64,
) -> Result<MmppM1, crate::theory::TheoryError> {
    let cycle_s: f64 = mean_stay_s.iter().sum();
    let mean = levels.iter().zip(mean_stay_s).map(|(level, stay_s)| level * stay_s).sum::<f64>() / cycle_s;
    let rates: Vec<f64> = levels.iter().map(|level| level * rate / mean).collect();
    let count = levels.len();
    let switch = |from: usize, to: usize| {
        if count > 1 && to == (from + 1) % count { 1.0 / mean_stay_s[from] } else { 0.0 }
    };
    let switching: Vec<Vec<f64>> =
        (0..count).map(|from| (0..count).map(|to| switch(from, to)).collect()).collect();
    MmppM1::new(&rates, &switching, service_rate)
}
