//! What is counted of the jobs of one stream while a replication runs.

use super::Replication;
use crate::model::Outcome;
use crate::output::{Histogram, PROBABILITIES, Range, Tally};

/// Counts and moments of measured jobs; its size does not depend on their number.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    outcomes: [u64; Outcome::ALL.len()],
    /// Jobs that waited before their first service.
    waited: u64,
    pub(super) demand_s: f64,
    wait_s: Tally,
    sojourn_s: Tally,
    waits_s: Histogram,
    sojourns_s: Histogram,
}

/// What a window has seen of time averages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    /// Length, s.
    pub span_s: f64,
    /// ∫ present dt, job-seconds.
    pub present_area: f64,
    /// ∫ in service dt, job-seconds.
    pub serving_area: f64,
    /// Jobs served in it.
    pub departed: u64,
    pub servers: u32,
}

/// The jobs present at an instant, and the time they still have before them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Backlog {
    /// Jobs that are not done.
    pub jobs: u64,
    /// Their times until they start, s; 0 for those in service.
    pub until_start_s: f64,
    /// Their times until they are done, s.
    pub until_done_s: f64,
}

impl Flow {
    /// Nothing yet; `range` is that of its histograms.
    pub(super) fn new(range: Range) -> Self {
        Flow {
            outcomes: [0; Outcome::ALL.len()],
            waited: 0,
            demand_s: 0.0,
            wait_s: Tally::default(),
            sojourn_s: Tally::default(),
            waits_s: Histogram::new(range),
            sojourns_s: Histogram::new(range),
        }
    }

    /// Served jobs that were counted side by side with others: of waits and sojourns moments and histograms.
    pub(super) fn of(demand_s: f64, moments: [Tally; 2], histograms: [Histogram; 2]) -> Self {
        let ([wait_s, sojourn_s], [waits_s, sojourns_s]) = (moments, histograms);
        let mut outcomes = [0; Outcome::ALL.len()];
        outcomes[Outcome::Served as usize] = wait_s.count;
        let waited = wait_s.count - waits_s.zeros();
        Flow { outcomes, waited, demand_s, wait_s, sojourn_s, waits_s, sojourns_s }
    }

    /// A job that was served, perhaps in vain.
    #[inline]
    pub(super) fn serve(&mut self, outcome: Outcome, wait_s: f64, sojourn_s: f64, waited: bool) {
        self.outcomes[outcome as usize] += 1;
        self.waited += u64::from(waited);
        self.wait_s.record(wait_s);
        self.sojourn_s.record(sojourn_s);
        self.waits_s.record(wait_s);
        self.sojourns_s.record(sojourn_s);
    }

    /// A job that left without service, or has not left.
    pub(super) fn lose(&mut self, outcome: Outcome) {
        self.outcomes[outcome as usize] += 1;
    }

    /// The statistics of jobs that are all served, from their own times.
    ///
    /// These come close to the area under the number of jobs; the rest is what reaches into the window and out
    /// of it:
    ///
    /// ```text
    /// ∫ N(t) dt = Σ sojourns + (left to do when the window opens) − (left to do when it closes)
    /// ```
    pub(super) fn finish_fcfs(
        self,
        span_s: f64,
        servers: u32,
        opening: Backlog,
        closing: Backlog,
    ) -> Replication {
        let present_area = self.sojourn_s.sum + opening.until_done_s - closing.until_done_s;
        let waiting_area = self.wait_s.sum + opening.until_start_s - closing.until_start_s;
        let departed = opening.jobs + self.wait_s.count - closing.jobs;
        let serving_area = present_area - waiting_area;
        self.finish(Window { span_s, present_area, serving_area, departed, servers })
    }

    /// The replication's statistics.
    pub(super) fn finish(self, window: Window) -> Replication {
        let count = |outcome: Outcome| self.outcomes[outcome as usize] as f64;
        let jobs: f64 = self.outcomes.iter().sum::<u64>() as f64;
        let accepted = jobs - count(Outcome::Rejected);
        let quantiles = |histogram: &Histogram| {
            histogram.quantiles(PROBABILITIES.map(|(p, _)| p)).unwrap_or([f64::NAN; PROBABILITIES.len()])
        };
        let per_second = |area: f64| area / window.span_s;
        Replication {
            utilization: per_second(window.serving_area) / f64::from(window.servers),
            offered_load: per_second(self.demand_s),
            mean_wait_s: self.wait_s.mean(),
            mean_sojourn_s: self.sojourn_s.mean(),
            wait_variance: self.wait_s.variance(),
            sojourn_variance: self.sojourn_s.variance(),
            mean_queue_length: per_second(window.present_area - window.serving_area).max(0.0),
            mean_in_system: per_second(window.present_area),
            throughput: per_second(window.departed as f64),
            prob_wait: (self.waited as f64 + count(Outcome::Abandoned)) / accepted,
            prob_blocked: count(Outcome::Rejected) / jobs,
            prob_abandon: count(Outcome::Abandoned) / jobs,
            prob_dead_letter: count(Outcome::DeadLettered) / jobs,
            unfinished: self.outcomes[Outcome::Unfinished as usize],
            wait_quantiles_s: quantiles(&self.waits_s),
            sojourn_quantiles_s: quantiles(&self.sojourns_s),
            mean_gap_s: window.span_s / (jobs - 1.0),
            mean_demand_s: self.demand_s / jobs,
            waits: self.waits_s.counts(),
            sojourns: self.sojourns_s.counts(),
            classes: Vec::new(),
            stations: Vec::new(),
        }
    }
}
