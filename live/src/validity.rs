//! Did the run keep its promise? Judged by effect, not by taste.

use sim::calibration::fit;
use sim::engine::{Recursion, Ring, Timing};
use sim::model::{JobRecord, Scenario, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::run_folder::{Ledger, Validity, Verdict};

/// Largest relative difference between offered and achieved rate.
const RATE_TOLERANCE: f64 = 0.005;

/// Margins within which a prediction counts as right, of the mean and the 99 % quantile of the wait;
/// lateness may use up a quarter of each. Waits shorter than a service count as long as one: on an idle
/// consumer a few microseconds are a large part of next to nothing.
const MARGINS: [(&str, f64); 2] = [("mean wait", 0.05), ("99 % quantile of the wait", 0.10)];

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

/// Judges a run by its rows and its ledger; `trouble` is what else went wrong.
///
/// Lateness is judged by what it does to the answer: the recursion, with the overheads of this very
/// run, is replayed from the instants at which jobs were sent instead of those at which they were due.
/// If that moves the predicted mean or 99 % quantile of the wait by a quarter of its margin, the run
/// has measured its own generator.
pub fn judge(scenario: &Scenario, records: &[JobRecord], ledger: &Ledger, trouble: &[String]) -> Validity {
    let mut reasons = trouble.to_vec();
    let offered = rate(records.iter().map(|record| record.due_s));
    let achieved = rate(records.iter().filter_map(|record| record.sent_s));
    if (achieved - offered).abs() > RATE_TOLERANCE * offered {
        reasons.push(format!(
            "achieved {achieved:.2} jobs/s of {offered:.2} offered, more than 0.5 % apart; \
             lower arrivals.rate or free the machine"
        ));
    }
    for (count, what) in [
        (ledger.unexpected, "came from elsewhere"),
        (ledger.duplicated, "were served again"),
        (ledger.recovered, "were served although their publish had failed"),
    ] {
        if count > 0 {
            reasons.push(format!(
                "{count} messages {what}, and took the server's time; use a queue of the run's own"
            ));
        }
    }
    let missing = records.len() as u64 - ledger.consumed;
    if missing > 0 {
        reasons.push(format!(
            "{missing} of {} jobs were not served ({} lost, {} unfinished); look at the broker's log and load",
            records.len(),
            ledger.lost,
            ledger.unfinished
        ));
    }
    for ((name, margin), shift) in MARGINS.into_iter().zip(lateness_effect(scenario, records)) {
        if shift.is_nan() || shift.abs() >= margin / 4.0 {
            reasons.push(format!(
                "sending late moves the predicted {name} by {:.2} %, more than a quarter of its margin; \
                 free a core for the driver",
                100.0 * shift
            ));
        }
    }
    let verdict = if reasons.is_empty() { Verdict::Valid } else { Verdict::Invalid };
    Validity { verdict, reasons }
}

/// Change of the predicted mean and 99 % quantile of the wait when jobs arrive when they were sent instead
/// of when they were due, relative to the wait or to a mean service, whichever is longer; 0 where nothing
/// was measured.
///
/// A run that shows too few of the overheads is replayed without them, and so is one with several consumers: the
/// overheads are those of a single one.
fn lateness_effect(scenario: &Scenario, records: &[JobRecord]) -> [f64; MARGINS.len()] {
    let prefetch = scenario.effective_prefetch();
    let servers = scenario.queue().servers();
    let fitted = || fit(records, prefetch).map_or(Terms::IDEAL, |measured| measured.terms());
    let terms = if servers == 1 { fitted() } else { Terms::IDEAL };
    let waits = |arrival_s: &dyn Fn(&JobRecord) -> f64| {
        let mut queue = replay(servers, prefetch, terms);
        let mut sent: Vec<&JobRecord> = records.iter().filter(|record| record.sent_s.is_some()).collect();
        // In the order in which they reach the broker: a job that was held up is overtaken.
        sent.sort_by(|a, b| arrival_s(a).total_cmp(&arrival_s(b)));
        let waits = sent.into_iter().map(|record| (record, queue(arrival_s(record), record.demand_s)));
        let measured = waits.filter(|(record, _)| !record.warmup);
        sorted(measured.map(|(record, timing)| timing.start_s - record.due_s).collect())
    };
    let due = waits(&|record| record.due_s);
    let sent = waits(&|record| record.sent_s.unwrap_or(record.due_s));
    if due.is_empty() {
        return [0.0; MARGINS.len()];
    }
    let mean = |waits: &[f64]| waits.iter().sum::<f64>() / waits.len() as f64;
    let tail = |waits: &[f64]| quantile_of_sorted(waits, 0.99).unwrap_or(0.0);
    let scale_s = scenario.service().mean();
    [(mean(&due), mean(&sent)), (tail(&due), tail(&sent))].map(|(due, sent)| (sent - due) / due.max(scale_s))
}

/// The recursion of a set-up, fed with arrivals in order.
fn replay(servers: u32, prefetch: u32, terms: Terms) -> Box<dyn FnMut(f64, f64) -> Timing> {
    if servers == 1 {
        let mut queue = Recursion::new(prefetch, terms);
        return Box::new(move |due_s, demand_s| queue.serve(due_s, demand_s));
    }
    let mut ring = Ring::new(servers, prefetch);
    Box::new(move |due_s, demand_s| ring.serve(due_s, demand_s, terms).0)
}

#[cfg(test)]
mod tests {
    use sim::engine::trajectory;

    use super::*;

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
        assert_eq!(judge(&scenario(), &records, &ledger, &[]).reasons, Vec::<String>::new());
    }

    #[test]
    fn a_run_that_stalled_is_not_valid_although_its_rate_is() {
        let (records, ledger) = driven(|n| if n % 500 < 40 { 0.1 } else { 0.0 });
        let validity = judge(&scenario(), &records, &ledger, &[]);
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
            assert_eq!(judge(&scenario, &records, &ledger, &[]).reasons, Vec::<String>::new());
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
            assert_eq!(judge(&scenario(), &records, &ledger, &[]).verdict, Verdict::Invalid);
        }
    }

    #[test]
    fn a_run_that_fell_behind_is_not_valid() {
        let (records, ledger) = driven(|n| n as f64 * 1e-4);
        let validity = judge(&scenario(), &records, &ledger, &[]);
        assert!(validity.reasons[0].starts_with("achieved"), "{validity:?}");
    }

    #[test]
    fn a_job_that_was_not_served_makes_a_run_invalid() {
        let (records, ledger) = driven(|_| 0.0);
        let ledger = Ledger { consumed: ledger.consumed - 1, lost: 1, ..ledger };
        assert!(judge(&scenario(), &records, &ledger, &[]).reasons[0].starts_with("1 of 5120 jobs"));
    }
}
