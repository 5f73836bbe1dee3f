//! The queue as splitting follows it: a state that can be copied, and laws that move it.

use super::Quantity;
use super::arrivals::{ArrivalLaw, Clock};
use super::service::ServiceLaw;
use crate::engine::Ring;
use crate::model::{Scenario, Terms};
use crate::sampling::Stream;

/// A queue that an arriving job sees; all chance comes from a stream that is not part of it.
#[derive(Debug, Clone)]
pub(super) struct State {
    clock: Clock,
    line: Line,
}

#[derive(Debug, Clone)]
enum Line {
    /// What each server still has to do, the least first, s.
    Central(Vec<f64>),
    /// Consumers that hold several jobs; when the next job is due, and when each of them is done, s.
    Ring { ring: Ring, due_s: f64, done_s: Vec<f64> },
}

/// The laws by which a queue moves, and what is counted.
#[derive(Debug, Clone)]
pub(super) struct System {
    arrivals: ArrivalLaw,
    service: ServiceLaw,
    servers: u32,
    /// Jobs that a consumer of a ring may hold.
    prefetch: Option<u32>,
    quantity: Quantity,
    pub beyond_s: f64,
    /// Jobs/s.
    pub arrival_rate: f64,
}

/// A queue at the moment when a job enters a level.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    state: State,
    /// What the job's service must exceed to enter, s; it is drawn again at each start from here.
    above_s: f64,
}

/// What becomes of a job.
pub(super) struct Step {
    /// Importance of the queue that the job meets.
    pub importance: f64,
    demand_s: f64,
}

impl System {
    /// The system of a scenario that is plain FCFS; `None` for arrivals that end.
    pub(super) fn new(scenario: &Scenario, quantity: Quantity, beyond_s: f64) -> Option<Self> {
        let (queue, service) = (scenario.queue(), ServiceLaw::new(scenario.service()));
        let servers = queue.servers();
        Some(System {
            arrivals: ArrivalLaw::new(scenario.arrivals())?,
            service,
            servers,
            prefetch: queue.prefetch().filter(|prefetch| servers > 1 && *prefetch > 1),
            quantity,
            beyond_s,
            arrival_rate: scenario.arrival_rate(),
        })
    }

    /// An empty queue, before its first job.
    pub(super) fn empty(&self, stream: &mut Stream) -> State {
        let line = match self.prefetch {
            Some(prefetch) => {
                let done_s = vec![0.0; self.servers as usize];
                Line::Ring { ring: Ring::new(self.servers, prefetch), due_s: 0.0, done_s }
            }
            None => Line::Central(vec![0.0; self.servers as usize]),
        };
        State { clock: self.arrivals.start(stream), line }
    }

    /// The next job arrives; gives the time since the one before, s.
    #[inline]
    pub(super) fn arrive(&self, state: &mut State, stream: &mut Stream) -> f64 {
        let gap_s = self.arrivals.gap(&mut state.clock, stream);
        match &mut state.line {
            Line::Central(left_s) => {
                left_s.iter_mut().for_each(|left_s| *left_s = (*left_s - gap_s).max(0.0))
            }
            Line::Ring { due_s, .. } => *due_s += gap_s,
        }
        gap_s
    }

    /// What the job that has arrived asks for.
    #[inline]
    pub(super) fn step(&self, state: &State, stream: &mut Stream) -> Step {
        let demand_s = self.service.sample(stream);
        Step { importance: self.importance(state, demand_s), demand_s }
    }

    /// How far a queue is on its way to a long wait: any figure would do, a good one saves runs.
    ///
    /// At a central line it is the wait, and up to two mean services for what the other servers have to do
    /// beyond it, so that it rises while servers are still idle and a single long job does not count for
    /// much. A single long service is all it takes to fill a heavy-tailed queue, so there it is the work with
    /// the arriving job's own, which is drawn anew at each start. In a ring a job may wait for any consumer.
    #[inline]
    fn importance(&self, state: &State, demand_s: f64) -> f64 {
        match &state.line {
            Line::Central(left_s) if self.redraws() => left_s[0] + demand_s,
            Line::Central(left_s) => {
                let (wait_s, most_s) = (left_s[0], 2.0 * self.service.mean());
                let beyond_s: f64 = left_s[1..].iter().map(|left_s| (left_s - wait_s).min(most_s)).sum();
                wait_s + beyond_s / left_s.len() as f64 + self.growth_s(&state.clock)
            }
            Line::Ring { due_s, done_s, .. } => {
                done_s.iter().map(|done_s| done_s - due_s).fold(0.0, f64::max)
            }
        }
    }

    /// By how much waits will have grown when jobs no longer come faster than they can be served, s.
    fn growth_s(&self, clock: &Clock) -> f64 {
        let Some((rate, left_s)) = self.arrivals.present(clock) else {
            return 0.0;
        };
        (left_s * (rate * self.service.mean() / f64::from(self.servers) - 1.0)).max(0.0)
    }

    /// Whether the service that made a queue enter a level is drawn anew.
    fn redraws(&self) -> bool {
        self.servers == 1 && self.service.is_heavy()
    }

    /// The job that has arrived joins the queue; gives what it counts for.
    #[inline]
    pub(super) fn serve(&self, state: &mut State, step: &Step) -> f64 {
        let wait_s = match &mut state.line {
            Line::Central(left_s) => {
                let wait_s = left_s[0];
                let done_s = wait_s + step.demand_s;
                let place = left_s[1..].iter().take_while(|left_s| **left_s < done_s).count();
                left_s.copy_within(1..=place, 0);
                left_s[place] = done_s;
                wait_s
            }
            Line::Ring { ring, due_s, done_s } => {
                let (timing, consumer) = ring.serve(*due_s, step.demand_s, Terms::IDEAL);
                done_s[consumer as usize] = timing.done_s;
                timing.start_s - *due_s
            }
        };
        match self.quantity {
            Quantity::Wait => f64::from(u8::from(wait_s > self.beyond_s)),
            // The service is independent of the wait, so its tail stands for it.
            Quantity::Sojourn => self.service.tail(self.beyond_s - wait_s),
        }
    }

    /// The moment of entering `level` by the job that has arrived.
    pub(super) fn entrance(&self, state: State, level: f64) -> Entrance {
        let above_s = match &state.line {
            Line::Central(left_s) if self.redraws() => level - left_s[0],
            _ => 0.0,
        };
        Entrance { state, above_s }
    }

    /// Goes on from an entrance: the queue, and what the job that has arrived asks for this time.
    pub(super) fn resume(&self, entrance: &Entrance, stream: &mut Stream) -> (State, Step) {
        let state = entrance.state.clone();
        let demand_s = self.service.sample_above(entrance.above_s, stream);
        let importance = self.importance(&state, demand_s);
        (state, Step { importance, demand_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Purpose;

    fn system(queue: &str) -> System {
        let text = format!(
            "schema = 1\nname = \"x\"\n[arrivals]\nrate = 3.2\n\
             process = {{ kind = \"mmpp\", levels = [1.0, 2.0], \
             mean_stay_s = [5.0, 5.0] }}\n[service]\nmean = 1.0\n[queue]\n{queue}\n"
        );
        let scenario = crate::scenario_file::parse(&text, "a test").unwrap();
        System::new(&scenario, Quantity::Wait, 1.0).unwrap()
    }

    /// Importances of the next hundred jobs.
    fn course(system: &System, entrance: &Entrance, number: u32) -> Vec<f64> {
        let mut stream = Stream::new(9, number, Purpose::Rare);
        let (mut state, mut step) = system.resume(entrance, &mut stream);
        let mut next = || {
            system.serve(&mut state, &step);
            system.arrive(&mut state, &mut stream);
            step = system.step(&state, &mut stream);
            step.importance
        };
        (0..100).map(|_| next()).collect()
    }

    #[test]
    fn copies_of_a_queue_share_their_past_and_no_chance() {
        for queue in ["servers = 4", "servers = 4\nprefetch = 3"] {
            let (system, mut stream) = (system(queue), Stream::new(9, 0, Purpose::Rare));
            let mut state = system.empty(&mut stream);
            for _ in 0..1000 {
                system.arrive(&mut state, &mut stream);
                let step = system.step(&state, &mut stream);
                system.serve(&mut state, &step);
            }
            system.arrive(&mut state, &mut stream);
            let entrance = system.entrance(state, 0.0);
            let (first, second) = (course(&system, &entrance, 1), course(&system, &entrance, 2));
            assert_eq!(first, course(&system, &entrance, 1), "a copy goes the same way with the same chance");
            assert!(first.iter().zip(&second).all(|(a, b)| a != b), "{queue}");
        }
    }

    #[test]
    fn a_service_that_is_drawn_anew_enters_the_level_again() {
        let text = "schema = 1\nname = \"x\"\n[arrivals]\nrate = 0.5\n[service]\nmean = 1.0\n\
                    shape = { kind = \"lomax\", tail = 3.5 }\n";
        let scenario = crate::scenario_file::parse(text, "a test").unwrap();
        let system = System::new(&scenario, Quantity::Wait, 100.0).unwrap();
        let mut stream = Stream::new(9, 0, Purpose::Rare);
        let mut state = system.empty(&mut stream);
        system.arrive(&mut state, &mut stream);
        let entrance = system.entrance(state, 30.0);
        let drawn: Vec<f64> = (0..100).map(|_| system.resume(&entrance, &mut stream).1.importance).collect();
        assert!(drawn.iter().all(|importance| *importance > 30.0));
        assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
