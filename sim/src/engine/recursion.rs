//! The FCFS recursion for one consumer with a prefetch limit and four overhead terms.

use std::collections::VecDeque;

use crate::model::Terms;

/// What the recursion says of one job, s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// When service begins.
    pub start_s: f64,
    /// When service ends.
    pub done_s: f64,
}

/// Lindley's recursion for one FCFS consumer that may hold `prefetch` jobs.
///
/// ```text
/// ready_n = max(due_n + i, ready_{n-1}, done_{n-k} + t)
/// start_n = max(ready_n, done_{n-1} + h)
/// done_n  = start_n + S_n + o
/// ```
///
/// with k = `prefetch` and i, t, h, o = the [`Terms`]; a term with an index below the first job is
/// absent. With [`Terms::IDEAL`] it is the textbook's W_{n+1} = max(0, W_n + S_n − A_{n+1}), whatever k is.
/// At k = 1 it is an M/G/1 with occupancy S + o + t when arrivals are Poisson.
///
/// # Units
/// Instants in seconds since any common origin; jobs in the order in which they reach the broker.
///
/// # Examples
/// ```
/// use sim::{engine::Recursion, model::Terms};
/// let mut queue = Recursion::new(1, Terms { turnaround_s: 0.5, ..Terms::IDEAL });
/// queue.serve(0.0, 2.0);
/// assert_eq!(queue.serve(1.0, 2.0).start_s, 2.5); // done at 2, and half a second to turn around
/// ```
///
/// # References
/// Lindley 1952, *Proc. Camb. Phil. Soc.* 48; Kiefer & Wolfowitz 1955, *Trans. AMS* 78.
#[derive(Debug, Clone)]
pub struct Recursion {
    terms: Terms,
    prefetch: usize,
    ready_s: f64,
    done_s: f64,
    held: VecDeque<f64>,
}

impl Recursion {
    /// An empty queue whose consumer may hold `prefetch` jobs; 0 is read as 1.
    pub fn new(prefetch: u32, terms: Terms) -> Self {
        let prefetch = prefetch.max(1) as usize;
        let (ready_s, done_s) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        Recursion { terms, prefetch, ready_s, done_s, held: VecDeque::with_capacity(prefetch) }
    }

    /// The overheads.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Serves the next job.
    #[inline]
    pub fn serve(&mut self, due_s: f64, demand_s: f64) -> Timing {
        let terms = &self.terms;
        let mut ready_s = (due_s + terms.idle_path_s).max(self.ready_s);
        if self.held.len() == self.prefetch {
            let freed_s = self.held.pop_front().expect("the consumer holds `prefetch` >= 1 jobs");
            ready_s = ready_s.max(freed_s + terms.turnaround_s);
        }
        let start_s = ready_s.max(self.done_s + terms.hand_over_s);
        let done_s = start_s + demand_s + terms.overshoot_s;
        self.ready_s = ready_s;
        self.done_s = done_s;
        self.held.push_back(done_s);
        Timing { start_s, done_s }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serve_all(prefetch: u32, terms: Terms, jobs: &[(f64, f64)]) -> Vec<Timing> {
        let mut queue = Recursion::new(prefetch, terms);
        let mut due_s = 0.0;
        jobs.iter()
            .map(|(gap, demand)| {
                due_s += gap;
                queue.serve(due_s, *demand)
            })
            .collect()
    }

    fn jobs() -> impl Strategy<Value = Vec<(f64, f64)>> {
        proptest::collection::vec((0.0..0.02_f64, 0.0..0.02_f64), 1..200)
    }

    fn terms() -> impl Strategy<Value = Terms> {
        (0.0..2e-3_f64, 0.0..2e-3_f64, 0.0..2e-3_f64, 0.0..2e-3_f64).prop_map(|(i, t, h, o)| Terms {
            idle_path_s: i,
            turnaround_s: t,
            hand_over_s: h,
            overshoot_s: o,
        })
    }

    proptest! {
        #[test]
        fn without_overheads_any_prefetch_is_lindleys_queue(jobs in jobs(), prefetch in 1_u32..12) {
            let timings = serve_all(prefetch, Terms::IDEAL, &jobs);
            let (mut wait, mut due) = (0.0_f64, 0.0);
            for (n, (gap, demand)) in jobs.iter().enumerate() {
                due += gap;
                if n > 0 {
                    wait = (wait + jobs[n - 1].1 - gap).max(0.0);
                }
                prop_assert!((timings[n].start_s - due - wait).abs() < 1e-12);
                prop_assert!((timings[n].done_s - due - wait - demand).abs() < 1e-12);
            }
        }

        #[test]
        fn more_overhead_never_starts_a_job_earlier(
            jobs in jobs(), a in terms(), b in terms(), prefetch in 1_u32..6,
        ) {
            let sum = Terms {
                idle_path_s: a.idle_path_s + b.idle_path_s,
                turnaround_s: a.turnaround_s + b.turnaround_s,
                hand_over_s: a.hand_over_s + b.hand_over_s,
                overshoot_s: a.overshoot_s + b.overshoot_s,
            };
            for (less, more) in serve_all(prefetch, a, &jobs).iter().zip(serve_all(prefetch, sum, &jobs)) {
                prop_assert!(less.start_s <= more.start_s + 1e-12);
            }
        }

        #[test]
        fn a_larger_prefetch_never_starts_a_job_later(jobs in jobs(), terms in terms(), prefetch in 1_u32..6) {
            let larger = serve_all(prefetch + 1, terms, &jobs);
            for (small, large) in serve_all(prefetch, terms, &jobs).iter().zip(larger) {
                prop_assert!(large.start_s <= small.start_s + 1e-12);
            }
        }

        #[test]
        fn one_job_is_served_at_a_time_and_in_order(jobs in jobs(), terms in terms(), prefetch in 1_u32..6) {
            for pair in serve_all(prefetch, terms, &jobs).windows(2) {
                prop_assert!(pair[1].start_s >= pair[0].done_s);
            }
        }
    }

    #[test]
    fn an_idle_consumer_starts_a_job_after_the_idle_path() {
        let terms = Terms { idle_path_s: 0.3, ..Terms::IDEAL };
        assert_eq!(Recursion::new(1, terms).serve(1.0, 2.0), Timing { start_s: 1.3, done_s: 3.3 });
    }

    #[test]
    fn a_second_job_in_hand_hides_the_turnaround_but_not_the_hand_over() {
        let terms = Terms { turnaround_s: 0.5, hand_over_s: 0.125, ..Terms::IDEAL };
        let jobs = [(0.0, 2.0), (0.0, 2.0), (0.0, 2.0)];
        assert_eq!(serve_all(1, terms, &jobs)[2].start_s, 5.0);
        assert_eq!(serve_all(2, terms, &jobs)[2].start_s, 4.25);
    }

    #[test]
    fn a_short_job_in_hand_leaves_part_of_the_turnaround_visible() {
        let terms = Terms { turnaround_s: 0.5, ..Terms::IDEAL };
        let jobs = [(0.0, 2.0), (0.0, 0.2), (0.0, 2.0)];
        assert_eq!(serve_all(2, terms, &jobs)[2].start_s, 2.5);
    }
}
