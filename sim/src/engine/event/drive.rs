//! The loop: the earliest of the next arrival and the stations' next events, again and again.

use super::line::{ByRank, Fifo, Lifo, Line, Shortest, Shuffled};
use super::node::{Node, Population};
use super::sharing::Sharing;
use super::source::{FiniteSource, Source};
use super::station::Station;
use super::trouble::Trouble;
use super::{Departure, Mark, Observer, Work};
use crate::model::{Discipline, Outcome, Routing, Scenario};
use crate::sampling::{Jobs, Purpose, Sampler, Stream};

/// Runs one replication of a scenario until the observer has seen enough.
pub(in crate::engine) fn drive(scenario: &Scenario, replication: u32, observer: &mut impl Observer) {
    if scenario.is_network() {
        return Network::new(scenario, replication).run(observer);
    }
    match FiniteSource::new(scenario, replication) {
        Some(source) => drive_source(scenario, replication, source, observer),
        None => drive_source(scenario, replication, Jobs::new(scenario, replication), observer),
    };
}

/// Runs the jobs of a source through a scenario's only station; gives the population at the end.
pub(super) fn drive_source(
    scenario: &Scenario,
    replication: u32,
    source: impl Source,
    observer: &mut impl Observer,
) -> Population {
    let ranks = ranks(scenario);
    let count = ranks_in(&ranks);
    build(scenario, replication, 0, count, Run { ranks, source, observer })
}

/// What is to be done with a station, whatever its type is.
trait Builder {
    type Output;

    /// The scenario has this station.
    fn with(self, node: impl Node + 'static) -> Self::Output;
}

/// Decides, once, which station of a scenario is compiled in.
fn build<B: Builder>(
    scenario: &Scenario,
    replication: u32,
    station: usize,
    ranks: usize,
    builder: B,
) -> B::Output {
    let queue = scenario.stations()[station].queue();
    let order = || Stream::of_class(scenario.run().seed(), replication, Purpose::Order, station as u32);
    let trouble = Trouble::new(scenario, replication, station);
    let servers = queue.servers();
    match queue.discipline() {
        Discipline::Fcfs {} => with_line(Fifo::default(), servers, trouble, builder),
        Discipline::Lcfs {} => with_line(Lifo::<false>::default(), servers, trouble, builder),
        Discipline::LcfsPreemptive {} => with_line(Lifo::<true>::default(), servers, trouble, builder),
        Discipline::Random {} => with_line(Shuffled::new(order()), servers, trouble, builder),
        Discipline::Sjf {} => with_line(Shortest::<false>::default(), servers, trouble, builder),
        Discipline::Srpt {} => with_line(Shortest::<true>::default(), servers, trouble, builder),
        Discipline::Priority { preemptive: false } => {
            with_line(ByRank::<false>::new(ranks), servers, trouble, builder)
        }
        Discipline::Priority { preemptive: true } => {
            with_line(ByRank::<true>::new(ranks), servers, trouble, builder)
        }
        Discipline::ProcessorSharing {} => {
            builder.with(Sharing::new(servers, queue.capacity().unwrap_or(u32::MAX)))
        }
    }
}

/// Without trouble the station is plain, and all that deals with trouble is left out.
fn with_line<B: Builder>(line: impl Line + 'static, servers: u32, trouble: Trouble, builder: B) -> B::Output {
    if trouble.is_none() {
        builder.with(Station::<_, true>::new(line, servers, trouble))
    } else {
        builder.with(Station::<_, false>::new(line, servers, trouble))
    }
}

fn ranks_in(ranks: &[u32]) -> usize {
    1 + ranks.iter().copied().max().unwrap_or(0) as usize
}

/// Rank of each class: classes of one priority share it.
fn ranks(scenario: &Scenario) -> Vec<u32> {
    let mut priorities: Vec<u32> = scenario.classes().iter().map(|class| class.priority()).collect();
    let ranks = priorities.clone();
    priorities.sort_unstable();
    priorities.dedup();
    let rank = |priority| priorities.partition_point(|other| *other < priority) as u32;
    ranks.into_iter().map(rank).collect()
}

/// The only station is driven.
struct Run<'o, S, O> {
    ranks: Vec<u32>,
    source: S,
    observer: &'o mut O,
}

impl<S: Source, O: Observer> Builder for Run<'_, S, O> {
    type Output = Population;

    fn with(self, mut node: impl Node + 'static) -> Population {
        let Run { ranks, mut source, observer } = self;
        let mut out = Vec::with_capacity(4);
        loop {
            let (due_s, event_s) = (source.due_s(), node.next_event_s());
            if observer.has_seen_enough(due_s.min(event_s)) {
                break;
            }
            if event_s <= due_s {
                if event_s == f64::INFINITY {
                    break;
                }
                node.advance(&mut out);
            } else {
                let job = source.next_job();
                match observer.arrive(&job) {
                    Mark::None => {}
                    Mark::Open => node.population().open(job.due_s),
                    Mark::Close => {
                        node.population().pass(job.due_s);
                        observer.close(job.due_s, &[*node.population()]);
                    }
                }
                node.arrive(job.due_s, Work::new(job, ranks[job.class as usize]), &mut out);
            }
            for departure in out.drain(..) {
                source.freed(departure.at_s);
                observer.leave(&departure);
            }
        }
        node.present().for_each(|work| observer.remain(work));
        *node.population()
    }
}

/// Several stations and the ways between them.
struct Network<'s> {
    scenario: &'s Scenario,
    nodes: Vec<Box<dyn Node>>,
    ranks: Vec<u32>,
    /// Demands by class and station.
    services: Vec<Vec<(Sampler, Stream)>>,
    routing: Stream,
    source: Jobs,
}

impl<'s> Network<'s> {
    fn new(scenario: &'s Scenario, replication: u32) -> Self {
        let seed = scenario.run().seed();
        let ranks = ranks(scenario);
        let count = ranks_in(&ranks);
        let stations = 0..scenario.stations().len();
        let service = |class: usize, station: usize| {
            let service = scenario.service_of(class, station);
            // The first streams are those of `Jobs`; who returns to the first station must not repeat them.
            let number = ((station + 1) * scenario.classes().len() + class) as u32;
            let stream = Stream::of_class(seed, replication, Purpose::Services, number);
            (Sampler::new(service.shape().clone(), service.mean()), stream)
        };
        let classes = 0..scenario.classes().len();
        Network {
            scenario,
            nodes: stations
                .clone()
                .map(|station| build(scenario, replication, station, count, Boxed))
                .collect(),
            ranks,
            services: classes.map(|class| stations.clone().map(|s| service(class, s)).collect()).collect(),
            routing: Stream::new(seed, replication, Purpose::Routing),
            source: Jobs::new(scenario, replication),
        }
    }

    fn run(mut self, observer: &mut impl Observer) {
        let mut out = Vec::with_capacity(4);
        loop {
            let next = |node: &dyn Node| node.next_event_s();
            let (station, event_s) = self
                .nodes
                .iter()
                .enumerate()
                .map(|(station, node)| (station, next(node.as_ref())))
                // Of equals the first: `min_by` keeps it.
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .expect("a network has stations");
            let due_s = self.source.due_s();
            if observer.has_seen_enough(due_s.min(event_s)) || event_s.min(due_s) == f64::INFINITY {
                break;
            }
            if event_s <= due_s {
                self.nodes[station].advance(&mut out);
                self.settle(station, &mut out, observer);
            } else {
                self.enter(&mut out, observer);
            }
        }
        for node in &self.nodes {
            node.present().for_each(|work| observer.remain(work));
        }
    }

    /// The next job comes from outside.
    fn enter(&mut self, out: &mut Vec<Departure>, observer: &mut impl Observer) {
        let job = self.source.next_job();
        match observer.arrive(&job) {
            Mark::None => {}
            Mark::Open => self.nodes.iter_mut().for_each(|node| node.population().open(job.due_s)),
            Mark::Close => {
                let close = |node: &mut Box<dyn Node>| {
                    node.population().pass(job.due_s);
                    *node.population()
                };
                let populations: Vec<_> = self.nodes.iter_mut().map(close).collect();
                observer.close(job.due_s, &populations);
            }
        }
        let class = job.class as usize;
        let station = match self.scenario.classes()[class].arrivals().first() {
            Some(first) => choose(first, &mut self.routing).expect("jobs enter somewhere"),
            None => 0,
        };
        let mut work = Work::new(job, self.ranks[class]);
        if station > 0 {
            let (sampler, stream) = &mut self.services[class][station];
            work.demand_s = sampler.sample(stream);
            work.remaining_s = work.demand_s;
        }
        self.nodes[station].arrive(job.due_s, work, out);
        self.settle(station, out, observer);
    }

    /// Sends on whoever left a station, and whoever leaves another because of that.
    fn settle(&mut self, station: usize, out: &mut Vec<Departure>, observer: &mut impl Observer) {
        let mut moving: Vec<(usize, Departure)> = out.drain(..).map(|left| (station, left)).collect();
        while let Some((station, departure)) = moving.pop() {
            observer.visit(station, &departure);
            let next = match departure.outcome {
                Outcome::Served => choose(self.scenario.stations()[station].next(), &mut self.routing),
                _ => None,
            };
            let Some(next) = next else {
                observer.leave(&departure);
                continue;
            };
            let (sampler, stream) = &mut self.services[departure.work.class as usize][next];
            let work = departure.work.at_next_station(departure.at_s, sampler.sample(stream));
            self.nodes[next].arrive(departure.at_s, work, out);
            moving.extend(out.drain(..).map(|left| (next, left)));
        }
    }
}

/// A station of a network is kept behind a pointer, so that those of several types stand side by side.
struct Boxed;

impl Builder for Boxed {
    type Output = Box<dyn Node>;

    fn with(self, node: impl Node + 'static) -> Box<dyn Node> {
        Box::new(node)
    }
}

/// A station by its probability, or the way out.
fn choose(routing: &Routing, stream: &mut Stream) -> Option<usize> {
    let mut place = stream.uniform();
    let found = routing.stations().find(|(_, probability)| {
        place -= probability;
        place < 0.0
    });
    match found {
        Some((station, _)) => Some(station),
        // Rounding must not open a way out where there is none.
        None if routing.exit() == 0.0 => routing.stations().last().map(|(station, _)| station),
        None => None,
    }
}
