//! What every station owes: conservation, Little's law, work conservation, and its order of service.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::drive::drive_source;
use super::node::Population;
use super::source::Source;
use super::{Departure, Mark, Observer, Work};
use crate::model::{Outcome, Scenario};
use crate::sampling::Job;
use crate::scenario_file;

/// A queue described by the lines of its `[queue]` table, with two classes of priorities 1 and 2.
fn scenario(queue: &str) -> Scenario {
    let class = |n| {
        format!(
            "[[class]]\nname = \"c{n}\"\npriority = {n}\narrivals = {{ rate = 40 }}\nservice = {{ mean = 0.01 }}\n"
        )
    };
    let text =
        format!("schema = 1\nname = \"test\"\n{}{}[queue]\n{queue}\n[run]\nseed = 7\n", class(1), class(2));
    scenario_file::parse(&text, "test").unwrap()
}

impl Source for VecDeque<Job> {
    fn due_s(&self) -> f64 {
        self.front().map_or(f64::INFINITY, |job| job.due_s)
    }

    fn next_job(&mut self) -> Job {
        self.pop_front().unwrap()
    }
}

/// Everything that leaves, in the order of leaving, and what stays for ever.
struct Log {
    expected: usize,
    left: Vec<Departure>,
    remaining: u64,
}

impl Log {
    fn of(expected: usize) -> Self {
        Log { expected, left: Vec::new(), remaining: 0 }
    }
}

impl Observer for Log {
    fn arrive(&mut self, _job: &Job) -> Mark {
        Mark::None
    }

    fn leave(&mut self, departure: &Departure) {
        self.left.push(*departure);
    }

    fn has_seen_enough(&self, _next_s: f64) -> bool {
        self.left.len() == self.expected
    }

    fn remain(&mut self, _work: &Work) {
        self.remaining += 1;
    }
}

/// Serves all jobs until nothing happens any more.
fn drain(queue: &str, jobs: &[Job]) -> (Log, Population) {
    let mut log = Log::of(jobs.len());
    let scenario = scenario(queue);
    let population = drive_source(&scenario, 0, jobs.iter().copied().collect::<VecDeque<_>>(), &mut log);
    (log, population)
}

/// Jobs by gap and demand in twentieths of a second, so that many events are simultaneous.
fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let job = (0_u32..4, 1_u32..8, 0_u32..2);
    proptest::collection::vec(job, 1..80).prop_map(|jobs| {
        let mut due_s = 0.0;
        let job = |(n, (gap, demand, class)): (usize, (u32, u32, u32))| {
            due_s += f64::from(gap) * 0.0625;
            Job { index: n as u64, class, due_s, demand_s: f64::from(demand) * 0.0625 }
        };
        jobs.into_iter().enumerate().map(job).collect()
    })
}

const DISCIPLINES: [&str; 9] = [
    "{ kind = \"fcfs\" }",
    "{ kind = \"lcfs\" }",
    "{ kind = \"lcfs_preemptive\" }",
    "{ kind = \"random\" }",
    "{ kind = \"sjf\" }",
    "{ kind = \"srpt\" }",
    "{ kind = \"priority\" }",
    "{ kind = \"priority\", preemptive = true }",
    "{ kind = \"processor_sharing\" }",
];

fn discipline() -> impl Strategy<Value = &'static str> {
    (0..DISCIPLINES.len()).prop_map(|n| DISCIPLINES[n])
}

const TROUBLES: [&str; 7] = [
    "",
    "capacity = 6",
    "patience = { mean = 0.4 }",
    "patience = { mean = 0.25, shape = { kind = \"deterministic\" } }\ncapacity = 5",
    "retry = { probability = 0.3, max_attempts = 3 }",
    "breakdowns = { while = \"always\", mean_up_s = 1.0, mean_down_s = 0.3 }\nretry = { probability = 0.2 }",
    "breakdowns = { while = \"busy\", mean_up_s = 1.0, mean_down_s = 0.3, work = \"resume\" }",
];

proptest! {
    #[test]
    fn every_job_leaves_exactly_once_and_littles_law_holds_exactly(
        jobs in jobs(), discipline in discipline(), servers in 1_u32..4, trouble in 0..TROUBLES.len(),
    ) {
        let trouble = match discipline.contains("processor") {
            true => ["", "capacity = 6"][trouble % 2],
            false => TROUBLES[trouble],
        };
        let queue = format!("servers = {servers}\ndiscipline = {discipline}\n{trouble}");
        let (log, population) = drain(&queue, &jobs);
        prop_assert_eq!(log.remaining, 0);
        let mut indices: Vec<u64> = log.left.iter().map(|left| left.work.index).collect();
        indices.sort_unstable();
        prop_assert_eq!(indices, (0..jobs.len() as u64).collect::<Vec<_>>());
        // Each side on its own: the area under the number present, and the time each job stayed.
        let stays: f64 = log.left.iter().map(|left| left.at_s - left.work.due_s).sum();
        prop_assert!((population.present_area - stays).abs() < 1e-9 * stays.max(1.0), "{population:?} {stays}");
        prop_assert_eq!((population.present, population.serving), (0, 0));
    }

    #[test]
    fn work_is_conserved_whatever_the_order(jobs in jobs(), discipline in discipline()) {
        let (log, population) = drain(&format!("discipline = {discipline}"), &jobs);
        let demand: f64 = jobs.iter().map(|job| job.demand_s).sum();
        prop_assert!((population.serving_area - demand).abs() < 1e-9, "{population:?} {demand}");
        // One server is busy in the same intervals, so the last job leaves when it does in any other order.
        let (other, _) = drain("", &jobs);
        let last = |log: &Log| log.left.iter().map(|left| left.at_s).fold(0.0, f64::max);
        prop_assert!((last(&log) - last(&other)).abs() < 1e-9);
    }

    #[test]
    fn one_more_server_lets_no_job_start_later(jobs in jobs(), servers in 1_u32..4) {
        let starts = |servers| {
            let (log, _) = drain(&format!("servers = {servers}"), &jobs);
            let mut starts: Vec<_> = log.left.iter().map(|left| (left.work.index, left.work.start_s)).collect();
            starts.sort_by_key(|(index, _)| *index);
            starts
        };
        for (few, many) in starts(servers).into_iter().zip(starts(servers + 1)) {
            prop_assert!(many.1 <= few.1 + 1e-12);
        }
    }

    #[test]
    fn srpt_has_the_least_total_stay_of_all_orders(jobs in jobs(), discipline in discipline()) {
        let stay = |discipline: &str| {
            let (log, _) = drain(&format!("discipline = {discipline}"), &jobs);
            log.left.iter().map(|left| left.at_s - left.work.due_s).sum::<f64>()
        };
        let least = stay("{ kind = \"srpt\" }");
        prop_assert!(least <= stay(discipline) + 1e-9);
    }
}

fn job(index: u64, due_s: f64, demand_s: f64, class: u32) -> Job {
    Job { index, class, due_s, demand_s }
}

/// Index, start and end of every job in the order of leaving.
fn story(queue: &str, jobs: &[Job]) -> Vec<(u64, f64, f64)> {
    let (log, _) = drain(queue, jobs);
    log.left.iter().map(|left| (left.work.index, left.work.start_s, left.at_s)).collect()
}

/// Index and outcome of every job in the order of leaving.
fn outcomes(queue: &str, jobs: &[Job]) -> Vec<(u64, Outcome)> {
    drain(queue, jobs).0.left.iter().map(|left| (left.work.index, left.outcome)).collect()
}

#[test]
fn each_discipline_has_its_order() {
    let jobs = [job(0, 0.0, 4.0, 1), job(1, 1.0, 5.0, 1), job(2, 2.0, 1.0, 0)];
    let order = |discipline: &str| story(&format!("discipline = {{ kind = {discipline} }}"), &jobs);
    assert_eq!(order("\"fcfs\""), [(0, 0.0, 4.0), (1, 4.0, 9.0), (2, 9.0, 10.0)]);
    assert_eq!(order("\"lcfs\""), [(0, 0.0, 4.0), (2, 4.0, 5.0), (1, 5.0, 10.0)]);
    assert_eq!(order("\"lcfs_preemptive\""), [(2, 2.0, 3.0), (1, 1.0, 7.0), (0, 0.0, 10.0)]);
    assert_eq!(order("\"sjf\""), [(0, 0.0, 4.0), (2, 4.0, 5.0), (1, 5.0, 10.0)]);
    assert_eq!(order("\"srpt\""), [(2, 2.0, 3.0), (0, 0.0, 5.0), (1, 5.0, 10.0)]);
    assert_eq!(order("\"priority\""), [(0, 0.0, 4.0), (2, 4.0, 5.0), (1, 5.0, 10.0)]);
    assert_eq!(order("\"priority\", preemptive = true"), [(2, 2.0, 3.0), (0, 0.0, 5.0), (1, 5.0, 10.0)]);
    // Shares: alone until 1, halves until 2, thirds until job 2 has had its 1 at 5, halves until 7.
    let shared = order("\"processor_sharing\"");
    let expected = [(2, 2.0, 5.0), (0, 0.0, 8.0), (1, 1.0, 10.0)];
    for (is, should) in shared.iter().zip(expected) {
        assert!(is.0 == should.0 && (is.2 - should.2).abs() < 1e-12, "{shared:?}");
    }
}

#[test]
fn a_full_queue_rejects_the_next_job_or_drops_its_oldest() {
    let jobs = [0.0, 1.0, 2.0, 3.0].map(|due| job(due as u64, due, 10.0, 0));
    use Outcome::{Rejected, Served};
    assert_eq!(outcomes("capacity = 2", &jobs), [(2, Rejected), (3, Rejected), (0, Served), (1, Served)]);
    let dropping = outcomes("capacity = 2\noverflow = \"drop_head\"", &jobs);
    assert_eq!(dropping, [(1, Rejected), (2, Rejected), (0, Served), (3, Served)]);
    // Nobody waits where everybody is in service, so there is nobody to drop.
    let none_waits = outcomes("capacity = 1\noverflow = \"drop_head\"", &jobs);
    assert_eq!(none_waits, [(1, Rejected), (2, Rejected), (3, Rejected), (0, Served)]);
}

#[test]
fn a_job_that_arrives_when_another_is_done_finds_its_place_free() {
    let jobs = [job(0, 0.0, 1.0, 0), job(1, 1.0, 1.0, 0)];
    assert_eq!(outcomes("capacity = 1", &jobs), [(0, Outcome::Served), (1, Outcome::Served)]);
}

#[test]
fn impatience_ends_with_the_service_that_begins_at_the_same_instant() {
    let ttl = "patience = { mean = 1.0, shape = { kind = \"deterministic\" } }";
    let jobs = [job(0, 0.0, 2.0, 0), job(1, 1.0, 1.0, 0), job(2, 1.5, 1.0, 0)];
    use Outcome::{Abandoned, Served};
    assert_eq!(outcomes(ttl, &jobs), [(0, Served), (2, Abandoned), (1, Served)]);
}

#[test]
fn a_job_whose_attempts_fail_becomes_a_dead_letter() {
    let jobs = [job(0, 0.0, 2.0, 0), job(1, 1.0, 1.0, 0)];
    let queue = "retry = { probability = 1.0, max_attempts = 2 }";
    let (log, _) = drain(queue, &jobs);
    let ends: Vec<_> = log.left.iter().map(|left| (left.work.index, left.work.attempts, left.at_s)).collect();
    // Tail of the line between attempts: 0 until 2, 1 until 3, 0 until 5, 1 until 6.
    assert_eq!(ends, [(0, 2, 5.0), (1, 2, 6.0)]);
    assert!(log.left.iter().all(|left| left.outcome == Outcome::DeadLettered));
}

#[test]
fn an_outage_sends_jobs_back_to_the_head_or_holds_them() {
    let story = |work: &str| {
        let mut text = scenario_file::resolved(&scenario(""));
        text.push_str(&format!("\n[[outage]]\nat_s = 1.0\nfor_s = 2.0\nwork = \"{work}\"\n"));
        let scenario = scenario_file::parse(&text, "test").unwrap();
        let jobs = [job(0, 0.0, 1.5, 0), job(1, 0.5, 1.0, 0)];
        let mut log = Log::of(2);
        drive_source(&scenario, 0, jobs.into_iter().collect::<VecDeque<_>>(), &mut log);
        log.left.iter().map(|left| (left.work.index, left.at_s)).collect::<Vec<_>>()
    };
    assert_eq!(story("restart"), [(0, 4.5), (1, 5.5)]);
    assert_eq!(story("resume"), [(0, 3.5), (1, 4.5)]);
}
