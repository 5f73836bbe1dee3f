//! The overheads of a real pipeline that the textbook leaves out.

use std::sync::Arc;

use super::Shape;

/// The four overhead terms of the FCFS recursion, as constants in seconds.
///
/// ```text
/// ready_n = max(due_n + idle_path, ready_{n-1}, done_{n-k} + turnaround)
/// start_n = max(ready_n, done_{n-1} + hand_over)
/// done_n  = start_n + S_n + overshoot
/// ```
///
/// They are sums of legs that a client can measure; the broker's own dispatch instant is never seen.
/// [`Terms::IDEAL`] has all four at zero and is the textbook's queue.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Terms {
    /// From a job's due time to the instant an idle consumer could start it, s.
    pub idle_path_s: f64,
    /// From the end of a job to the instant the broker's next job could start in its place, s.
    pub turnaround_s: f64,
    /// From the end of a job to the start of one that the consumer already holds, s.
    pub hand_over_s: f64,
    /// How much longer than demanded a service takes, s.
    pub overshoot_s: f64,
}

impl Terms {
    /// No overhead at all.
    pub const IDEAL: Terms =
        Terms { idle_path_s: 0.0, turnaround_s: 0.0, hand_over_s: 0.0, overshoot_s: 0.0 };
}

/// One overhead term, the same for every job or drawn anew for each.
#[derive(Debug, Clone, PartialEq)]
pub enum Overhead {
    /// The same for every job, s.
    Constant(f64),
    /// Drawn from a shape with this mean in seconds.
    Shaped(f64, Shape),
    /// Drawn from measured values, s, each as often as the others; never empty.
    Samples(Arc<[f64]>),
}

impl Overhead {
    /// Mean, s.
    pub fn mean_s(&self) -> f64 {
        match self {
            Overhead::Constant(mean_s) | Overhead::Shaped(mean_s, _) => *mean_s,
            Overhead::Samples(values) => values.iter().sum::<f64>() / values.len() as f64,
        }
    }

    /// The same law with another mean, s: every value in proportion.
    #[must_use]
    pub fn with_mean(&self, mean_s: f64) -> Self {
        let present_s = self.mean_s();
        match self {
            Overhead::Shaped(_, shape) => Overhead::Shaped(mean_s, shape.clone()),
            Overhead::Samples(values) if present_s > 0.0 && mean_s > 0.0 => {
                Overhead::Samples(values.iter().map(|value| value * (mean_s / present_s)).collect())
            }
            _ => Overhead::Constant(mean_s),
        }
    }
}

/// The four overhead terms of the recursion, each constant or varying; see [`Terms`] for their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Overheads {
    /// From a job's due time to the instant an idle consumer could start it.
    pub idle_path: Overhead,
    /// From the end of a job to the instant the broker's next job could start in its place.
    pub turnaround: Overhead,
    /// From the end of a job to the start of one that the consumer already holds.
    pub hand_over: Overhead,
    /// How much longer than demanded a service takes.
    pub overshoot: Overhead,
}

impl Overheads {
    /// The means as constants.
    pub fn means(&self) -> Terms {
        Terms {
            idle_path_s: self.idle_path.mean_s(),
            turnaround_s: self.turnaround.mean_s(),
            hand_over_s: self.hand_over.mean_s(),
            overshoot_s: self.overshoot.mean_s(),
        }
    }

    /// The terms if all of them are constants.
    pub fn constants(&self) -> Option<Terms> {
        let all = [&self.idle_path, &self.turnaround, &self.hand_over, &self.overshoot];
        all.iter().all(|term| matches!(term, Overhead::Constant(_))).then(|| self.means())
    }
}

impl From<Terms> for Overheads {
    fn from(terms: Terms) -> Self {
        Overheads {
            idle_path: Overhead::Constant(terms.idle_path_s),
            turnaround: Overhead::Constant(terms.turnaround_s),
            hand_over: Overhead::Constant(terms.hand_over_s),
            overshoot: Overhead::Constant(terms.overshoot_s),
        }
    }
}
