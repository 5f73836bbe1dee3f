//! Replications by a recursion: first come, first served, job by job without events.

use std::collections::VecDeque;

use super::Replication;
use super::flow::{Backlog, Flow};
use super::recursion::{Recursion, Timing};
use super::ring::Ring;
use super::servers::Servers;
use crate::model::{JobRecord, Outcome, Overheads, Scenario, Terms};
use crate::output::Range;
use crate::sampling::{Job, Jobs, OverheadSampler};

/// A recursion that serves jobs in the order in which they are due.
pub(super) trait Fcfs {
    /// What becomes of the next job, the server's number, and its idle path, which is no waiting, s.
    fn serve(&mut self, due_s: f64, demand_s: f64) -> (Timing, u32, f64);
}

impl Fcfs for Servers {
    #[inline]
    fn serve(&mut self, due_s: f64, demand_s: f64) -> (Timing, u32, f64) {
        let (timing, server) = Servers::serve(self, due_s, demand_s);
        (timing, server, 0.0)
    }
}

impl Fcfs for Recursion {
    #[inline]
    fn serve(&mut self, due_s: f64, demand_s: f64) -> (Timing, u32, f64) {
        (Recursion::serve(self, due_s, demand_s), 0, self.terms().idle_path_s)
    }
}

/// A ring whose jobs have overheads of their own.
#[derive(Debug, Clone)]
pub(super) struct Overheaded {
    pub ring: Ring,
    pub overheads: OverheadSampler,
}

impl Fcfs for Overheaded {
    fn serve(&mut self, due_s: f64, demand_s: f64) -> (Timing, u32, f64) {
        let terms = self.overheads.sample();
        let (timing, server) = self.ring.serve(due_s, demand_s, terms);
        (timing, server, terms.idle_path_s)
    }
}

/// The recursion that fits a scenario.
pub(super) enum Choice {
    Servers(Servers),
    Recursion(Recursion),
    Ring(Box<Overheaded>),
}

impl Choice {
    /// For a scenario that [`Scenario::is_plain_fcfs`].
    pub(super) fn of(scenario: &Scenario, overheads: &Overheads, replication: u32) -> Self {
        let queue = scenario.queue();
        let constants = overheads.constants();
        let ideal = constants == Some(Terms::IDEAL);
        let central = queue.prefetch().is_none() || queue.servers() == 1;
        match constants {
            _ if ideal && central => Choice::Servers(Servers::new(queue.servers())),
            Some(terms) if queue.servers() == 1 => {
                Choice::Recursion(Recursion::new(scenario.effective_prefetch(), terms))
            }
            _ => Choice::Ring(Box::new(Overheaded {
                ring: Ring::new(queue.servers(), scenario.effective_prefetch()),
                overheads: OverheadSampler::new(overheads, scenario.run().seed(), replication),
            })),
        }
    }
}

/// One replication of a scenario by its recursion, in successive parts of the same length.
pub(super) fn replicate(
    scenario: &Scenario,
    overheads: &Overheads,
    replication: u32,
    parts: u32,
) -> Vec<Replication> {
    match Choice::of(scenario, overheads, replication) {
        Choice::Servers(queue) => run(scenario, replication, queue, parts),
        Choice::Recursion(queue) => run(scenario, replication, queue, parts),
        Choice::Ring(queue) => run(scenario, replication, *queue, parts),
    }
}

/// The waits of the first jobs of a replication, s.
pub(super) fn waits(scenario: &Scenario, overheads: &Overheads, replication: u32, jobs: usize) -> Vec<f64> {
    fn first(scenario: &Scenario, replication: u32, mut queue: impl Fcfs, jobs: usize) -> Vec<f64> {
        let jobs = Jobs::new(scenario, replication).take(jobs);
        jobs.map(|job| queue.serve(job.due_s, job.demand_s).0.start_s - job.due_s).collect()
    }
    match Choice::of(scenario, overheads, replication) {
        Choice::Servers(queue) => first(scenario, replication, queue, jobs),
        Choice::Recursion(queue) => first(scenario, replication, queue, jobs),
        Choice::Ring(queue) => first(scenario, replication, *queue, jobs),
    }
}

/// Jobs that may still be there.
#[derive(Default)]
struct Present(VecDeque<Timing>);

impl Present {
    #[inline]
    fn pass(&mut self, due_s: f64, timing: Timing) {
        while self.0.pop_front_if(|first| first.done_s <= due_s).is_some() {}
        self.0.push_back(timing);
    }

    /// What the jobs that are not done at an instant still have before them.
    fn backlog(&self, at_s: f64) -> Backlog {
        let mut backlog = Backlog::default();
        for timing in self.0.iter().filter(|timing| timing.done_s > at_s) {
            backlog.jobs += 1;
            backlog.until_start_s += (timing.start_s - at_s).max(0.0);
            backlog.until_done_s += timing.done_s - at_s;
        }
        backlog
    }
}

/// A queue on its way through the jobs of a replication.
struct Course<'s, Q> {
    scenario: &'s Scenario,
    jobs: Jobs,
    queue: Q,
    present: Present,
}

fn run(scenario: &Scenario, replication: u32, queue: impl Fcfs, parts: u32) -> Vec<Replication> {
    let jobs = Jobs::new(scenario, replication);
    let mut course = Course { scenario, jobs, queue, present: Present::default() };
    let length = scenario.run();
    course.pass(length.warmup_jobs());
    (0..parts).map(|_| course.measure(length.jobs() / u64::from(parts))).collect()
}

impl<Q: Fcfs> Course<'_, Q> {
    /// Serves jobs that are not measured.
    fn pass(&mut self, jobs: u64) {
        for _ in 0..jobs {
            let job = self.jobs.next_job();
            let (timing, ..) = self.queue.serve(job.due_s, job.demand_s);
            self.present.pass(job.due_s, timing);
        }
    }

    /// The statistics of the next jobs.
    fn measure(&mut self, jobs: u64) -> Replication {
        let (open_s, mut close_s) = (self.jobs.due_s(), 0.0);
        let opening = self.present.backlog(open_s);
        let mut flow = Flow::new(Range::around(self.scenario.service().mean()));
        for _ in 0..jobs {
            let job = self.jobs.next_job();
            let (timing, _, idle_path_s) = self.queue.serve(job.due_s, job.demand_s);
            self.present.pass(job.due_s, timing);
            close_s = job.due_s;
            let (wait_s, sojourn_s) = (timing.start_s - job.due_s, timing.done_s - job.due_s);
            // A job that only passes the idle path differs from it by rounding.
            let grace_s = if idle_path_s > 0.0 { 1e-12 * job.due_s.max(1.0) } else { 0.0 };
            flow.demand_s += job.demand_s;
            flow.serve(Outcome::Served, wait_s, sojourn_s, wait_s > idle_path_s + grace_s);
        }
        let closing = self.present.backlog(close_s);
        flow.finish_fcfs(close_s - open_s, self.scenario.queue().servers(), opening, closing)
    }
}

/// The driven jobs of replication 0 by the recursion, with their timings and servers.
pub(super) fn drive(scenario: &Scenario, overheads: &Overheads, visit: impl FnMut(&Job, Timing, u32)) {
    fn pass(scenario: &Scenario, mut queue: impl Fcfs, mut visit: impl FnMut(&Job, Timing, u32)) {
        for job in Jobs::new(scenario, 0).take(scenario.drive().total() as usize) {
            let (timing, server, _) = queue.serve(job.due_s, job.demand_s);
            visit(&job, timing, server);
        }
    }
    match Choice::of(scenario, overheads, 0) {
        Choice::Servers(queue) => pass(scenario, queue, visit),
        Choice::Recursion(queue) => pass(scenario, queue, visit),
        Choice::Ring(queue) => pass(scenario, *queue, visit),
    }
}

/// The driven jobs of replication 0 as rows.
pub(super) fn trajectory(scenario: &Scenario, overheads: &Overheads) -> Vec<JobRecord> {
    let mut rows = Vec::with_capacity(scenario.drive().total() as usize);
    drive(scenario, overheads, |job, timing, server| {
        rows.push(JobRecord {
            start_s: Some(timing.start_s),
            done_s: Some(timing.done_s),
            server: Some(server),
            attempts: 1,
            outcome: Outcome::Served,
            ..super::trajectory::unserved(scenario, job)
        });
    });
    rows
}
