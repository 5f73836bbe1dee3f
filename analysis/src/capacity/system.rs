//! The system that is planned: a scenario, and the overheads of its consumers.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sim::calibration::{self, Calibration, MeasuredTerms, Origin, fit_run, possible, possible_services};
use sim::engine::sustainable_rate;
use sim::estimate::Memory;
use sim::model::{ArrivalProcess, Overhead, Overheads, Scenario, Terms};
use sim::run_folder::Run;
use sim::theory::law::Law;

use super::CapacityError;
use super::length::MOST_MEMORY;

/// The least load, of one consumer: with less the clock of a simulation runs out of digits.
const LEAST_LOAD: f64 = 1e-6;

/// Systems that a calibration leaves possible.
const POSSIBLE: u32 = 48;

/// Where scenario and overheads came from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// Scenario file or run folder.
    pub scenario: String,
    /// Calibration file, or the run itself; none for the ideal queue.
    pub calibration: Option<String>,
    /// Kind of queue that the overheads were measured on.
    pub queue_type: Option<String>,
    /// Consumers that they were measured with.
    pub measured_with: Option<u32>,
}

/// What is other than in the scenario.
#[derive(Debug, Clone, Default)]
pub struct WhatIf {
    /// λ, jobs/s.
    pub arrival_rate: Option<f64>,
    /// Jobs that a consumer may hold.
    pub prefetch: Option<u32>,
}

/// A scenario with the overheads of its consumers.
#[derive(Debug, Clone)]
pub struct System {
    /// The scenario at the rate that is planned for.
    pub scenario: Scenario,
    /// As measured; none for the ideal queue.
    pub terms: Option<MeasuredTerms>,
    /// Where both came from.
    pub source: Source,
    /// Load during the measurement, jobs/s and consumer.
    measured_at: Option<f64>,
    /// Relative standard error of the mean service: 0 where it is known, not measured.
    service_error: f64,
    /// Why what it was measured by may not be relied on.
    doubts: Vec<String>,
    /// What a consumer completes if it never runs dry, jobs/s.
    each: f64,
    /// What the calibration leaves possible.
    possible: Vec<Possible>,
}

/// One of the systems that a calibration leaves possible.
#[derive(Debug, Clone)]
pub(super) struct Possible {
    /// The overheads.
    pub(super) overheads: Overheads,
    /// By which factor services are longer.
    service_factor: f64,
    /// What a consumer completes if it never runs dry, jobs/s.
    each: f64,
}

impl Possible {
    /// The scenario as it would be, with the overheads.
    pub(super) fn model(&self, scenario: &Scenario) -> (Scenario, Overheads) {
        let mean_s = scenario.mean_service_of(0, 0);
        (scenario.clone().with_mean_service(self.service_factor * mean_s), self.overheads.clone())
    }

    /// Jobs per second that so many consumers complete if they never run dry.
    pub(super) fn sustainable_rate(&self, servers: u32) -> f64 {
        f64::from(servers) * self.each
    }
}

impl System {
    /// A scenario, with a calibration or as an ideal queue.
    pub fn of_scenario(
        scenario: Scenario,
        path: &Path,
        calibration: Option<(PathBuf, Calibration)>,
        what_if: &WhatIf,
    ) -> Self {
        let source = Source {
            scenario: path.display().to_string(),
            calibration: calibration.as_ref().map(|(file, _)| file.display().to_string()),
            queue_type: calibration.as_ref().map(|(_, calibration)| calibration.queue_type.clone()),
            measured_with: calibration.as_ref().map(|(_, calibration)| calibration.servers),
        };
        let measured_at = calibration
            .as_ref()
            .map(|(_, calibration)| calibration.arrival_rate / f64::from(calibration.servers));
        let error = |calibration: &Calibration| {
            calibration.mean_service_error_s.map_or(0.0, |error_s| error_s / calibration.mean_service_s)
        };
        let service_error = calibration.as_ref().map_or(0.0, |(_, calibration)| error(calibration));
        let invalid = calibration.as_ref().filter(|(_, calibration)| !calibration.valid);
        let doubts = invalid.map(|(file, _)| {
            format!("the calibration {} was not valid by its own checks: measure again", file.display())
        });
        let terms = calibration.map(|(_, calibration)| calibration.terms);
        System {
            measured_at,
            service_error,
            doubts: doubts.into_iter().collect(),
            ..System::new(scenario, terms, source, what_if)
        }
        .settled()
    }

    fn new(scenario: Scenario, terms: Option<MeasuredTerms>, source: Source, what_if: &WhatIf) -> Self {
        System {
            scenario: changed(scenario, what_if),
            terms,
            source,
            measured_at: None,
            // What `live` worked off is what the scenario says.
            service_error: 0.0,
            doubts: Vec::new(),
            each: f64::NAN,
            possible: Vec::new(),
        }
    }

    /// With what follows from the rest of it.
    fn settled(mut self) -> Self {
        let one = self.scenario.clone().with_servers(1);
        self.each = sustainable_rate(&one, self.means());
        self.possible = self.spread(POSSIBLE);
        self
    }

    /// A run: its scenario, with the overheads that it shows itself, or those of its calibration.
    pub fn of_run(run: Run, what_if: &WhatIf) -> Self {
        let path = run.path.clone();
        let own = fit_run(run.jobs.iter(), run.scenario.effective_prefetch(), Origin::Due);
        let (Some(deployment), Ok(terms)) = (&run.manifest.deployment, own) else {
            let file = run.manifest.calibration.map(|source| PathBuf::from(source.file));
            return System::of_scenario(run.scenario, &path, file.zip(run.calibration), what_if);
        };
        let measured_at = Some(run.scenario.arrival_rate() / f64::from(deployment.servers));
        let source = Source {
            scenario: path.display().to_string(),
            calibration: Some("the run itself".to_owned()),
            queue_type: Some(deployment.queue_type.clone()),
            measured_with: Some(deployment.servers),
        };
        let doubts = run_doubts(&run);
        System { measured_at, doubts, ..System::new(run.scenario, Some(terms), source, what_if) }.settled()
    }

    /// Refuses what is not one class of jobs in one FCFS queue that settles.
    ///
    /// # Errors
    /// [`CapacityError::Kind`], [`CapacityError::Idle`], [`CapacityError::Arrivals`] and [`CapacityError::Services`].
    pub(super) fn refuse_unsettled(&self) -> Result<(), CapacityError> {
        let scenario = self.scenario.name().to_owned();
        if !self.scenario.is_plain_fcfs() || self.scenario.initial_jobs() > 0 {
            return Err(CapacityError::Kind { scenario });
        }
        let rate = self.scenario.arrival_rate();
        if rate < LEAST_LOAD * self.sustainable_rate(1) {
            return Err(CapacityError::Idle { rate });
        }
        let why = match self.scenario.arrivals().process() {
            ArrivalProcess::Trace(_) => "a trace has one rate, its own, and an end",
            ArrivalProcess::Piecewise { .. } | ArrivalProcess::Sinusoid { .. } => {
                "their rate follows the time of the day, and so does everything else"
            }
            _ if Memory::of(&self.scenario).cycle_jobs > MOST_MEMORY => {
                "between two changes of their rate come more jobs than can be simulated often enough"
            }
            _ if self.scenario.service().shape().scv().is_infinite() => {
                return Err(CapacityError::Services { scenario });
            }
            _ => return Ok(()),
        };
        Err(CapacityError::Arrivals { scenario, why })
    }

    /// The same at another rate and with another number of consumers.
    pub(super) fn with(&self, arrival_rate: f64, servers: u32) -> Scenario {
        self.scenario.clone().with_rate(arrival_rate).with_servers(servers)
    }

    /// The overheads as the engines take them.
    pub(super) fn overheads(&self) -> Overheads {
        self.terms.as_ref().map_or_else(|| Overheads::from(Terms::IDEAL), MeasuredTerms::overheads)
    }

    /// Their means.
    pub(super) fn means(&self) -> Terms {
        self.terms.as_ref().map_or(Terms::IDEAL, MeasuredTerms::terms)
    }

    /// Mean service of the scenario with its overshoot, s.
    pub(super) fn mean_occupied_s(&self, scenario: &Scenario) -> f64 {
        scenario.mean_service_of(0, 0) + self.means().overshoot_s
    }

    /// What the calibration leaves possible; only the ideal queue without one.
    pub(super) fn possible(&self) -> &[Possible] {
        &self.possible
    }

    /// The same as a number of points; a single one without a calibration.
    pub(super) fn spread(&self, points: u32) -> Vec<Possible> {
        let Some(terms) = &self.terms else {
            let overheads = Overheads::from(Terms::IDEAL);
            return vec![Possible { overheads, service_factor: 1.0, each: self.each }];
        };
        let one = self.scenario.clone().with_servers(1);
        let factors = possible_services(self.service_error, points);
        let point = |(overheads, service_factor)| {
            let unknown = Possible { overheads, service_factor, each: f64::NAN };
            let (scenario, overheads) = unknown.model(&one);
            Possible { each: sustainable_rate(&scenario, overheads.means()), ..unknown }
        };
        possible(terms, points).into_iter().zip(factors).map(point).collect()
    }

    /// Jobs per second that so many consumers complete if they never run dry.
    pub(super) fn sustainable_rate(&self, servers: u32) -> f64 {
        f64::from(servers) * self.each
    }

    /// What should be known before an answer of so many consumers is used.
    pub(super) fn warnings(&self, servers: u32) -> Vec<String> {
        let mut warnings = self.doubts.clone();
        let service = self.scenario.service();
        if Law::new(service.shape(), 1.0).is_ok_and(|law| law.moment(3).is_infinite()) {
            warnings.push(
                "services have no third moment: means of waits are a matter of the longest few, and less sure than their intervals"
                    .to_owned(),
            );
        }
        let Some(measured_with) = self.source.measured_with else {
            warnings.push(
                "no calibration: this is the ideal queue, and a real one needs more; `live calibrate`, or `analysis fit \
                 --calibration-out`, measures how much"
                    .to_owned(),
            );
            return warnings;
        };
        let is_constant = |term: &Overhead| matches!(term, Overhead::Constant(mean_s) if *mean_s > 0.0);
        if is_constant(&self.overheads().idle_path) {
            warnings.push(
                "the calibration keeps means of its overheads and not their laws: quantiles of short times are too small"
                    .to_owned(),
            );
        }
        if measured_with != servers {
            warnings.push(format!(
                "the overheads were measured with {measured_with} of them and are taken to be the same with {servers} consumers: \
                 calibrate with {servers} before relying on it"
            ));
        }
        let rate = self.scenario.arrival_rate() / f64::from(servers);
        if let Some(measured_at) = self.measured_at.filter(|at| !(0.5..2.0).contains(&(rate / at))) {
            warnings.push(format!(
                "the overheads were measured at {measured_at:.0} jobs/s a consumer, and depend on the load: here it is \
                 {rate:.0}"
            ));
        }
        warnings
    }
}

/// What a run whose overheads are planned with is to be doubted for.
fn run_doubts(run: &Run) -> Vec<String> {
    let reasons = run.manifest.live.iter().flat_map(|live| &live.validity.reasons);
    let faults = run.manifest.faults.iter();
    run.warning()
        .into_iter()
        .chain(reasons.map(|reason| format!("the run is not valid: {reason}")))
        .chain(
            faults.map(|fault| {
                format!("the run had an injected fault, {fault}: it is not the system as it is")
            }),
        )
        .collect()
}

/// The scenario as it is planned for.
fn changed(mut scenario: Scenario, what_if: &WhatIf) -> Scenario {
    if let Some(rate) = what_if.arrival_rate {
        scenario = scenario.with_rate(rate);
    }
    if let Some(prefetch) = what_if.prefetch {
        scenario = scenario.with_prefetch(prefetch);
    }
    scenario
}

/// The newest calibration for a prefetch and kind of queue: measured with as many consumers if there is one, else with
/// any number.
pub fn newest_calibration(
    folder: &Path,
    prefetch: u32,
    servers: u32,
    queue_type: Option<&str>,
) -> Option<(PathBuf, Calibration)> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let fitting = files.filter_map(|path| {
        let calibration = calibration::parse(&std::fs::read_to_string(&path).ok()?, &path).ok()?;
        let fits = calibration.valid
            && calibration.prefetch == prefetch
            && queue_type.is_none_or(|queue_type| calibration.queue_type == queue_type);
        fits.then_some((path, calibration))
    });
    fitting.max_by_key(|(_, calibration)| (calibration.servers == servers, calibration.made.clone()))
}
