//! The statistics of one replication in the event engine.

use std::ops::Range;

use super::Replication;
use super::event::{Departure, Mark, Observer, Population, Work};
use super::flow::{Flow, Window};
use crate::model::{Outcome, Scenario};
use crate::output::Range as Bins;
use crate::sampling::Job;

/// Jobs that may come after the last measured one while measured ones are still there: as many again as
/// were measured, and these. A queue without a steady state would keep some for ever.
const PATIENCE_JOBS: u64 = 1_000_000;

/// How many measured jobs are still to come or to leave.
pub(super) struct Progress {
    measured: Range<u64>,
    outstanding: u64,
    arrived: u64,
}

impl Progress {
    pub(super) fn new(measured: &Range<u64>) -> Self {
        Progress { measured: measured.clone(), outstanding: measured.end - measured.start, arrived: 0 }
    }

    #[inline]
    pub(super) fn arrive(&mut self) {
        self.arrived += 1;
    }

    #[inline]
    pub(super) fn leave(&mut self, index: u64) {
        self.outstanding -= u64::from(self.measured.contains(&index));
    }

    /// Whether all have left, or it is not worth waiting for the rest.
    #[inline]
    pub(super) fn is_complete(&self) -> bool {
        let Range { start, end } = self.measured;
        self.outstanding == 0 || self.arrived > end + (end - start) + PATIENCE_JOBS
    }
}

/// Watches the measured jobs, in all and by class and station.
pub(super) struct Statistics<'s> {
    scenario: &'s Scenario,
    /// The measured jobs by their numbers.
    measured: Range<u64>,
    progress: Progress,
    open_s: f64,
    close_s: f64,
    departed: u64,
    populations: Vec<Population>,
    all: Flow,
    classes: Vec<ByClass>,
    stations: Vec<Flow>,
    departed_station: Vec<u64>,
}

/// A class, with its own part of the time averages.
struct ByClass {
    flow: Flow,
    /// Time that measured jobs were in service, s.
    served_s: f64,
    departed: u64,
    present_area: f64,
}

impl<'s> Statistics<'s> {
    /// Of the jobs with the numbers `measured`.
    pub(super) fn new(scenario: &'s Scenario, measured: Range<u64>) -> Self {
        let classes = scenario.classes().len();
        let stations = scenario.stations().len();
        let range = Bins::around(scenario.service().mean());
        Statistics {
            scenario,
            progress: Progress::new(&measured),
            measured,
            open_s: f64::INFINITY,
            close_s: f64::INFINITY,
            departed: 0,
            populations: Vec::new(),
            all: Flow::new(range),
            classes: (0..if classes > 1 { classes } else { 0 })
                .map(|_| ByClass { flow: Flow::new(range), served_s: 0.0, departed: 0, present_area: 0.0 })
                .collect(),
            stations: vec![Flow::new(range); if scenario.is_network() { stations } else { 0 }],
            departed_station: vec![0; stations],
        }
    }

    /// The part of a stay that lies in the window, s.
    fn inside_s(&self, from_s: f64, to_s: f64) -> f64 {
        (to_s.min(self.close_s) - from_s.max(self.open_s)).max(0.0)
    }

    fn is_inside(&self, instant_s: f64) -> bool {
        instant_s > self.open_s && instant_s <= self.close_s
    }

    pub(super) fn finish(self) -> Replication {
        let span_s = self.close_s - self.open_s;
        let servers = |station: usize| self.scenario.stations()[station].queue().servers();
        let window = |station: usize| Window {
            span_s,
            present_area: self.populations[station].present_area,
            serving_area: self.populations[station].serving_area,
            departed: self.departed_station[station],
            servers: servers(station),
        };
        let every = || 0..self.populations.len();
        let whole = Window {
            span_s,
            present_area: every().map(|station| window(station).present_area).sum(),
            serving_area: every().map(|station| window(station).serving_area).sum(),
            departed: self.departed,
            servers: every().map(servers).sum(),
        };
        let stations = self.stations.iter().enumerate();
        let stations = stations.map(|(station, flow)| flow.clone().finish(window(station))).collect();
        let classes = self.classes.into_iter().map(|class| {
            // What a class has in service is what its jobs got, but for the edges of the window.
            let serving_area = class.served_s.min(class.present_area);
            let (present_area, departed) = (class.present_area, class.departed);
            class.flow.finish(Window { present_area, serving_area, departed, ..whole })
        });
        Replication { classes: classes.collect(), stations, ..self.all.finish(whole) }
    }
}

/// How a job's stay at a station, or in the system, is counted.
fn count(flow: &mut Flow, departure: &Departure, wait_s: f64, sojourn_s: f64) {
    match departure.outcome {
        Outcome::Served | Outcome::DeadLettered => {
            flow.serve(departure.outcome, wait_s, sojourn_s, wait_s > 0.0);
        }
        lost => flow.lose(lost),
    }
}

impl Observer for Statistics<'_> {
    #[inline]
    fn arrive(&mut self, job: &Job) -> Mark {
        self.progress.arrive();
        if !self.measured.contains(&job.index) {
            return Mark::None;
        }
        self.all.demand_s += job.demand_s;
        if let Some(class) = self.classes.get_mut(job.class as usize) {
            class.flow.demand_s += job.demand_s;
        }
        if job.index == self.measured.start {
            self.open_s = job.due_s;
            return Mark::Open;
        }
        if job.index + 1 == self.measured.end {
            self.close_s = job.due_s;
            return Mark::Close;
        }
        Mark::None
    }

    fn visit(&mut self, station: usize, departure: &Departure) {
        let work = &departure.work;
        if departure.outcome == Outcome::Served && self.is_inside(departure.at_s) {
            self.departed_station[station] += 1;
        }
        if self.measured.contains(&work.index) {
            let flow = &mut self.stations[station];
            flow.demand_s += work.demand_s;
            count(flow, departure, work.wait_s(), departure.at_s - work.arrived_s);
        }
    }

    #[inline]
    fn leave(&mut self, departure: &Departure) {
        let work = &departure.work;
        self.progress.leave(work.index);
        let served_inside = departure.outcome == Outcome::Served && self.is_inside(departure.at_s);
        self.departed += u64::from(served_inside);
        if !self.classes.is_empty() {
            let inside_s = self.inside_s(work.due_s, departure.at_s);
            let class = &mut self.classes[work.class as usize];
            class.departed += u64::from(served_inside);
            class.present_area += inside_s;
        }
        if self.measured.contains(&work.index) {
            let (wait_s, sojourn_s) = (work.waited_s + work.wait_s(), departure.at_s - work.due_s);
            count(&mut self.all, departure, wait_s, sojourn_s);
            if let Some(class) = self.classes.get_mut(work.class as usize) {
                count(&mut class.flow, departure, wait_s, sojourn_s);
                class.served_s += work.served_s;
            }
        }
    }

    fn close(&mut self, _now_s: f64, populations: &[Population]) {
        self.populations = populations.to_vec();
        if !self.scenario.is_network() {
            self.departed_station[0] = self.departed;
        }
    }

    #[inline]
    fn has_seen_enough(&self, _next_s: f64) -> bool {
        self.progress.is_complete()
    }

    fn remain(&mut self, work: &Work) {
        if !self.classes.is_empty() {
            let inside_s = self.inside_s(work.due_s, f64::INFINITY);
            self.classes[work.class as usize].present_area += inside_s;
        }
        if self.measured.contains(&work.index) {
            self.all.lose(Outcome::Unfinished);
            if let Some(class) = self.classes.get_mut(work.class as usize) {
                class.flow.lose(Outcome::Unfinished);
            }
        }
    }
}
