//! Multilevel splitting of the steady state: every other queue that is first come, first served.

use super::path::{Entrance, State, System};
use super::sums::Sums;
use crate::estimate::Memory;
use crate::model::Scenario;
use crate::sampling::{Purpose, Stream};
use crate::theory::Relaxation;

/// Paths that start in each level, and entrances to the first that a repetition is to see.
const EFFORT: usize = 1000;
/// Share of the paths of a level that are to reach the next.
const REACH: f64 = 0.2;
/// Share of the jobs beyond the first level.
const BEYOND_FIRST: f64 = 0.2;
/// Jobs of the pilot's steady state.
const PILOT_JOBS: usize = 100_000;
/// Fewest and most jobs of a repetition's steady state.
const JOBS: (f64, f64) = (20_000.0, 500_000.0);
/// Probability with which a path survives that has fallen by another level.
const SURVIVE: f64 = 0.4;
/// What a job counts for at least that is on the far side.
const COUNTS: f64 = 0.2;
/// Share of such jobs above which no levels are needed.
const COMMON: f64 = 0.05;
/// Jobs before the steady state is taken to be reached, at most.
const MOST_WARMUP_JOBS: f64 = 2e6;
/// Levels at most.
const MOST_LEVELS: usize = 300;

/// Fixed-effort splitting on the excursions of a stationary queue above a first level.
///
/// Let h be the importance of the queue that a job meets, L_1 < L_2 < … its levels. Each job with h > L_1
/// belongs to the excursion that began when h last rose above L_1, so
///
/// ```text
/// λ·P = rate of jobs that count below L_1
///     + (rate of entrances to L_1) · Σ_k p_1·…·p_(k-1) · E[jobs that count between entering L_k and L_(k+1)]
/// ```
///
/// with p_k the probability that an excursion in L_k reaches L_(k+1) before it falls to L_1. A run in the
/// steady state gives the rate and the queues at entrances; from those of each level as many paths start,
/// chosen evenly. A path that has fallen below the level under its own is unlikely to matter and long to
/// follow: at each further level it survives by chance, with a larger weight. The estimate of each repetition
/// is unbiased whatever the levels are, once the steady state is reached.
///
/// # References
/// Villén-Altamirano & Villén-Altamirano 1991 (RESTART); Glasserman, Heidelberger, Shahabuddin & Zajic 1999,
/// *Operations Research* 47; Garvels 2000 (fixed effort).
#[derive(Debug, Clone)]
pub(super) struct Splitting {
    system: System,
    levels: Vec<f64>,
    warmup_s: f64,
    window_s: f64,
}

/// Queues at the entrance to a level, with their weights summed up to each.
#[derive(Default)]
struct Entrances {
    total: f64,
    all: Vec<(Entrance, f64)>,
}

impl Entrances {
    fn push(&mut self, entrance: Entrance, weight: f64) {
        self.total += weight;
        self.all.push((entrance, self.total));
    }

    /// The entrance at a place between 0 and 1 of the total weight.
    fn at(&self, place: f64) -> &Entrance {
        let found = self.all.partition_point(|(_, cumulated)| *cumulated < place * self.total);
        &self.all[found.min(self.all.len() - 1)].0
    }
}

/// What becomes of a path.
struct Path {
    /// The queue when it rose above the next level, if it did.
    reached: Option<State>,
    weight: f64,
    /// What its jobs count for, weighted.
    counted: f64,
    highest: f64,
    /// What the job that counts for most does.
    most: f64,
}

/// What is seen of the steady state.
#[derive(Default)]
struct Base {
    /// What the jobs below the first level count for.
    counted: f64,
    entrances: Entrances,
}

impl Splitting {
    /// The splitting of a system whose levels are found by a pilot.
    pub(super) fn new(system: System, scenario: &Scenario) -> Self {
        let mut stream = Stream::of_class(scenario.run().seed(), 0, Purpose::Rare, 1);
        let warmup_s = warmup_jobs(scenario) / system.arrival_rate;
        let mut splitting = Splitting { system, levels: Vec::new(), warmup_s, window_s: 0.0 };
        let Some(first) = splitting.first_level(&mut stream) else {
            splitting.window_s = PILOT_JOBS as f64 / splitting.system.arrival_rate;
            return splitting;
        };
        splitting.levels.push(first);
        splitting.window_s = PILOT_JOBS as f64 / splitting.system.arrival_rate;
        let base = splitting.base(&mut stream);
        let jobs = (EFFORT * PILOT_JOBS) as f64 / base.entrances.all.len().max(1) as f64;
        splitting.further_levels(base, &mut stream);
        splitting.window_s = jobs.clamp(JOBS.0, JOBS.1) / splitting.system.arrival_rate;
        splitting
    }

    /// The number of levels.
    pub(super) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// A repetition by itself.
    pub(super) fn block(&self, seed: u64, number: u32) -> Sums {
        let mut stream = Stream::of_class(seed, number, Purpose::Rare, 2);
        let mut sums = Sums::default();
        sums.record(self.repetition(&mut stream));
        sums
    }

    fn repetition(&self, stream: &mut Stream) -> f64 {
        let Base { mut counted, mut entrances } = self.base(stream);
        for level in 0..self.levels.len() {
            if entrances.all.is_empty() {
                break;
            }
            let (stage, reached) = self.stage(&entrances, level, self.next(level), stream);
            counted += stage;
            entrances = reached;
        }
        counted / (self.system.arrival_rate * self.window_s)
    }

    fn next(&self, level: usize) -> f64 {
        self.levels.get(level + 1).copied().unwrap_or(f64::INFINITY)
    }

    /// A stretch of the steady state.
    fn base(&self, stream: &mut Stream) -> Base {
        let (system, first) = (&self.system, self.levels.first().copied().unwrap_or(f64::INFINITY));
        let mut state = system.empty(stream);
        let (mut base, mut now_s, mut inside) = (Base::default(), -self.warmup_s, false);
        loop {
            now_s += system.arrive(&mut state, stream);
            if now_s >= self.window_s {
                return base;
            }
            let step = system.step(&state, stream);
            let beyond = step.importance > first;
            if beyond && !inside && now_s >= 0.0 {
                base.entrances.push(system.entrance(state.clone(), first), 1.0);
            }
            inside = beyond;
            let counts = system.serve(&mut state, &step);
            if !beyond && now_s >= 0.0 {
                base.counted += counts;
            }
        }
    }

    /// Paths from the entrances to a level: what they count for before the next, and the entrances to that.
    fn stage(&self, from: &Entrances, level: usize, next: f64, stream: &mut Stream) -> (f64, Entrances) {
        let (mut counted, mut reached) = (0.0, Entrances::default());
        let (offset, share) = (stream.uniform(), from.total / EFFORT as f64);
        for number in 0..EFFORT {
            let entrance = from.at((number as f64 + offset) / EFFORT as f64);
            let path = self.follow(entrance, level, next, stream);
            counted += share * path.counted;
            if let Some(state) = path.reached {
                reached.push(self.system.entrance(state, next), share * path.weight);
            }
        }
        (counted, reached)
    }

    /// Follows a path until its importance is above `next`, or it falls to the first level or by bad luck.
    fn follow(&self, from: &Entrance, level: usize, next: f64, stream: &mut Stream) -> Path {
        let (system, mut floor) = (&self.system, level);
        let mut path = Path { reached: None, weight: 1.0, counted: 0.0, highest: 0.0, most: 0.0 };
        let (mut state, mut step) = system.resume(from, stream);
        loop {
            path.highest = path.highest.max(step.importance);
            if step.importance > next {
                path.reached = Some(state);
                return path;
            }
            if step.importance <= self.levels[0] {
                return path;
            }
            while floor > 0 && step.importance <= self.levels[floor - 1] {
                floor -= 1;
                if stream.uniform() > SURVIVE {
                    return path;
                }
                path.weight /= SURVIVE;
            }
            let counts = system.serve(&mut state, &step);
            path.counted += path.weight * counts;
            path.most = path.most.max(counts);
            system.arrive(&mut state, stream);
            step = system.step(&state, stream);
        }
    }

    /// The level that is exceeded by the right share of jobs; `None` if enough of them count without levels.
    fn first_level(&self, stream: &mut Stream) -> Option<f64> {
        let system = &self.system;
        let mut state = system.empty(stream);
        let (mut now_s, mut seen, mut common) = (-self.warmup_s, Vec::with_capacity(PILOT_JOBS), 0);
        while seen.len() < PILOT_JOBS {
            now_s += system.arrive(&mut state, stream);
            let step = system.step(&state, stream);
            let counts = system.serve(&mut state, &step);
            if now_s >= 0.0 {
                seen.push(step.importance);
                common += usize::from(counts > COUNTS);
            }
        }
        if common as f64 > COMMON * PILOT_JOBS as f64 {
            return None;
        }
        seen.sort_by(f64::total_cmp);
        exceeded_by(BEYOND_FIRST, &seen)
    }

    /// Sets level after level where the right share of the paths from the one before arrives, until as many
    /// have a job that counts.
    fn further_levels(&mut self, base: Base, stream: &mut Stream) {
        let Base { mut counted, mut entrances } = base;
        while self.levels.len() < MOST_LEVELS && !entrances.all.is_empty() {
            let level = self.levels.len() - 1;
            let share = entrances.total / EFFORT as f64;
            let place = |number: usize| (number as f64 + 0.5) / EFFORT as f64;
            let paths: Vec<Path> = (0..EFFORT)
                .map(|number| self.follow(entrances.at(place(number)), level, f64::INFINITY, stream))
                .collect();
            counted += share * paths.iter().map(|path| path.counted).sum::<f64>();
            let arrived = paths.iter().filter(|path| path.most > COUNTS).count();
            // Where hardly anything is left to be counted, further levels are of no use either.
            if arrived as f64 >= REACH * EFFORT as f64 || REACH * entrances.total < 1e-4 * counted {
                return;
            }
            let mut highest: Vec<f64> = paths.iter().map(|path| path.highest).collect();
            highest.sort_by(f64::total_cmp);
            let Some(next) = exceeded_by(REACH, &highest).filter(|next| *next > self.levels[level]) else {
                return;
            };
            entrances = self.stage(&entrances, level, next, stream).1;
            self.levels.push(next);
        }
    }
}

/// The value that this share of sorted values exceeds, or somewhat less where values are equal; `None` if all
/// are.
fn exceeded_by(share: f64, sorted: &[f64]) -> Option<f64> {
    let place = ((1.0 - share) * sorted.len() as f64) as usize;
    let most = *sorted.last()?;
    let value = *sorted.get(place)?;
    if value < most {
        return Some(value);
    }
    sorted.iter().rev().copied().find(|value| *value < most)
}

/// Jobs after which an empty queue is as good as stationary, as far as anybody waits for it.
fn warmup_jobs(scenario: &Scenario) -> f64 {
    let memory = Memory::of(scenario);
    let queue_jobs = memory.queue_jobs.map_or(MOST_WARMUP_JOBS, |jobs| Relaxation::WARMUP * jobs);
    queue_jobs.max(5.0 * memory.cycle_jobs).clamp(1e3, MOST_WARMUP_JOBS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_exceeded_by_the_share_asked_for_or_by_the_largest_values() {
        let even: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(exceeded_by(0.2, &even), Some(80.0));
        assert_eq!(exceeded_by(0.2, &[0.0, 0.0, 5.0, 5.0]), Some(0.0));
        assert_eq!(exceeded_by(0.2, &[3.0, 3.0]), None);
        assert_eq!(exceeded_by(0.2, &[]), None);
    }
}
