//! Arrivals whose state is small and holds no chance, so that a path can be copied and go on differently.

use crate::model::{ArrivalProcess, Arrivals, Batch, Shape};
use crate::sampling::{Sampler, Stream};

/// What is fixed of an arrival process: its laws.
#[derive(Debug, Clone)]
pub(super) struct ArrivalLaw {
    process: Process,
    batch: Option<Batch>,
}

#[derive(Debug, Clone)]
enum Process {
    Renewal(Sampler),
    /// Rates, 1/s, and the times spent at each.
    Levels {
        rates: Vec<f64>,
        stays: Vec<Sampler>,
        /// Whether the stays are random.
        random: bool,
        mean_stay_s: Vec<f64>,
    },
    Sinusoid {
        rate: f64,
        amplitude: f64,
        period_s: f64,
    },
}

/// Where an arrival process is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Clock {
    level: u32,
    /// What is left of the level's stay, or the time since the period began, s.
    phase_s: f64,
    /// Jobs of the batch that are still to come.
    together: u64,
}

impl ArrivalLaw {
    /// `None` for arrivals that do not go on for ever, or depend on the queue.
    pub(super) fn new(arrivals: &Arrivals) -> Option<Self> {
        let batch = arrivals.batch();
        let rate = arrivals.rate() / batch.map_or(1.0, Batch::mean);
        let process = match arrivals.process() {
            ArrivalProcess::Mmpp { levels, mean_stay_s } => Process::levels(rate, levels, mean_stay_s, true),
            ArrivalProcess::Piecewise { levels, durations_s } => {
                Process::levels(rate, levels, durations_s, false)
            }
            ArrivalProcess::Sinusoid { amplitude, period_s } => {
                Process::Sinusoid { rate, amplitude: *amplitude, period_s: *period_s }
            }
            process => Process::Renewal(Sampler::new(process.interarrival()?, 1.0 / rate)),
        };
        Some(ArrivalLaw { process, batch })
    }

    /// A clock at a time that is as good as any other: the level in its steady state, the phase at random.
    pub(super) fn start(&self, stream: &mut Stream) -> Clock {
        match &self.process {
            Process::Renewal(_) => Clock::default(),
            Process::Sinusoid { period_s, .. } => {
                Clock { phase_s: stream.uniform() * period_s, ..Clock::default() }
            }
            Process::Levels { stays, random, mean_stay_s, .. } => {
                let mut place = stream.uniform() * mean_stay_s.iter().sum::<f64>();
                let mut level = 0;
                while level + 1 < mean_stay_s.len() && place >= mean_stay_s[level] {
                    place -= mean_stay_s[level];
                    level += 1;
                }
                let left_s = if *random { stays[level].sample(stream) } else { mean_stay_s[level] - place };
                Clock { level: level as u32, phase_s: left_s, together: 0 }
            }
        }
    }

    /// The rate at present, jobs/s, and for how long it stays, s; `None` where it is always the same or always
    /// changes.
    pub(super) fn present(&self, clock: &Clock) -> Option<(f64, f64)> {
        match &self.process {
            Process::Levels { rates, .. } => {
                let batch = self.batch.map_or(1.0, Batch::mean);
                Some((rates[clock.level as usize] * batch, clock.phase_s))
            }
            _ => None,
        }
    }

    /// The time until the next job, s.
    #[inline]
    pub(super) fn gap(&self, clock: &mut Clock, stream: &mut Stream) -> f64 {
        if clock.together > 0 {
            clock.together -= 1;
            return 0.0;
        }
        if let Some(batch) = self.batch {
            clock.together = others(batch, stream);
        }
        match &self.process {
            Process::Renewal(interarrival) => interarrival.sample(stream),
            Process::Levels { rates, stays, .. } => {
                // The integrated rate grows by a standard exponential from one arrival to the next.
                let (mut growth, mut gap_s) = (exponential(stream), 0.0);
                loop {
                    let rate = rates[clock.level as usize];
                    if growth < rate * clock.phase_s {
                        let step_s = growth / rate;
                        clock.phase_s -= step_s;
                        return gap_s + step_s;
                    }
                    growth -= rate * clock.phase_s;
                    gap_s += clock.phase_s;
                    clock.level = (clock.level + 1) % rates.len() as u32;
                    clock.phase_s = stays[clock.level as usize].sample(stream);
                }
            }
            Process::Sinusoid { rate, amplitude, period_s } => {
                // Thinned out of a Poisson process at the highest rate.
                let (most, mut gap_s) = (1.0 + amplitude, 0.0);
                loop {
                    gap_s += exponential(stream) / (rate * most);
                    let turn = std::f64::consts::TAU * (clock.phase_s + gap_s) / period_s;
                    if stream.uniform() * most <= 1.0 + amplitude * turn.sin() {
                        clock.phase_s = (clock.phase_s + gap_s) % period_s;
                        return gap_s;
                    }
                }
            }
        }
    }
}

impl Process {
    fn levels(rate: f64, levels: &[f64], stay_s: &[f64], random: bool) -> Self {
        let cycle_s: f64 = stay_s.iter().sum();
        let mean = levels.iter().zip(stay_s).map(|(level, stay_s)| level * stay_s).sum::<f64>() / cycle_s;
        let shape = if random { Shape::Exponential {} } else { Shape::Deterministic {} };
        Process::Levels {
            rates: levels.iter().map(|level| level * rate / mean).collect(),
            stays: stay_s.iter().map(|stay_s| Sampler::new(shape.clone(), *stay_s)).collect(),
            random,
            mean_stay_s: stay_s.to_vec(),
        }
    }
}

fn exponential(stream: &mut Stream) -> f64 {
    -stream.uniform().ln()
}

/// The other jobs of a batch.
fn others(batch: Batch, stream: &mut Stream) -> u64 {
    match batch {
        Batch::Fixed { mean } => mean as u64 - 1,
        // P(more than n others) = (1 − 1/mean)^(n+1), inverted; a mean of 1 gives the quotient 0.
        Batch::Geometric { mean } => (stream.uniform().ln() / (-1.0 / mean).ln_1p()).floor() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Purpose;

    #[test]
    fn every_process_keeps_its_long_run_rate() {
        let shape = Shape::Erlang { stages: 3 };
        let (levels, stays) = (vec![0.5, 3.0], vec![0.3, 0.1]);
        for (process, batch) in [
            (ArrivalProcess::Renewal { shape }, Some(Batch::Geometric { mean: 4.0 })),
            (ArrivalProcess::Mmpp { levels: levels.clone(), mean_stay_s: stays.clone() }, None),
            (ArrivalProcess::Piecewise { levels, durations_s: stays }, Some(Batch::Fixed { mean: 3.0 })),
            (ArrivalProcess::Sinusoid { amplitude: 0.9, period_s: 0.7 }, None),
        ] {
            let arrivals = Arrivals { rate: crate::model::Rate::Given(20.0), process, batch, first: None };
            let law = ArrivalLaw::new(&arrivals).unwrap();
            let mut stream = Stream::new(4, 0, Purpose::Rare);
            let runs: Vec<f64> = (0..100)
                .map(|_| {
                    let mut clock = law.start(&mut stream);
                    2000.0 / (0..2000).map(|_| law.gap(&mut clock, &mut stream)).sum::<f64>()
                })
                .collect();
            let rate = crate::output::Estimate::of(&runs);
            assert!(rate.half_width < 0.4, "{arrivals:?}: {rate:?}");
            assert!((rate.estimate - 20.0).abs() < 2.0 * rate.half_width + 0.02, "{arrivals:?}: {rate:?}");
        }
    }
}
