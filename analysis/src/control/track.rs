//! A quantity under its two charts.

use std::collections::VecDeque;
use std::sync::Arc;

use sim::output::{quantile_of_sorted, sorted};

use super::design::Design;
use super::scores::Scores;
use super::seen::Reference;
use super::signal::{Direction, Method, Quantity, Signal};
use crate::statistics::ljung_box;

/// Batches that are tried, in jobs.
const BATCHES: [usize; 6] = [1, 2, 5, 10, 20, 50];

/// Batches of phase I that must remain.
const FEWEST_BATCHES: usize = 100;

/// Lags at which batches are tested for dependence, and the p-value from which they count as independent.
const LAGS: usize = 10;
const INDEPENDENT: f64 = 0.01;

/// Strata of a quantity: what decides when a job could start (idle path, turnaround, hand-over).
const STRATA: usize = 3;

/// Values that are kept to say where a change went.
const KEPT: usize = 10_000;

/// The value of one job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Value {
    pub job: u64,
    pub at_s: f64,
    /// What is charted, s.
    pub value_s: f64,
    /// What its law depends on, known before the job.
    pub stratum: usize,
}

impl Value {
    /// The value less a tolerance, as it is, and with the tolerance more.
    fn around(&self, tolerance_s: f64) -> [f64; 3] {
        [self.value_s - tolerance_s, self.value_s, self.value_s + tolerance_s]
    }
}

/// One point of both charts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When the last of its jobs was done, s.
    pub at_s: f64,
    /// The moving average for higher values, and that for lower ones.
    pub ewma: [f64; 2],
    /// The sum for higher values, and that for lower ones.
    pub cusum: [f64; 2],
}

/// A sum or an average, and since when it has been above zero.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    value: f64,
    since: Option<Begun>,
}

/// A job, the instant at which it was done, and which of all values of the track is its.
type Begun = (u64, f64, u64);

impl Level {
    /// Goes on to a value; after zero it begins anew with this job.
    fn go(&mut self, value: f64, first: Begun) {
        self.since = if value == 0.0 { None } else { self.since.or(Some(first)) };
        self.value = value;
    }
}

/// A quantity with its charts.
pub(super) struct Track {
    pub quantity: Quantity,
    pub design: Arc<Design>,
    /// Jobs in a point.
    pub batch: usize,
    /// Whether even the largest batches of phase I were not independent.
    pub is_dependent: bool,
    /// Median of phase I, s.
    pub median_s: f64,
    pub points: Vec<Point>,
    /// What the charts compare with when phase I is over.
    pub reference: Reference,
    /// Whether values are what services exceed their demands by.
    is_beyond_demand: bool,
    scores: Scores,
    of_batches: Scores,
    tolerance_s: f64,
    pending: Vec<(Value, [f64; 3])>,
    averages: [Level; 2],
    sums: [Level; 2],
    recent: VecDeque<Value>,
    /// Values so far.
    count: u64,
}

impl Track {
    /// Charts of a quantity after phase I, `of_points` for points of so many jobs, and the signals that they would have
    /// given in it.
    pub fn new(
        (quantity, is_beyond_demand): (Quantity, bool),
        phase_one: &[Value],
        tolerance_s: f64,
        of_points: impl Fn(f64) -> Arc<Design>,
        seed: u64,
    ) -> (Self, Vec<Signal>) {
        let mut scores = Scores::new(STRATA, seed);
        let scored: Vec<[f64; 3]> =
            phase_one.iter().map(|value| scores.push(value.stratum, value.around(tolerance_s))).collect();
        // What the charts see of a score is how far it is on their side of zero, beyond the tolerance.
        let longer: Vec<f64> = scored.iter().map(|scores| scores[0].max(0.0)).collect();
        let shorter: Vec<f64> = scored.iter().map(|scores| scores[2].min(0.0)).collect();
        let (batch, is_dependent) = batch(&longer).max(batch(&shorter));
        let values = sorted(phase_one.iter().map(|value| value.value_s).collect());
        let mut track = Track {
            quantity,
            design: of_points(batch as f64),
            batch,
            is_dependent,
            median_s: quantile_of_sorted(&values, 0.5).unwrap_or(f64::NAN),
            points: Vec::new(),
            reference: Reference { strata: scores.sizes(), batch, batches: 0 },
            is_beyond_demand,
            scores,
            of_batches: Scores::new(1, seed ^ 1),
            tolerance_s,
            pending: Vec::new(),
            averages: [Level::default(); 2],
            sums: [Level::default(); 2],
            recent: VecDeque::new(),
            count: 0,
        };
        let signals =
            phase_one.iter().zip(scored).flat_map(|(value, scores)| track.score(*value, scores)).collect();
        track.reference.batches = track.of_batches.sizes().iter().sum();
        // What was seen in phase I is no beginning of what comes.
        (track.averages, track.sums) = ([Level::default(); 2], [Level::default(); 2]);
        track.pending.clear();
        track.points.clear();
        track.recent.clear();
        (track, signals)
    }

    /// One more job, and what the charts say.
    pub fn push(&mut self, value: Value) -> Vec<Signal> {
        let scores = self.scores.push(value.stratum, value.around(self.tolerance_s));
        let signals = self.score(value, scores);
        if !signals.is_empty() {
            self.scores.close();
            self.of_batches.close();
        }
        signals
    }

    fn score(&mut self, value: Value, scores: [f64; 3]) -> Vec<Signal> {
        self.count += 1;
        self.recent.push_back(value);
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
        self.pending.push((value, scores));
        if self.pending.len() < self.batch {
            return Vec::new();
        }
        let first = self.pending[0].0;
        let begun = (first.job, first.at_s, self.count + 1 - self.batch as u64);
        let mean =
            |n: usize| self.pending.iter().map(|(_, scores)| scores[n]).sum::<f64>() / self.batch as f64;
        let means: [f64; 3] = std::array::from_fn(mean);
        self.pending.clear();
        let scores = if self.batch == 1 { means } else { self.of_batches.push(0, means) };
        self.point(value, begun, [scores[0], scores[2]])
    }

    /// One more point of the charts, by its scores for higher and for lower values; a chart that signals begins anew.
    fn point(&mut self, last: Value, first: Begun, scores: [f64; 2]) -> Vec<Signal> {
        let (ewma, cusum, signs) = (self.design.ewma, self.design.cusum, [1.0, -1.0]);
        for side in [0, 1] {
            let (average, sum) = (&mut self.averages[side], &mut self.sums[side]);
            average.go(ewma.next(average.value, signs[side] * scores[side]), first);
            sum.go(cusum.next(sum.value, signs[side] * scores[side]), first);
        }
        let values = |levels: [Level; 2]| levels.map(|level| level.value);
        let (averages, sums) = (values(self.averages), values(self.sums));
        self.points.push(Point { at_s: last.at_s, ewma: averages, cusum: sums });
        let mut beyond = Vec::new();
        for (side, direction) in [Direction::Up, Direction::Down].into_iter().enumerate() {
            let (average, sum) = (self.averages[side], self.sums[side]);
            if average.value > ewma.end() {
                beyond.push((Method::Ewma, direction, average.since));
                self.averages[side] = Level::default();
            }
            if sum.value > cusum.limit {
                beyond.push((Method::Cusum, direction, sum.since));
                self.sums[side] = Level::default();
            }
        }
        let signal = |(method, direction, since)| self.signal(method, direction, since, last);
        beyond.into_iter().map(signal).collect()
    }

    fn signal(&self, method: Method, direction: Direction, since: Option<Begun>, last: Value) -> Signal {
        let (changed_job, changed_at_s, place) = since.unwrap_or((last.job, last.at_s, self.count));
        let concerned = self.recent.iter().filter(|value| value.at_s >= changed_at_s);
        let values = sorted(concerned.map(|value| value.value_s).collect());
        Signal {
            quantity: self.quantity,
            method,
            direction,
            job: last.job,
            at_s: last.at_s,
            changed_job,
            changed_at_s,
            jobs_since_change: self.count + 1 - place,
            is_beyond_demand: self.is_beyond_demand,
            before: self.median_s,
            after: quantile_of_sorted(&values, 0.5).unwrap_or(f64::NAN),
        }
    }
}

/// The smallest batches of scores whose means are not told from independent ones, and whether there are none.
fn batch(scores: &[f64]) -> (usize, bool) {
    let possible = BATCHES.iter().copied().filter(|size| *size == 1 || scores.len() / size >= FEWEST_BATCHES);
    let mut largest = 1;
    for size in possible {
        let means: Vec<f64> =
            scores.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
        if ljung_box(&means, LAGS).is_none_or(|test| test.p_value > INDEPENDENT) {
            return (size, false);
        }
        largest = size;
    }
    (largest, true)
}

#[cfg(test)]
mod tests {
    use sim::normal;
    use sim::sampling::{Purpose, Stream};

    use super::*;

    #[test]
    fn what_depends_on_its_past_is_batched() {
        let mut stream = Stream::new(4, 0, Purpose::Resampling);
        let mut normal = || normal::quantile(stream.uniform());
        let independent: Vec<f64> = (0..2_000).map(|_| normal()).collect();
        assert_eq!(batch(&independent), (1, false));
        let mut now = 0.0;
        let mut next = || {
            now = 0.6 * now + normal();
            now
        };
        let remembering: Vec<f64> = (0..5_000).map(|_| next()).collect();
        let (size, is_dependent) = batch(&remembering);
        assert!((5..=50).contains(&size) && !is_dependent, "{size}");
        let drifting: Vec<f64> = independent.iter().enumerate().map(|(n, z)| z + n as f64 * 1e-3).collect();
        assert!(batch(&drifting).1);
    }
}
