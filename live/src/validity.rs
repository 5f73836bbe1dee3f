//! Did the run keep its promise? Judged by effect, not by taste.

use std::collections::BTreeMap;

use sim::calibration::{Origin, fit_run};
use sim::engine::Ring;
use sim::model::{JobRecord, Scenario, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::run_folder::{Ledger, Validity, Verdict};

use crate::processor::ProcessorShares;

/// Largest relative difference between offered and achieved rate.
const RATE_TOLERANCE: f64 = 0.005;

/// Margins within which a prediction counts as right, of the mean and the 99 % quantile of the wait; what the
/// generator and the servers' clocks did may use up a quarter of each. Waits shorter than a service, or than the way to an idle
/// consumer, count as long as that: on an
/// idle consumer a few microseconds are a large part of next to nothing.
const MARGINS: [(&str, &str, f64); 2] =
    [("mean wait", "mean_wait", 0.05), ("99 % quantile of the wait", "p99_wait", 0.10)];

/// Largest distance between the gaps of sent and of due jobs, in mean gaps.
const GAP_TOLERANCE: f64 = 0.25;

/// Largest share of the processors' time that may be stolen, and that may be used.
const STOLEN_TOLERANCE: f64 = 0.02;
const BUSY_TOLERANCE: f64 = 0.97;

/// Largest change of the predicted mean wait by what the overheads changed from the first half of a run to the second:
/// four margins. What is less is uncertainty of a prediction, not a run that was disturbed.
const DRIFT_TOLERANCE: f64 = 0.20;

/// Jobs per second between the first and the last of some instants; 0 without two of them.
pub fn rate(instants_s: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut first, mut last) = (0_u64, f64::INFINITY, f64::NEG_INFINITY);
    for instant_s in instants_s {
        count += 1;
        first = first.min(instant_s);
        last = last.max(instant_s);
    }
    if count < 2 { 0.0 } else { (count - 1) as f64 / (last - first) }
}

/// Judges a run by its rows, its ledger and the processors' time; `trouble` is what else went wrong.
///
/// Driver and servers are judged by what they do to the answer: the recursion, with the overheads of this very run, is
/// replayed from the instants at which jobs were sent and with the services that they had, instead of the instants at
/// which they were due and the services that they demanded. If that moves the predicted mean or 99 % quantile of the
/// wait by a quarter of its margin, the run has measured its own generator.
pub fn judge(
    scenario: &Scenario,
    records: &[JobRecord],
    ledger: &Ledger,
    processors: ProcessorShares,
    trouble: &[String],
) -> Validity {
    let mut judge = Judge { reasons: trouble.to_vec(), checks: BTreeMap::new() };
    judge.load(records);
    judge.messages(records, ledger);
    judge.effects(scenario, records);
    judge.machine(processors);
    let verdict = if judge.reasons.is_empty() { Verdict::Valid } else { Verdict::Invalid };
    Validity { verdict, reasons: judge.reasons, checks: judge.checks }
}

struct Judge {
    reasons: Vec<String>,
    checks: BTreeMap<String, f64>,
}

impl Judge {
    /// Notes a figure, and a reason if it exceeds its limit or is none.
    fn check(&mut self, name: &str, value: f64, limit: f64, reason: impl FnOnce(f64) -> String) {
        if value.is_finite() {
            self.checks.insert(name.to_owned(), value);
        }
        if value.is_nan() || value.abs() > limit {
            self.reasons.push(reason(value));
        }
    }

    /// Were the jobs sent at the rate, and with the gaps, that they should have had?
    fn load(&mut self, records: &[JobRecord]) {
        let offered = rate(records.iter().map(|record| record.due_s));
        let achieved = rate(records.iter().filter_map(|record| record.sent_s));
        let error = if offered > 0.0 { achieved / offered - 1.0 } else { 0.0 };
        self.check("rate_error", error, RATE_TOLERANCE, |_| {
            format!(
                "achieved {achieved:.2} jobs/s of {offered:.2} offered, more than 0.5 % apart; \
                 lower arrivals.rate or free the machine"
            )
        });
        self.check("gap_distance", gap_distance(records), GAP_TOLERANCE, |distance| {
            format!(
                "the gaps between sent jobs are off by {:.0} % of a mean gap: the arrivals are not those of the scenario; \
                 lower arrivals.rate or free a core for the driver",
                100.0 * distance
            )
        });
    }

    /// Is every message accounted for?
    fn messages(&mut self, records: &[JobRecord], ledger: &Ledger) {
        for (count, what) in [
            (ledger.unexpected, "came from elsewhere"),
            (ledger.duplicated, "were served again"),
            (ledger.recovered, "were served although their publish had failed"),
        ] {
            if count > 0 {
                self.reasons.push(format!(
                    "{count} messages {what}, and took the server's time; use a queue of the run's own"
                ));
            }
        }
        let missing = records.len() as u64 - ledger.consumed;
        if missing > 0 {
            self.reasons.push(format!(
                "{missing} of {} jobs were not served ({} lost, {} unfinished); look at the broker's log and load",
                records.len(),
                ledger.lost,
                ledger.unfinished
            ));
        }
    }

    /// What do late sends, services that were not as demanded, and changing overheads do to the wait?
    fn effects(&mut self, scenario: &Scenario, records: &[JobRecord]) {
        let terms = fit_run(records, scenario.effective_prefetch(), Origin::Due)
            .map_or(Terms::IDEAL, |found| found.terms());
        let replay = Replay::new(scenario, records, terms);
        let meant = replay.waits(terms, due, |record| record.demand_s + terms.overshoot_s);
        let late = replay.waits(terms, sent, |record| record.demand_s + terms.overshoot_s);
        let served = replay.waits(terms, due, |record| service(record, terms));
        let both = replay.waits(terms, sent, |record| service(record, terms));
        for (n, (name, key, margin)) in MARGINS.into_iter().enumerate() {
            let [late, served, both] = [late, served, both].map(|waits| replay.shift(meant[n], waits[n]));
            self.checks.insert(format!("{key}_shift_of_sending"), late);
            self.checks.insert(format!("{key}_shift_of_services"), served);
            self.check(&format!("{key}_shift"), both, margin / 4.0, |shift| {
                let (what, remedy) = match late.abs() >= served.abs() {
                    true => ("sending late moves", "free a core for the driver"),
                    false => (
                        "services that were not as demanded move",
                        "free cores for the servers, or drive fewer of them",
                    ),
                };
                format!(
                    "{what} the predicted {name} by {:.2} %, more than a quarter of its margin; {remedy}",
                    100.0 * shift
                )
            });
        }
        if let Some(drift) = replay.drift(records, scenario.effective_prefetch()) {
            self.check("overhead_drift", drift, DRIFT_TOLERANCE, |drift| {
                format!(
                    "the overheads of the second half predict a mean wait {:+.0} % off that of the first: the system \
                     has changed under way; look for what else ran, and drive again",
                    100.0 * drift
                )
            });
        }
    }

    /// Did the machine have the processors for it?
    fn machine(&mut self, processors: ProcessorShares) {
        self.check("stolen", processors.stolen, STOLEN_TOLERANCE, |stolen| {
            format!(
                "a hypervisor withheld {:.1} % of the processors' time; drive when the host is quieter",
                100.0 * stolen
            )
        });
        self.check("busy", processors.busy, BUSY_TOLERANCE, |busy| {
            format!(
                "the processors were busy for {:.0} % of the time, so that jobs waited for them and not for a consumer; \
                 lower arrivals.rate, or use a machine with more cores",
                100.0 * busy
            )
        });
    }
}

fn due(record: &JobRecord) -> f64 {
    record.due_s
}

fn sent(record: &JobRecord) -> f64 {
    record.sent_s.unwrap_or(record.due_s)
}

/// The service as it was; as it should have been where nobody saw it.
fn service(record: &JobRecord, terms: Terms) -> f64 {
    record.service_s().unwrap_or(record.demand_s + terms.overshoot_s)
}

/// Distance between the laws of the gaps between sent jobs and between due ones (Wasserstein's), in mean gaps.
fn gap_distance(records: &[JobRecord]) -> f64 {
    let gaps = |instant: fn(&JobRecord) -> f64| {
        let sent = records.iter().filter(|record| record.sent_s.is_some());
        let instants = sorted(sent.map(instant).collect());
        sorted(instants.windows(2).map(|pair| pair[1] - pair[0]).collect())
    };
    let (due, sent) = (gaps(due), gaps(sent));
    let total: f64 = due.iter().sum();
    let apart: f64 = due.iter().zip(&sent).map(|(due, sent)| (due - sent).abs()).sum();
    if total > 0.0 { apart / total } else { 0.0 }
}

/// The recursion of a set-up, fed with the jobs of a run.
struct Replay<'a> {
    records: Vec<&'a JobRecord>,
    servers: u32,
    prefetch: u32,
    scale_s: f64,
}

impl<'a> Replay<'a> {
    fn new(scenario: &Scenario, records: &'a [JobRecord], terms: Terms) -> Self {
        Replay {
            records: records.iter().filter(|record| record.sent_s.is_some()).collect(),
            servers: scenario.queue().servers(),
            prefetch: scenario.effective_prefetch(),
            scale_s: scenario.service().mean().max(terms.idle_path_s),
        }
    }

    /// Mean and 99 % quantile of the measured jobs' waits from their due times, s; services are taken as they are given.
    fn waits(
        &self,
        terms: Terms,
        arrival_s: fn(&JobRecord) -> f64,
        service_s: impl Fn(&JobRecord) -> f64,
    ) -> [f64; MARGINS.len()] {
        let terms = Terms { overshoot_s: 0.0, ..terms };
        let mut queue = Ring::new(self.servers, self.prefetch);
        let mut records = self.records.clone();
        // In the order in which they reach the broker: a job that was held up is overtaken.
        records.sort_by(|a, b| arrival_s(a).total_cmp(&arrival_s(b)));
        let mut waits = Vec::with_capacity(records.len());
        for record in records {
            let start_s = queue.serve(arrival_s(record), service_s(record), terms).0.start_s;
            if !record.warmup {
                waits.push(start_s - record.due_s);
            }
        }
        let waits = sorted(waits);
        let mean = waits.iter().sum::<f64>() / waits.len().max(1) as f64;
        [mean, quantile_of_sorted(&waits, 0.99).unwrap_or(0.0)]
    }

    /// How far a wait is from another, relative to it, to a mean service, or to the idle path, whichever is longest.
    fn shift(&self, from_s: f64, to_s: f64) -> f64 {
        (to_s - from_s) / from_s.max(self.scale_s)
    }

    /// The change of the predicted mean wait by the overheads of the second half instead of those of the first; `None`
    /// where a half shows too few of them.
    fn drift(&self, records: &[JobRecord], prefetch: u32) -> Option<f64> {
        let (first, second) = records.split_at(records.len() / 2);
        let wait_s = |half| {
            let terms = fit_run(half, prefetch, Origin::Due).ok()?.terms();
            Some(self.waits(terms, due, |record| record.demand_s + terms.overshoot_s)[0])
        };
        Some(self.shift(wait_s(first)?, wait_s(second)?))
    }
}

#[cfg(test)]
mod tests {
    use sim::engine::trajectory;

    use super::*;

    const QUIET: ProcessorShares = ProcessorShares { stolen: 0.0, busy: 0.4 };

    fn scenario() -> Scenario {
        sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap()
    }

    fn driven(lateness_s: impl Fn(usize) -> f64) -> (Vec<JobRecord>, Ledger) {
        let mut records = trajectory(&scenario(), Terms::IDEAL);
        for (n, record) in records.iter_mut().enumerate() {
            record.sent_s = Some(record.due_s + lateness_s(n));
        }
        let ledger = Ledger { consumed: records.len() as u64, ..Ledger::default() };
        (records, ledger)
    }

    #[test]
    fn a_punctual_run_is_valid() {
        let (records, ledger) = driven(|_| 20e-6);
        assert_eq!(judge(&scenario(), &records, &ledger, QUIET, &[]).reasons, Vec::<String>::new());
    }

    #[test]
    fn a_run_that_stalled_is_not_valid_although_its_rate_is() {
        let (records, ledger) = driven(|n| if n % 500 < 40 { 0.1 } else { 0.0 });
        let validity = judge(&scenario(), &records, &ledger, QUIET, &[]);
        assert_eq!(validity.verdict, Verdict::Invalid);
        assert!(
            validity.reasons[0].starts_with("sending late moves the predicted mean wait"),
            "{validity:?}"
        );
    }

    #[test]
    fn punctual_runs_without_queueing_are_valid_too() {
        let light = scenario().with_rate(4.0).with_drive(200, 0);
        for jobs in [1, 200] {
            let scenario = light.clone().with_drive(jobs, 0);
            let mut records = trajectory(&scenario, Terms::IDEAL);
            for record in &mut records {
                record.sent_s = Some(record.due_s + 40e-6);
            }
            let ledger = Ledger { consumed: jobs, ..Ledger::default() };
            assert_eq!(judge(&scenario, &records, &ledger, QUIET, &[]).reasons, Vec::<String>::new());
        }
    }

    #[test]
    fn work_that_nobody_asked_for_makes_a_run_invalid() {
        let (records, ledger) = driven(|_| 0.0);
        for ledger in [
            Ledger { unexpected: 1, ..ledger },
            Ledger { duplicated: 1, ..ledger },
            Ledger { recovered: 1, ..ledger },
        ] {
            assert_eq!(judge(&scenario(), &records, &ledger, QUIET, &[]).verdict, Verdict::Invalid);
        }
    }

    #[test]
    fn a_run_that_fell_behind_is_not_valid() {
        let (records, ledger) = driven(|n| n as f64 * 1e-4);
        let validity = judge(&scenario(), &records, &ledger, QUIET, &[]);
        assert!(validity.reasons[0].starts_with("achieved"), "{validity:?}");
    }

    #[test]
    fn a_job_that_was_not_served_makes_a_run_invalid() {
        let (records, ledger) = driven(|_| 0.0);
        let ledger = Ledger { consumed: ledger.consumed - 1, lost: 1, ..ledger };
        assert!(judge(&scenario(), &records, &ledger, QUIET, &[]).reasons[0].starts_with("1 of 5120 jobs"));
    }

    #[test]
    fn services_that_stall_make_a_run_invalid_and_are_named() {
        let (mut records, ledger) = driven(|_| 0.0);
        for record in records.iter_mut().filter(|record| record.job % 200 == 0) {
            record.done_s = record.done_s.map(|done_s| done_s + 0.05);
        }
        let validity = judge(&scenario(), &records, &ledger, QUIET, &[]);
        assert!(validity.reasons[0].starts_with("services that were not as demanded"), "{validity:?}");
        let checks = &validity.checks;
        assert!(
            checks["mean_wait_shift_of_services"] > 0.0125 && checks["mean_wait_shift_of_sending"] == 0.0
        );
    }

    #[test]
    fn gaps_that_are_not_those_of_the_scenario_make_a_run_invalid() {
        // Sent in pairs: the rate is right and no job is late by much.
        let (mut records, ledger) = driven(|_| 0.0);
        for n in (0..records.len() - 1).step_by(2) {
            records[n].sent_s = Some(records[n + 1].due_s);
        }
        let validity = judge(&scenario(), &records, &ledger, QUIET, &[]);
        assert!(validity.reasons[0].starts_with("the gaps between sent jobs"), "{validity:?}");
    }

    #[test]
    fn a_machine_that_had_no_time_makes_a_run_invalid() {
        let (records, ledger) = driven(|_| 0.0);
        for (processors, part) in [
            (ProcessorShares { stolen: 0.05, ..QUIET }, "withheld 5.0 %"),
            (ProcessorShares { busy: 0.99, ..QUIET }, "busy for 99 %"),
        ] {
            let validity = judge(&scenario(), &records, &ledger, processors, &[]);
            assert!(validity.reasons[0].contains(part), "{validity:?}");
        }
    }

    #[test]
    fn overheads_that_double_under_way_make_a_run_invalid() {
        let terms = |turnaround_s| Terms { idle_path_s: 1e-3, turnaround_s, ..Terms::IDEAL };
        let [slow, fast] = [0.8e-3, 0.2e-3].map(|turnaround_s| trajectory(&scenario(), terms(turnaround_s)));
        let half = fast.len() / 2;
        let mut records = [&fast[..half], &slow[half..]].concat();
        for record in &mut records {
            record.sent_s = Some(record.due_s);
            record.delivered_s = record.start_s;
        }
        let ledger = Ledger { consumed: records.len() as u64, ..Ledger::default() };
        let validity = judge(&scenario(), &records, &ledger, QUIET, &[]);
        assert!(
            validity.reasons.iter().any(|reason| reason.contains("has changed under way")),
            "{validity:?}"
        );
        assert!(validity.checks["overhead_drift"] > 0.2);
    }
}
