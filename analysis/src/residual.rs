//! One-step residuals: what the recursion cannot explain, job by job.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::model::{JobRecord, Terms};
use sim::output::{quantile_of_sorted, sorted};

use crate::pair::Pair;

/// Pauses that are listed.
const LISTED: usize = 8;

/// A residual shorter than this many times the 99 % quantile of all is no pause, but what this system usually does.
const UNUSUAL: f64 = 3.0;

/// What is left of each start when its job's whole past is known.
///
/// ```text
/// g_n = start_n - max(sent_n + i, done_{n-k} + t, done_{n-1} + h)
/// ```
///
/// with i, t, h fitted on this very run, and n − 1, n − k the jobs before on the same consumer. Unlike waits, the g_n
/// do not inherit anything from one another: a pause of 200 ms is one large g, not a busy period of long waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Residuals {
    /// Median, s.
    pub p50_s: f64,
    /// 99 % quantile, s.
    pub p99_s: f64,
    /// Correlation of one residual with the next: near 0 if the recursion explains what jobs do to one another.
    pub lag1_correlation: f64,
    /// The longest, each with what coincided; longest first.
    pub pauses: Vec<Pause>,
    /// When each job was due and its residual, s, in the order of starts: for plots.
    #[serde(skip)]
    pub series: Vec<(f64, f64)>,
}

/// A start that came much later than the past of its job explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pause {
    /// The job that was held up.
    pub job: u64,
    /// When it could have started, s since the run's origin.
    pub at_s: f64,
    /// How much later it did, s.
    pub lasted_s: f64,
    /// The leg of its way that took unusually long.
    pub coincided: Leg,
    /// How much longer than usual that leg was, s.
    pub leg_excess_s: f64,
    /// Jobs of other consumers that were held up at the same time: with some, it was the machine or the broker.
    pub others: usize,
    /// Jobs that waited longer because of it: those that came before the consumer was idle again.
    pub delayed_jobs: usize,
}

/// A leg of a job's way from its due time to its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// From the instant it was sent to the request being read by the API.
    Request,
    /// From there to the broker's confirm: where a quorum queue writes to its disk.
    Confirm,
    /// From the instant the broker could deliver to the delivery.
    Delivery,
    /// From delivery, or the end of the job before, to the start: the consumer's own.
    Consumer,
}

impl Leg {
    const ALL: [Leg; 4] = [Leg::Request, Leg::Confirm, Leg::Delivery, Leg::Consumer];

    /// In words.
    pub fn says(self) -> &'static str {
        match self {
            Leg::Request => "the request reached the API late",
            Leg::Confirm => "the broker confirmed late (its disk, or its processor)",
            Leg::Delivery => "the broker delivered late",
            Leg::Consumer => "the consumer began late, with the job in its hands",
        }
    }
}

/// A served job in the order of its consumer.
pub(crate) struct Step<'r> {
    record: &'r JobRecord,
    start_s: f64,
    /// When it could have started.
    ready_s: f64,
    /// When the consumer had a place for it.
    place_s: f64,
    /// When the job before it was done.
    before_s: f64,
    /// Which of idle path, turnaround and hand-over decided when it could have started: 0, 1 or 2.
    pub(crate) decided_by: usize,
}

impl Step<'_> {
    /// How much later it started, s.
    pub(crate) fn residual_s(&self) -> f64 {
        self.start_s - self.ready_s
    }

    /// How long each leg took, s; zero where an instant is not known.
    fn legs_s(&self) -> [f64; 4] {
        let record = self.record;
        let between =
            |from: Option<f64>, to: Option<f64>| to.zip(from).map_or(0.0, |(to, from)| (to - from).max(0.0));
        let deliverable = record.accepted_s.or(record.sent_s).map(|accepted| accepted.max(self.place_s));
        let in_hand = record.delivered_s.map(|delivered| delivered.max(self.before_s));
        [
            between(record.sent_s, record.accepted_s),
            between(record.accepted_s, record.confirmed_s),
            between(deliverable, record.delivered_s),
            between(in_hand, Some(self.start_s)),
        ]
    }
}

/// The residuals of the judged jobs; `None` where the run does not tell its overheads.
pub fn residuals(pair: &Pair) -> Option<Residuals> {
    let prefetch = pair.observed.scenario.effective_prefetch();
    let terms = fit_run(pair.judged(), prefetch, Origin::Sent).ok()?.terms();
    let mut steps = steps(pair.observed.jobs.iter(), prefetch as usize, terms);
    // The first judged jobs have a past, too.
    steps.retain(|step| !step.record.warmup && step.record.job >= pair.judged_from);
    let ascending = sorted(steps.iter().map(Step::residual_s).collect());
    let p99_s = quantile_of_sorted(&ascending, 0.99)?;
    Some(Residuals {
        p50_s: quantile_of_sorted(&ascending, 0.5)?,
        p99_s,
        lag1_correlation: lag1_correlation(&steps),
        pauses: pauses(&steps, (UNUSUAL * p99_s).max(terms.idle_path_s)),
        series: steps.iter().map(|step| (step.record.due_s, step.residual_s())).collect(),
    })
}

/// The jobs in the order of their starts, each with what its consumer's past allows.
fn steps<'r>(records: impl Iterator<Item = &'r JobRecord>, prefetch: usize, terms: Terms) -> Vec<Step<'r>> {
    let mut served: Vec<(&JobRecord, f64)> =
        records.filter_map(|record| Some((record, record.start_s?))).collect();
    served.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut past = Past::new(prefetch, terms);
    served.into_iter().filter_map(|(record, _)| past.step(record)).collect()
}

/// What each consumer has done so far.
pub(crate) struct Past {
    prefetch: usize,
    terms: Terms,
    /// Ends of the jobs whose places are not taken again yet.
    held: HashMap<u32, VecDeque<f64>>,
}

impl Past {
    /// Consumers that have done nothing yet.
    pub(crate) fn new(prefetch: usize, terms: Terms) -> Self {
        Past { prefetch, terms, held: HashMap::new() }
    }

    /// The next job of its consumer; `None` for one that was not served.
    pub(crate) fn step<'r>(&mut self, record: &'r JobRecord) -> Option<Step<'r>> {
        let (start_s, done_s) = (record.start_s?, record.done_s?);
        let ends_s = self.held.entry(record.server.unwrap_or(0)).or_default();
        let before_s = ends_s.back().copied().unwrap_or(f64::NEG_INFINITY);
        let place_s = if ends_s.len() < self.prefetch {
            f64::NEG_INFINITY
        } else {
            ends_s.pop_front().unwrap_or(f64::NEG_INFINITY)
        };
        ends_s.push_back(done_s);
        let sent_s = record.sent_s.unwrap_or(record.due_s);
        let Terms { idle_path_s, turnaround_s, hand_over_s, .. } = self.terms;
        let possible_s = [sent_s + idle_path_s, place_s + turnaround_s, before_s + hand_over_s];
        let latest = possible_s.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let (decided_by, ready_s) = latest.expect("there are three");
        Some(Step { record, start_s, ready_s, place_s, before_s, decided_by })
    }
}

fn lag1_correlation(steps: &[Step<'_>]) -> f64 {
    let count = steps.len() as f64;
    let mean = steps.iter().map(Step::residual_s).sum::<f64>() / count;
    let apart = |step: &Step<'_>| step.residual_s() - mean;
    let variance: f64 = steps.iter().map(|step| apart(step).powi(2)).sum();
    let product: f64 = steps.windows(2).map(|pair| apart(&pair[0]) * apart(&pair[1])).sum();
    if variance > 0.0 { product / variance } else { 0.0 }
}

fn pauses(steps: &[Step<'_>], unusual_s: f64) -> Vec<Pause> {
    let mut long: Vec<usize> = (0..steps.len()).filter(|n| steps[*n].residual_s() > unusual_s).collect();
    long.sort_by(|a, b| steps[*b].residual_s().total_cmp(&steps[*a].residual_s()));
    let usual_s = usual_legs(steps);
    let overlaps = |a: &Step<'_>, b: &Step<'_>| a.ready_s < b.start_s && b.ready_s < a.start_s;
    let pause = |&n: &usize| {
        let step = &steps[n];
        let excess = step.legs_s().into_iter().zip(usual_s).map(|(leg, usual)| leg - usual);
        let (coincided, leg_excess_s) =
            Leg::ALL.into_iter().zip(excess).max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are legs");
        let others = long.iter().filter(|m| **m != n && steps[**m].record.server != step.record.server);
        Pause {
            job: step.record.job,
            at_s: step.ready_s,
            lasted_s: step.residual_s(),
            coincided,
            leg_excess_s,
            others: others.filter(|m| overlaps(step, &steps[**m])).count(),
            delayed_jobs: delayed(&steps[n..]),
        }
    };
    long.iter().take(LISTED).map(pause).collect()
}

/// How many of the jobs that follow on the consumer of the first one wait behind it.
fn delayed(steps: &[Step<'_>]) -> usize {
    let server = steps[0].record.server;
    let mut same = steps.iter().filter(|step| step.record.server == server);
    let mut busy_until_s = same.next().and_then(|step| step.record.done_s).unwrap_or(f64::NEG_INFINITY);
    let waits = |step: &&Step<'_>| {
        let queued = step.record.due_s < busy_until_s;
        busy_until_s = step.record.done_s.unwrap_or(busy_until_s);
        queued
    };
    1 + same.take_while(waits).count()
}

/// Median of each leg, s.
fn usual_legs(steps: &[Step<'_>]) -> [f64; 4] {
    let legs: Vec<[f64; 4]> = steps.iter().map(Step::legs_s).collect();
    std::array::from_fn(|n| {
        quantile_of_sorted(&sorted(legs.iter().map(|leg| leg[n]).collect()), 0.5).unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use sim::engine::trajectory;

    use super::*;

    const TERMS: Terms =
        Terms { idle_path_s: 0.9e-3, turnaround_s: 0.45e-3, hand_over_s: 0.0, overshoot_s: 0.0 };

    /// Records of one consumer at prefetch 1, each job delivered when it is ready; `pause_s` is added to the start
    /// of a job's service, and all that follows feels it.
    fn records(pause_s: impl Fn(u64) -> f64) -> Vec<JobRecord> {
        let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap();
        let (mut records, mut done_s) = (trajectory(&scenario, Terms::IDEAL), f64::NEG_INFINITY);
        for record in &mut records {
            let ready_s = (record.due_s + TERMS.idle_path_s).max(done_s + TERMS.turnaround_s);
            let start_s = ready_s + pause_s(record.job);
            done_s = start_s + record.demand_s;
            (record.sent_s, record.delivered_s) = (Some(record.due_s), Some(ready_s));
            (record.start_s, record.done_s, record.warmup) = (Some(start_s), Some(done_s), false);
        }
        records
    }

    #[test]
    fn without_pauses_the_recursion_explains_everything() {
        let records = records(|_| 0.0);
        let steps = steps(records.iter(), 1, TERMS);
        assert!(steps.iter().all(|step| step.residual_s().abs() < 1e-12));
        assert!(pauses(&steps, 1e-9).is_empty());
    }

    #[test]
    fn one_pause_of_200_ms_is_located_with_the_leg_that_took_it() {
        let records = records(|job| if job == 1234 { 0.2 } else { 0.0 });
        let found = pauses(&steps(records.iter(), 1, TERMS), 1e-3);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].job, found[0].coincided), (1234, Leg::Consumer));
        assert!((found[0].lasted_s - 0.2).abs() < 1e-9 && (found[0].leg_excess_s - 0.2).abs() < 1e-9);
        // Those are delayed that would have started earlier without it.
        let calm = self::records(|_| 0.0);
        let later =
            records.iter().zip(&calm).filter(|(with, without)| with.start_s > without.start_s).count();
        assert!(found[0].delayed_jobs.abs_diff(later) <= 1, "{} and {later}", found[0].delayed_jobs);
    }

    #[test]
    fn a_pause_of_two_consumers_at_once_is_told_from_one_of_each() {
        let found = |second: u64| {
            let [mut one, two] = [1_234, second].map(|paused| {
                let mut records = records(|job| if job == paused { 0.2 } else { 0.0 });
                records.iter_mut().for_each(|record| record.server = Some(u32::from(paused == second)));
                records
            });
            one.iter_mut().for_each(|record| record.server = Some(0));
            let mut both: Vec<&JobRecord> = one.iter().chain(&two).collect();
            both.sort_by(|a, b| a.start_s.partial_cmp(&b.start_s).unwrap());
            let steps = steps(both.into_iter(), 1, TERMS);
            pauses(&steps, 1e-3).iter().map(|pause| pause.others).collect::<Vec<_>>()
        };
        assert_eq!((found(1_234), found(3_000)), (vec![1, 1], vec![0, 0]));
    }

    #[test]
    fn waits_inherit_a_pause_and_residuals_do_not() {
        let records = records(|job| if job % 500 == 0 { 0.05 } else { 0.0 });
        let steps = steps(records.iter(), 1, TERMS);
        assert!(lag1_correlation(&steps).abs() < 0.05);
        assert_eq!(steps.iter().filter(|step| step.residual_s() > 1e-6).count(), records.len().div_ceil(500));
    }
}
