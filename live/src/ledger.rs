//! What became of every message, counted after the run.

use sim::model::{JobRecord, Outcome};
use sim::run_folder::Ledger;

use crate::recorder::Recorder;

/// Counts the messages of a finished run and gives every row its final outcome.
///
/// `queued` is what the broker still held when the run ended, `None` if it could not be asked: nothing is then
/// called lost. Jobs that were confirmed and not
/// consumed are `unfinished` as far as the queue holds that many, the last ones first since the queue
/// is first in, first out; the others are `lost`.
///
/// ```text
/// lost = confirmed - consumed - dead_lettered - unfinished     (recovered messages apart)
/// ```
pub fn settle(recorder: &Recorder, queued: Option<u64>) -> (Ledger, Vec<JobRecord>) {
    let mut records: Vec<JobRecord> = (0..recorder.len()).map(|index| recorder.record(index)).collect();
    let mut still_queued = queued.unwrap_or(u64::MAX);
    let confirmed = |record: &JobRecord| recorder.is_confirmed(record.job as usize);
    for record in records.iter_mut().rev() {
        if record.outcome == Outcome::Unfinished && confirmed(record) {
            if still_queued > 0 {
                still_queued -= 1;
            } else {
                record.outcome = Outcome::Lost;
            }
        }
    }
    let count =
        |keep: &dyn Fn(&JobRecord) -> bool| records.iter().filter(|record| keep(record)).count() as u64;
    let ledger = Ledger {
        attempted: count(&|record| record.sent_s.is_some()),
        confirmed: count(&confirmed),
        consumed: count(&|record| record.outcome == Outcome::Served),
        lost: count(&|record| record.outcome == Outcome::Lost),
        unexpected: recorder.unexpected_count(),
        duplicated: (0..recorder.len())
            .map(|index| u64::from(recorder.completions(index).saturating_sub(1)))
            .sum(),
        recovered: count(&|record| record.attempts > 0 && !confirmed(record)),
        dead_lettered: count(&|record| record.outcome == Outcome::DeadLettered),
        unfinished: count(&|record| record.outcome == Outcome::Unfinished && confirmed(record)),
    };
    (ledger, records)
}

#[cfg(test)]
mod tests {
    use sim::sampling::Job;

    use super::*;
    use crate::recorder::Stamp;

    fn recorder(jobs: u64) -> Recorder {
        let job = |index| Job { index, class: 0, due_s: index as f64, demand_s: 0.5 };
        Recorder::new("r", (0..jobs).map(job), 0)
    }

    fn confirm(recorder: &Recorder, index: usize) {
        recorder.sent(index, 1);
        recorder.stamp(index, Stamp::Confirmed, 2);
    }

    #[test]
    fn every_kind_of_message_is_counted_once() {
        let recorder = recorder(7);
        for index in 0..5 {
            confirm(&recorder, index);
        }
        recorder.completed(0, 0); // served
        recorder.completed(1, 0); // served twice
        recorder.completed(1, 0);
        recorder.sent(5, 1); // refused
        recorder.refused(5);
        recorder.sent(6, 1); // outcome unknown, and consumed all the same
        recorder.refused(6);
        recorder.completed(6, 0);
        recorder.unexpected();
        let (ledger, records) = settle(&recorder, Some(1));
        let expected = Ledger {
            attempted: 7,
            confirmed: 5,
            consumed: 3,
            lost: 2,
            unexpected: 1,
            duplicated: 1,
            recovered: 1,
            dead_lettered: 0,
            unfinished: 1,
        };
        assert_eq!(ledger, expected);
        let outcomes: Vec<_> = records.iter().map(|record| record.outcome.name()).collect();
        assert_eq!(outcomes, ["served", "served", "lost", "lost", "unfinished", "rejected", "served"]);
        assert_eq!(
            ledger.lost,
            ledger.confirmed + ledger.recovered - ledger.consumed - ledger.dead_lettered - ledger.unfinished
        );
    }

    #[test]
    fn nothing_is_called_lost_when_the_queue_cannot_be_asked() {
        let recorder = recorder(2);
        confirm(&recorder, 0);
        confirm(&recorder, 1);
        let (ledger, _) = settle(&recorder, None);
        assert_eq!((ledger.lost, ledger.unfinished), (0, 2));
    }
}
