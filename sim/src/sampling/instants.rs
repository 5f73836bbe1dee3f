//! Arrival instants.

use std::sync::Arc;

use super::draws::Draws;
use super::{Purpose, Sampler, Stream};
use crate::model::{ArrivalProcess, Arrivals, Batch, Shape};

/// The instants at which the jobs of one class are due, in order; several may be the same.
///
/// Rates that vary are followed exactly: the next instant is where the integrated rate has grown by a
/// standard exponential (levels), or is thinned out of a faster Poisson process (sinusoid); time is
/// never cut into steps.
///
/// # References
/// Çınlar 1975, *Introduction to Stochastic Processes*, §4.7 (inversion); Lewis & Shedler 1979, *Naval
/// Research Logistics* 26 (thinning).
#[derive(Debug, Clone)]
pub struct Instants {
    modulation: Stream,
    process: Process,
    batches: Option<(Batch, Stream)>,
    now_s: f64,
    together: u64,
}

#[derive(Debug, Clone)]
enum Process {
    Renewal(Draws),
    Levels(Levels, Draws),
    Sinusoid { growth: Draws, most: f64, amplitude: f64, turn: f64 },
    Trace { instants_s: Arc<[f64]>, next: usize },
}

/// A rate that stays at one level after another, round and round.
#[derive(Debug, Clone)]
struct Levels {
    /// Events/s in each level.
    rates: Vec<f64>,
    /// Mean time in each level, s.
    stays: Vec<Sampler>,
    level: usize,
    left_s: f64,
}

impl Instants {
    /// The instants of the `class`-th class in one replication.
    ///
    /// A finite source has none of its own: its jobs come when others go.
    pub fn new(arrivals: &Arrivals, seed: u64, replication: u32, class: u32) -> Self {
        let stream = |purpose| Stream::of_class(seed, replication, purpose, class);
        let batch = arrivals.batch();
        let rate = arrivals.rate() / batch.map_or(1.0, Batch::mean);
        let mut modulation = stream(Purpose::Modulation);
        let draws = |shape, mean| Draws::new(Sampler::new(shape, mean), stream(Purpose::Arrivals));
        // What the integrated rate grows by until the next arrival.
        let growth = || draws(Shape::Exponential {}, 1.0);
        let process = match arrivals.process() {
            ArrivalProcess::Poisson {} => Process::Renewal(draws(Shape::Exponential {}, 1.0 / rate)),
            ArrivalProcess::Renewal { shape } => Process::Renewal(draws(shape.clone(), 1.0 / rate)),
            ArrivalProcess::Mmpp { levels, mean_stay_s } => {
                Process::Levels(Levels::random(rate, levels, mean_stay_s, &mut modulation), growth())
            }
            ArrivalProcess::Piecewise { levels, durations_s } => {
                Process::Levels(Levels::timetable(rate, levels, durations_s), growth())
            }
            ArrivalProcess::Sinusoid { amplitude, period_s } => {
                let turn = std::f64::consts::TAU / period_s;
                Process::Sinusoid {
                    growth: growth(),
                    most: rate * (1.0 + amplitude),
                    amplitude: *amplitude,
                    turn,
                }
            }
            ArrivalProcess::Trace(trace) => {
                Process::Trace { instants_s: Arc::clone(&trace.instants_s), next: 0 }
            }
            ArrivalProcess::FiniteSource { .. } => Process::Trace { instants_s: Arc::new([]), next: 0 },
        };
        Instants {
            modulation,
            process,
            batches: batch.map(|batch| (batch, stream(Purpose::Batches))),
            now_s: 0.0,
            together: 0,
        }
    }

    /// The next instant, s; infinite when there is none.
    #[inline]
    pub fn next_instant(&mut self) -> f64 {
        if self.together > 0 {
            self.together -= 1;
            return self.now_s;
        }
        match &mut self.process {
            Process::Renewal(interarrival) => self.now_s += interarrival.next_time(),
            Process::Levels(levels, growth) => {
                self.now_s = levels.advance(self.now_s, growth.next_time(), &mut self.modulation);
            }
            Process::Sinusoid { growth, most, amplitude, turn } => loop {
                self.now_s += growth.next_time() / *most;
                let rate = 1.0 + *amplitude * libm::sin(*turn * self.now_s);
                if self.modulation.uniform() * (1.0 + *amplitude) <= rate {
                    break;
                }
            },
            Process::Trace { instants_s, next } => {
                self.now_s = instants_s.get(*next).copied().unwrap_or(f64::INFINITY);
                *next += 1;
            }
        }
        if let Some((batch, stream)) = &mut self.batches {
            self.together = size(*batch, stream) - 1;
        }
        self.now_s
    }
}

/// Number of jobs in the next batch, at least 1.
fn size(batch: Batch, stream: &mut Stream) -> u64 {
    match batch {
        Batch::Fixed { mean } => mean as u64,
        // P(X > n) = (1 − 1/mean)ⁿ, inverted; a mean of 1 gives ln 0 = −∞ and the quotient 0.
        Batch::Geometric { mean } => {
            1 + (libm::log(stream.uniform()) / libm::log1p(-1.0 / mean)).floor() as u64
        }
    }
}

impl Levels {
    /// Levels with exponential stays, in the steady state at time 0.
    fn random(rate: f64, levels: &[f64], mean_stay_s: &[f64], modulation: &mut Stream) -> Self {
        let mut place = modulation.uniform() * mean_stay_s.iter().sum::<f64>();
        let found = mean_stay_s.iter().position(|stay_s| {
            place -= stay_s;
            place < 0.0
        });
        let level = found.unwrap_or(levels.len() - 1);
        let mut levels = Levels::new(rate, levels, mean_stay_s, Shape::Exponential {}, level);
        levels.left_s = levels.stays[level].sample(modulation);
        levels
    }

    /// Levels with fixed stays, the first of which begins at time 0.
    fn timetable(rate: f64, levels: &[f64], durations_s: &[f64]) -> Self {
        Levels::new(rate, levels, durations_s, Shape::Deterministic {}, 0)
    }

    fn new(rate: f64, levels: &[f64], stay_s: &[f64], shape: Shape, level: usize) -> Self {
        let cycle_s: f64 = stay_s.iter().sum();
        let mean = levels.iter().zip(stay_s).map(|(level, stay_s)| level * stay_s).sum::<f64>() / cycle_s;
        Levels {
            rates: levels.iter().map(|level| level * rate / mean).collect(),
            stays: stay_s.iter().map(|stay_s| Sampler::new(shape.clone(), *stay_s)).collect(),
            level,
            left_s: stay_s[level],
        }
    }

    /// The instant at which the integrated rate has grown by `growth` since `now_s`.
    fn advance(&mut self, mut now_s: f64, mut growth: f64, modulation: &mut Stream) -> f64 {
        loop {
            let rate = self.rates[self.level];
            if growth < rate * self.left_s {
                let step_s = growth / rate;
                self.left_s -= step_s;
                return now_s + step_s;
            }
            growth -= rate * self.left_s;
            now_s += self.left_s;
            self.level = (self.level + 1) % self.rates.len();
            self.left_s = self.stays[self.level].sample(modulation);
        }
    }
}
