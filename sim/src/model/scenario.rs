//! A scenario: what is run; never where, never what was measured.

use serde::Serialize;

use super::{
    ArrivalProcess, Arrivals, Class, Discipline, Experiment, Initial, Margins, Outage, Queue, Rate, Service,
    Station, Transient,
};

/// A complete, valid description of a queue, or a network of queues, and of how long to look at it.
///
/// λ is given once; utilization, offered load and the Kendall name are derived.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub(crate) schema: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    /// At least one; the only one has an empty name and a service, or is of a network.
    pub(crate) classes: Vec<Class>,
    /// At least one; the only one that is no network has an empty name.
    pub(crate) stations: Vec<Station>,
    pub(crate) outages: Vec<Outage>,
    pub(crate) initial: Option<Initial>,
    pub(crate) transient: Option<Transient>,
    pub(crate) run: RunLength,
    pub(crate) drive: DriveLength,
    pub(crate) experiment: Option<Experiment>,
    pub(crate) margins: Margins,
}

/// The simulation's effort.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLength {
    pub(crate) seed: u64,
    pub(crate) jobs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warmup_jobs: Option<u64>,
    pub(crate) replications: u32,
}

/// Most jobs of a replication: nothing is kept of them but statistics, whose counts have 32 bits.
pub const MOST_JOBS: u64 = 4_000_000_000;

impl RunLength {
    /// Seed of all streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Measured jobs per replication.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Jobs per replication before the measured ones; none while their number is left to be found.
    pub fn warmup_jobs(&self) -> u64 {
        self.warmup_jobs.unwrap_or(0)
    }

    /// Whether the scenario leaves it to the simulation how long the start shows.
    pub fn has_open_warmup(&self) -> bool {
        self.warmup_jobs.is_none()
    }

    /// Independent replications; a single one is cut into parts.
    pub fn replications(&self) -> u32 {
        self.replications
    }
}

/// The live run's length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriveLength {
    pub(crate) jobs: u64,
    pub(crate) warmup_jobs: u64,
}

impl DriveLength {
    /// Seconds of measured load when a scenario does not say.
    pub const DEFAULT_S: f64 = 30.0;
    /// Seconds of warm-up when a scenario does not say.
    pub const DEFAULT_WARMUP_S: f64 = 2.0;

    /// Measured jobs.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Jobs before the measured ones.
    pub fn warmup_jobs(&self) -> u64 {
        self.warmup_jobs
    }

    /// All jobs that are driven, warm-up included.
    pub fn total(&self) -> u64 {
        self.jobs + self.warmup_jobs
    }
}

impl Scenario {
    /// Short name, usable in a file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One or two sentences for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The classes of jobs, in the order of the file; at least one.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The stations, in the order of the file; at least one.
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// Whether the scenario names stations.
    pub fn is_network(&self) -> bool {
        !self.stations[0].name.is_empty()
    }

    /// Whether there is one queue and one class of jobs.
    pub fn is_single(&self) -> bool {
        !self.is_network() && self.classes.len() == 1
    }

    /// Whether jobs of one class only wait for the next free server in the order of their arrival: what a broker
    /// with consumers does, and what a recursion can follow without events.
    pub fn is_plain_fcfs(&self) -> bool {
        let open = !matches!(self.arrivals().process(), ArrivalProcess::FiniteSource { .. });
        let fcfs = matches!(self.queue().discipline, Discipline::Fcfs {});
        self.is_single() && fcfs && open && self.queue().is_plain() && self.outages.is_empty()
    }

    /// How jobs of the first, mostly the only, class arrive.
    pub fn arrivals(&self) -> &Arrivals {
        &self.classes[0].arrivals
    }

    /// What a job of the first class demands at the first station; [`Scenario::service_of`] knows the others.
    pub fn service(&self) -> &Service {
        self.service_of(0, 0)
    }

    /// What a job of a class demands at a station.
    pub fn service_of(&self, class: usize, station: usize) -> &Service {
        let of_class = self.classes[class].service.as_ref();
        of_class.or(self.stations[station].service.as_ref()).expect("a class or a station has a service")
    }

    /// The first, mostly the only, waiting line and its servers.
    pub fn queue(&self) -> &Queue {
        &self.stations[0].queue
    }

    /// Servers that are gone for a while, in the order of the file.
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// Jobs that are there at time 0.
    pub fn initial_jobs(&self) -> u64 {
        self.initial.map_or(0, Initial::jobs)
    }

    /// The instants at which the number in the system is wanted.
    pub fn transient(&self) -> Option<Transient> {
        self.transient
    }

    /// The simulation's effort.
    pub fn run(&self) -> &RunLength {
        &self.run
    }

    /// The live run's length.
    pub fn drive(&self) -> &DriveLength {
        &self.drive
    }

    /// Jobs that arrive from outside per second, all classes together.
    pub fn arrival_rate(&self) -> f64 {
        self.classes.iter().map(|class| class.arrivals.rate()).sum()
    }

    /// The experiment on processing times, if there is one.
    pub fn experiment(&self) -> Option<Experiment> {
        self.experiment
    }

    /// E\[S\] of a class at a station, s, whatever arms its jobs are in.
    pub fn mean_service_of(&self, class: usize, station: usize) -> f64 {
        self.service_of(class, station).mean * self.experiment.map_or(1.0, Experiment::mean_factor)
    }

    /// Offered load a = Σ λ_k·E\[S_k\] of the first station, erlangs; retries are not counted.
    #[doc(alias = "a")]
    pub fn offered_load(&self) -> f64 {
        let of = |(k, class): (usize, &Class)| class.arrivals.rate() * self.mean_service_of(k, 0);
        self.classes.iter().enumerate().map(of).sum()
    }

    /// Utilization ρ = a/c of the ideal queue; 1 or more has no steady state.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.offered_load() / f64::from(self.queue().servers)
    }

    /// How far off a prediction of it may be and still count as right.
    pub fn margins(&self) -> &Margins {
        &self.margins
    }

    /// The prefetch a real consumer uses: the scenario's, or 1 where it names none.
    pub fn effective_prefetch(&self) -> u32 {
        self.queue().prefetch.unwrap_or(1)
    }

    /// The same scenario with other jobs: every stream starts from `seed`.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.run.seed = seed;
        self
    }

    /// The same scenario with another arrival rate, jobs/s; a process with a rate of its own gives way to a
    /// Poisson process.
    ///
    /// # Panics
    /// If `rate` is not positive and finite.
    pub fn with_rate(mut self, rate: f64) -> Self {
        assert!(rate > 0.0 && rate.is_finite(), "a rate is positive and finite");
        let arrivals = &mut self.classes[0].arrivals;
        if matches!(arrivals.rate, Rate::Derived(_)) {
            arrivals.process = ArrivalProcess::Poisson {};
        }
        arrivals.rate = Rate::Given(rate);
        self
    }

    /// The same scenario with another mean service of its only class, s, whatever arms its jobs are in; the shape stays.
    ///
    /// # Panics
    /// If `mean` is not positive and finite, or the service is each station's own.
    pub fn with_mean_service(mut self, mean: f64) -> Self {
        assert!(mean > 0.0 && mean.is_finite(), "a mean service is positive and finite");
        let service = self.classes[0].service.as_mut().expect("the scenario is no network");
        service.mean = mean / self.experiment.map_or(1.0, Experiment::mean_factor);
        self
    }

    /// The same scenario with another number of servers at its first station.
    ///
    /// # Panics
    /// If there are none.
    pub fn with_servers(mut self, servers: u32) -> Self {
        assert!(servers > 0, "somebody has to work");
        self.stations[0].queue.servers = servers;
        self
    }

    /// The same scenario with another prefetch, at least 1.
    ///
    /// # Panics
    /// If `prefetch` is 0, which no broker can serve.
    pub fn with_prefetch(mut self, prefetch: u32) -> Self {
        assert!(prefetch > 0, "a consumer that may hold no job never works");
        self.stations[0].queue.prefetch = Some(prefetch);
        self
    }

    /// The same scenario with one central line before its servers, as textbooks have it, instead of a broker that deals
    /// jobs out ahead.
    pub fn without_prefetch(mut self) -> Self {
        self.stations[0].queue.prefetch = None;
        self
    }

    /// The same scenario with another effort: measured jobs and those before them in each of `replications`.
    ///
    /// # Panics
    /// If there is nothing to measure.
    pub fn with_run(mut self, jobs: u64, warmup_jobs: u64, replications: u32) -> Self {
        assert!(jobs > 1 && replications > 0, "a simulation needs jobs and replications");
        self.run = RunLength { jobs, warmup_jobs: Some(warmup_jobs), replications, ..self.run };
        self
    }

    /// The same scenario left to itself: no outages, no jobs at the start, no instants that are looked at.
    pub fn without_events(mut self) -> Self {
        self.outages.clear();
        (self.initial, self.transient) = (None, None);
        self
    }

    /// The same scenario with another experiment, or none.
    pub fn with_experiment(mut self, experiment: Option<Experiment>) -> Self {
        self.experiment = experiment;
        self
    }

    /// The same scenario, judged by other margins.
    pub fn with_margins(mut self, margins: Margins) -> Self {
        self.margins = margins;
        self
    }

    /// The same scenario with another live run's length.
    ///
    /// # Panics
    /// If `jobs` is 0: a run without measured jobs says nothing.
    pub fn with_drive(mut self, jobs: u64, warmup_jobs: u64) -> Self {
        assert!(jobs > 0, "a run needs at least one measured job");
        self.drive = DriveLength { jobs, warmup_jobs };
        self
    }
}
