//! The charts after phase I.

use sim::model::JobRecord;
use sim::plot::axis::grouped;

use super::g_chart::Gaps;
use super::phase::{Limits, MOST_FAILURES, PhaseOne, burst, ended_s, is_failure, residual, service};
use super::signal::{Method, Quantity, Signal};
use super::success_rate::SuccessRate;
use super::track::Track;
use super::{Chart, Control, Options, Path, SEEN};
use crate::residual::Past;

/// Signals that are kept; further ones are counted.
const KEPT: usize = 100_000;

/// A chart's first signal, and how many it gave.
type Count = ((Quantity, Method), Signal, u64);

/// Takes jobs one by one, and counts what the charts say.
pub(super) struct Monitor {
    limits: Limits,
    past: Option<Past>,
    gaps: Option<Gaps>,
    jobs: u64,
    signals: Vec<Signal>,
    counts: Vec<Count>,
}

impl Monitor {
    /// No job yet, of consumers with this past.
    pub fn new(limits: Limits, past: Option<Past>) -> Self {
        let gaps = limits.failures.map(Gaps::of);
        Monitor { limits, past, gaps, jobs: 0, signals: Vec::new(), counts: Vec::new() }
    }

    /// What the limits rest on.
    pub fn phase_one(&self) -> &PhaseOne {
        &self.limits.phase_one
    }

    /// Measured jobs so far.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// One more job, and what the charts say.
    pub fn push(&mut self, record: &JobRecord) -> Vec<Signal> {
        let residual = self.past.as_mut().and_then(|past| residual(past, record));
        if record.warmup {
            return Vec::new();
        }
        self.jobs += 1;
        let mut signals = Vec::new();
        if let Some(value) = service(record, self.limits.phase_one.demand_is_known) {
            signals.extend(self.limits.services.push(value));
        }
        if let (Some(track), Some(value)) = (&mut self.limits.residuals, residual) {
            signals.extend(track.push(value));
        }
        if let Some(gaps) = &mut self.gaps {
            signals.extend(gaps.push((record.job, ended_s(record)), is_failure(record)));
        }
        signals.iter().for_each(|signal| self.count(*signal));
        signals
    }

    fn count(&mut self, signal: Signal) {
        if self.signals.len() < KEPT {
            self.signals.push(signal);
        }
        let key = (signal.quantity, signal.method);
        match self.counts.iter_mut().find(|(of, ..)| *of == key) {
            Some((.., count)) => *count += 1,
            None => self.counts.push((key, signal, 1)),
        }
    }

    /// What the charts have said.
    pub fn finish(self, options: Options, success_rate: SuccessRate) -> Control {
        let (charts, false_alarm_probability) = self.charts();
        let (warnings, untold) = (self.warnings(), self.untold(&charts));
        let signal_count = self.counts.iter().map(|(.., count)| count).sum();
        let Limits { phase_one, services, residuals, .. } = self.limits;
        Control {
            in_control: signal_count == 0 && untold.is_none(),
            untold,
            says: String::new(),
            phase_one,
            jobs: self.jobs,
            mean_run_jobs: options.mean_run_jobs,
            tolerance_s: options.tolerance_s,
            false_alarm_probability,
            charts,
            signals: self.signals,
            signal_count,
            success_rate,
            warnings,
            paths: [Some(services), residuals].into_iter().flatten().map(Path::of).collect(),
            failures_s: Vec::new(),
            gaps: self.gaps.map_or_else(Vec::new, |gaps| gaps.complete),
        }
        .with_sentence()
    }

    /// Each chart, and the probability that one of them gives a false alarm in so many jobs.
    fn charts(&self) -> (Vec<Chart>, f64) {
        let jobs = self.jobs as f64;
        let (mut charts, mut silent) = (Vec::new(), 1.0);
        let seen = |quantity, method| {
            let found = self.counts.iter().find(|(of, ..)| *of == (quantity, method));
            found.map_or((0, None), |(_, first, count)| (*count, Some(*first)))
        };
        let tracks = [Some(&self.limits.services), self.limits.residuals.as_ref()];
        for track in tracks.into_iter().flatten() {
            let (design, quantity, points) = (&track.design, track.quantity, track.batch as f64);
            // Of the jobs, some have no service.
            let per_value = self.limits.phase_one.jobs as f64 / track.reference.values().max(1) as f64;
            let within = track.reference.seen_within(design, SEEN);
            let within = within.map(|values| Some((values? as f64 * per_value.max(1.0)).ceil() as u64));
            for (method, seen_within_jobs) in [Method::Ewma, Method::Cusum].into_iter().zip(within) {
                silent *= 1.0 - design.probability_within(method, jobs / points);
                let (signals, first) = seen(quantity, method);
                charts.push(Chart {
                    quantity,
                    method,
                    jobs_a_point: track.batch as u64,
                    limit: design.limit(method),
                    gaps: None,
                    mean_run_jobs: points * design.mean_run(method),
                    seen_within_jobs,
                    signals,
                    first,
                });
            }
        }
        if let Some(chart) = self.limits.failures {
            silent *= (-jobs / chart.mean_run(chart.rate)).exp();
            let (signals, first) = seen(Quantity::Failures, Method::GChart);
            charts.push(Chart {
                quantity: Quantity::Failures,
                method: Method::GChart,
                jobs_a_point: 1,
                limit: chart.within as f64,
                gaps: Some(chart.gaps),
                mean_run_jobs: chart.mean_run(chart.rate),
                seen_within_jobs: Some(chart.quantile(burst(chart.rate), SEEN)),
                signals,
                first,
            });
        }
        (charts, 1.0 - silent)
    }

    /// Why nobody knows, if no chart signalled.
    fn untold(&self, charts: &[Chart]) -> Option<String> {
        let Track { points, reference, .. } = &self.limits.services;
        let soonest = charts.iter().filter_map(|chart| chart.seen_within_jobs).min();
        let why = match (&self.limits.failures, soonest) {
            _ if reference.values() == 0 => "no job of phase I was served",
            _ if points.is_empty() => "hardly a job after phase I was served",
            (None, _) => "so many jobs of phase I failed that there is no chart of failures",
            (_, Some(soonest)) if self.jobs < soonest => {
                return Some(format!(
                    "the chart that sees a change soonest takes {} jobs for it, and {} came after phase I",
                    grouped(soonest as f64, 0),
                    grouped(self.jobs as f64, 0)
                ));
            }
            _ => return None,
        };
        Some(why.to_owned())
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let tracks = [Some(&self.limits.services), self.limits.residuals.as_ref()];
        for track in tracks.into_iter().flatten().filter(|track| track.is_dependent) {
            let batches = match track.batch {
                1 => String::new(),
                jobs => format!(", even in batches of {jobs} jobs"),
            };
            warnings.push(format!(
                "{} of phase I depend on each other{batches}: what of that the tolerance does not cover raises more \
                 false alarms than shown; a longer phase I leaves larger batches",
                track.quantity
            ));
        }
        if let Some(signal) = self.limits.signals.first() {
            warnings.push(format!(
                "phase I was not in control itself: {} {} signalled at {:.1} s; limits from such jobs see less. Name \
                 others with --phase-one-jobs or --baseline",
                signal.quantity, signal.method, signal.at_s
            ));
        }
        if self.limits.residuals.is_none() {
            warnings.push("phase I does not tell the overheads, and so there are no residuals".to_owned());
        }
        if self.limits.failures.is_none() {
            let PhaseOne { failures, jobs, failure_rate, .. } = self.limits.phase_one;
            warnings.push(format!(
                "{} of {} jobs of phase I failed or were repeated, and {:.0} % of them might: there is no chart of \
                 failures above {:.0} %. Declare what is usual with --failure-rate, or name a better phase I",
                grouped(failures as f64, 0),
                grouped(jobs as f64, 0),
                100.0 * failure_rate,
                100.0 * MOST_FAILURES
            ));
        }
        warnings
    }
}
