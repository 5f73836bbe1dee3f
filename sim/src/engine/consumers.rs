//! The FCFS recursion for any number of consumers.

use super::fcfs::{Choice, Fcfs, Overheaded};
use super::recursion::{Recursion, Timing};
use super::ring::Ring;
use super::servers::Servers;
use crate::model::{Overheads, Scenario, Terms};

/// The recursion that fits a number of consumers: what a replay of measured jobs goes through.
///
/// | consumers | prefetch | recursion |
/// |---|---|---|
/// | 1 | any | [`Recursion`] |
/// | more | none, and no overheads | [`Servers`]: one central line |
/// | more | some, or overheads | [`Ring`], at prefetch 1 where none is named |
///
/// # Examples
/// ```
/// use sim::{engine::Consumers, model::Terms};
/// let mut pair = Consumers::new(2, None, Terms::IDEAL);
/// pair.serve(0.0, 5.0);
/// pair.serve(0.0, 2.0);
/// assert_eq!(pair.serve(1.0, 1.0).start_s, 2.0);
/// ```
#[derive(Debug, Clone)]
pub struct Consumers(Kind);

#[derive(Debug, Clone)]
enum Kind {
    One(Recursion),
    Central(Servers),
    Ring(Box<Ring>, Terms),
    Varying(Box<Overheaded>),
}

impl Consumers {
    /// The idle consumers of a plain FCFS scenario, whose overheads may differ from job to job: those of one replication.
    pub fn of(scenario: &Scenario, overheads: &Overheads, replication: u32) -> Self {
        Consumers(match Choice::of(scenario, overheads, replication) {
            Choice::Servers(queue) => Kind::Central(queue),
            Choice::Recursion(queue) => Kind::One(queue),
            Choice::Ring(queue) => Kind::Varying(queue),
        })
    }

    /// Idle consumers with the same overheads for every job; 0 of them, or a prefetch of 0, is read as 1.
    pub fn new(count: u32, prefetch: Option<u32>, terms: Terms) -> Self {
        Consumers(match (count, prefetch) {
            (0 | 1, _) => Kind::One(Recursion::new(prefetch.unwrap_or(1), terms)),
            (_, None) if terms == Terms::IDEAL => Kind::Central(Servers::new(count)),
            _ => Kind::Ring(Box::new(Ring::new(count, prefetch.unwrap_or(1))), terms),
        })
    }

    /// Serves the next job, in the order in which jobs reach the broker.
    #[inline]
    pub fn serve(&mut self, due_s: f64, demand_s: f64) -> Timing {
        match &mut self.0 {
            Kind::One(queue) => queue.serve(due_s, demand_s),
            Kind::Central(queue) => queue.serve(due_s, demand_s).0,
            Kind::Ring(queue, terms) => queue.serve(due_s, demand_s, *terms).0,
            Kind::Varying(queue) => queue.serve(due_s, demand_s).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::trajectory;
    use crate::model::{Overhead, Shape};
    use crate::scenario_file;

    #[test]
    fn it_serves_what_the_trajectory_of_a_scenario_has() {
        let terms = Terms { idle_path_s: 4e-4, turnaround_s: 3e-4, hand_over_s: 2e-5, overshoot_s: 1e-5 };
        for (servers, prefetch, terms) in [
            (1, Some(1), terms),
            (1, Some(3), terms),
            (3, Some(1), terms),
            (3, Some(4), terms),
            (3, None, Terms::IDEAL),
        ] {
            let prefetch_line = prefetch.map_or_else(String::new, |k| format!("prefetch = {k}\n"));
            let text = format!(
                "schema = 1\nname = \"t\"\n[arrivals]\nrate = {}\n[service]\nmean = 0.005\n[queue]\nservers = {servers}\n{prefetch_line}",
                150.0 * f64::from(servers)
            );
            let scenario = scenario_file::parse(&text, "test").unwrap();
            let varying = Overheads {
                turnaround: Overhead::Shaped(terms.turnaround_s, Shape::Exponential {}),
                ..Overheads::from(terms)
            };
            let constant = Consumers::new(servers, prefetch, terms);
            let of_scenario = Consumers::of(&scenario, &Overheads::from(terms), 0);
            let of_varying = Consumers::of(&scenario, &varying, 0);
            let queues = [(constant, terms.into()), (of_scenario, terms.into()), (of_varying, varying)];
            for (mut queue, overheads) in queues {
                for row in trajectory(&scenario, overheads) {
                    assert_eq!(queue.serve(row.due_s, row.demand_s).start_s, row.start_s.unwrap());
                }
            }
        }
    }
}
