//! `live calibrate`: measure the overheads of a set-up before anything is predicted.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sim::calibration::{self, Calibration, Drift, FitError, MeasuredTerms, Sustainable, fit, forecast};
use sim::cli::{CALIBRATIONS, headline};
use sim::console::{Console, Failure, milliseconds};
use sim::engine::Ring;
use sim::model::{JobRecord, Outcome, Scenario, Terms};
use sim::output::sorted;
use sim::run_folder::{Ledger, Machine, Verdict, timestamp};
use sim::sampling::Jobs;

use super::session::{Session, drivable};
use crate::clock::timer_lateness;
use crate::deployment::Deployment;
use crate::pipeline::{Observation, Setup, Via};
use crate::validity::judge;

/// Largest utilization, of consumers without overheads, at which is measured: nearly saturated ones are hardly ever
/// idle, and the idle path could not be told. Up to there the load is the scenario's own, since overheads depend on it.
const MOST_UTILIZATION: f64 = 0.8;

/// Most jobs of a calibration, kept in memory.
const MOST_JOBS: u64 = 2_000_000;

/// A backlog's work for all consumers, s, and the bounds of its jobs.
const BACKLOG_S: f64 = 2.0;
const LEAST_BACKLOG: u64 = 100;
const MOST_BACKLOG: u64 = 20_000;

/// Jobs of which the law of the services is known to a per mille or two.
const LAW_JOBS: usize = 400_000;

/// How often it is measured again at a lower rate, and at which share of the one before.
const AGAIN: u32 = 4;
const SLOWER: f64 = 0.6;

/// Batches for the standard error of the sustainable rate.
const RATE_BATCHES: usize = 10;

/// The normal quantile for a two-sided 90 % interval.
const Z: f64 = 1.644_853_626_951_472_7;

/// Seconds of load that are thrown away: a broker that has just started is slower.
const WARMUP_S: f64 = 1.0;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario under whose services and rate (but at most 80 % busy) to measure, with other jobs than its runs [default: the default scenario]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    deployment: Deployment,
    /// Keep the processors from sleeping meanwhile (Linux, as root): on a virtual machine overheads become shorter and steadier
    #[arg(long)]
    awake: bool,
    /// Jobs a consumer may hold [default: the scenario's]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    prefetch: Option<u32>,
    /// Seconds to measure; uncertainty falls with its square root
    #[arg(long, value_name = "S", default_value = "5", value_parser = clap::value_parser!(u32).range(2..=3600))]
    duration_s: u32,
    /// Calibration file to write [default: data/calibrations/QUEUE-prefetchK.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How jobs reach the broker: through the API, or straight
    #[arg(long, value_enum, value_name = "WAY", default_value_t)]
    via: Via,
    /// Precision wanted of the predicted mean wait (half-width of a 90 % interval over the mean): says how long that takes to measure
    #[arg(long, value_name = "SHARE", default_value = "0.03", value_parser = share)]
    precision: f64,
    /// Rate at which the wait is to be predicted, jobs/s [default: the scenario's]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    at_rate: Option<f64>,
    /// Show nothing while it measures
    #[arg(long)]
    quiet: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (1e-4..1.0).contains(share))
        .ok_or_else(|| "a share is from 0.0001 to below 1".into())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| *rate > 0.0 && rate.is_finite())
        .ok_or_else(|| "a rate is more than 0 jobs/s, and finite".into())
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    #[serde(flatten)]
    calibration: &'a Calibration,
    outlook: Option<&'a Outlook>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let (named, mut scenario) = load(arguments)?;
    let prefetch = scenario.effective_prefetch();
    let out = arguments.out.clone().unwrap_or_else(|| default_file(arguments, &scenario));
    make_folder_of(&out)?;
    let timer = timer_lateness();
    let mut session = Session::open(&arguments.deployment, arguments.awake, console)?;
    console.note(format!(
        "calibrating at {}, {} queue, prefetch {prefetch}, {} consumers, by {}",
        session.broker().name(),
        session.broker().queue_type(),
        scenario.queue().servers(),
        arguments.via.name()
    ));
    let (observation, backlog, terms) = measure(&mut session, &mut scenario, arguments, console)?;
    let served = backlog.iter().filter(|record| record.outcome == Outcome::Served).count() as u64;
    let ledger = Ledger { consumed: observation.ledger.consumed - served, ..observation.ledger };
    let validity =
        judge(&scenario, &observation.records, &ledger, observation.processors, &observation.trouble);
    let (machine, broker) = (Machine::this(), session.broker());
    let calibration = Calibration {
        schema: calibration::SCHEMA,
        made: timestamp(console.now()),
        queue_type: broker.queue_type().to_owned(),
        prefetch,
        servers: scenario.queue().servers(),
        broker: broker.name().to_owned(),
        machine: format!("{}, {} cores", machine.processor, machine.cores),
        arrival_rate: scenario.arrivals().rate(),
        mean_service_s: scenario.mean_service_of(0, 0),
        mean_service_error_s: None,
        jobs: scenario.drive().jobs(),
        valid: validity.verdict == Verdict::Valid,
        stolen: observation.processors.stolen,
        via: arguments.via.name().to_owned(),
        awake: arguments.awake,
        sustainable: sustainable(&backlog, &scenario, terms.terms()),
        timer: Some(timer),
        terms,
    };
    write(&out, &calibration::render(&calibration))?;
    let outlook = Outlook::of(&named, &calibration, arguments);
    if arguments.json {
        let file = out.display().to_string();
        console.print_json(&Answer { file, calibration: &calibration, outlook: outlook.as_ref() })?;
    } else {
        print(&scenario, &calibration, outlook.as_ref(), &out, console)?;
    }
    match validity.verdict {
        Verdict::Valid => Ok(()),
        Verdict::Invalid => Err(Failure::NotValid(format!(
            "the calibration was written, and its load was not what it was meant to be\n  {}",
            validity.reasons.join("\n  ")
        ))),
    }
}

/// Drives the scenario and fits the terms to what was measured; beside it come the records of the backlog. Where hardly
/// a job found a consumer idle the scenario is slowed down and driven again: long overheads saturate consumers far below
/// what their services alone would let them do.
fn measure(
    session: &mut Session,
    scenario: &mut Scenario,
    arguments: &Arguments,
    console: &mut Console<'_>,
) -> Result<(Observation, Vec<JobRecord>, MeasuredTerms), Failure> {
    let setup = Setup { via: arguments.via, burst: burst(scenario), ..Setup::default() };
    let mut again = AGAIN;
    loop {
        let mut observation = session.observe(scenario, &setup, &[], arguments.quiet, console, |_| {})?;
        if observation.interrupted {
            return Err(Failure::Failed("interrupted; no calibration was written".into()));
        }
        let stolen = 100.0 * observation.processors.stolen;
        console.note(format!("processor stolen by the hypervisor: {stolen:.2} %"));
        let backlog = observation.records.split_off(scenario.drive().total() as usize);
        match fit(&observation.records, scenario.effective_prefetch()) {
            Ok(terms) => return Ok((observation, backlog, terms)),
            Err(FitError::TooFew { term: "idle path", jobs, .. }) if again > 0 => {
                again -= 1;
                let rate = scenario.arrivals().rate();
                *scenario = slower(scenario.clone());
                console.note(format!(
                    "at {rate:.1} jobs/s only {jobs} jobs found a consumer idle: measuring again at {:.1}",
                    scenario.arrivals().rate()
                ));
                // A broker and consumers of its own: those of the first may still be at work.
                *session = Session::open(&arguments.deployment, arguments.awake, console)?;
            }
            Err(error) => return Err(Failure::Failed(error.to_string())),
        }
    }
}

/// The same for as long, with fewer jobs a second.
fn slower(scenario: Scenario) -> Scenario {
    let (rate, drive) = (SLOWER * scenario.arrivals().rate(), scenario.drive());
    let fewer = |jobs: u64| (SLOWER * jobs as f64).ceil() as u64;
    let (measured, warmup) = (fewer(drive.jobs()), fewer(drive.warmup_jobs()));
    scenario.with_rate(rate).with_drive(measured, warmup)
}

/// Where a calibration goes unless somebody says otherwise: a set-up has one file, the newest.
fn default_file(arguments: &Arguments, scenario: &Scenario) -> PathBuf {
    let prefetch = scenario.effective_prefetch();
    let consumers = match scenario.queue().servers() {
        1 => String::new(),
        servers => format!("-servers{servers}"),
    };
    let via = if arguments.via == Via::Amqp { "-amqp" } else { "" };
    let queue_type = arguments.deployment.queue_type_name();
    Path::new(CALIBRATIONS).join(format!("{queue_type}-prefetch{prefetch}{consumers}{via}.toml"))
}

/// Jobs of the backlog behind the measurement: some seconds' work for all consumers.
fn burst(scenario: &Scenario) -> u64 {
    let capacity = f64::from(scenario.queue().servers()) / scenario.mean_service_of(0, 0);
    ((capacity * BACKLOG_S).ceil() as u64).clamp(LEAST_BACKLOG, MOST_BACKLOG)
}

/// The largest rate that the consumers sustain with the scenario's services.
///
/// A few hundred jobs of a backlog have services of their own, several per cent off their law. So what is taken from
/// them is how much longer they took than the terms say of the very same jobs; the rest is the terms and the law.
fn sustainable(backlog: &[JobRecord], scenario: &Scenario, terms: Terms) -> Option<Sustainable> {
    let replay = |jobs: &mut dyn Iterator<Item = (f64, f64)>| {
        let mut ring = Ring::new(scenario.queue().servers(), scenario.effective_prefetch());
        worked_off(jobs.map(|(due_s, demand_s)| ring.serve(due_s, demand_s, terms).0.done_s).collect())
    };
    let measured = worked_off(backlog.iter().filter_map(|record| record.done_s).collect());
    let replayed = replay(&mut backlog.iter().map(|job| (job.due_s, job.demand_s)));
    if measured.len() != replayed.len() || measured.len() < 2 * RATE_BATCHES {
        return None;
    }
    let span = |done: &[f64]| done[done.len() - 1] - done[0];
    let length = measured.len() / RATE_BATCHES;
    let batches = measured.chunks_exact(length).zip(replayed.chunks_exact(length));
    let ratios: Vec<f64> = batches.map(|(measured, replayed)| span(measured) / span(replayed)).collect();
    let slower = span(&measured) / span(&replayed);
    let squares: f64 = ratios.iter().map(|ratio| (ratio - slower).powi(2)).sum();
    let error = (squares / (ratios.len() * (ratios.len() - 1)) as f64).sqrt();
    let law = replay(&mut Jobs::new(scenario, 0).take(LAW_JOBS).map(|job| (0.0, job.demand_s)));
    if law.len() < 2 {
        return None;
    }
    let by_terms = (law.len() - 1) as f64 / span(&law);
    let rate = by_terms / slower;
    Some(Sustainable { rate, standard_error: rate * error / slower, by_terms })
}

/// The ends of a backlog's jobs in order, without its first and last tenth: while it is being published the broker has
/// other things to do, and at its end consumers run idle.
fn worked_off(done_s: Vec<f64>) -> Vec<f64> {
    let done_s = sorted(done_s);
    let tenth = done_s.len() / 10;
    done_s[tenth..done_s.len() - tenth].to_vec()
}

/// What the calibration says of a rate, and how long one would have to measure for more.
#[derive(Serialize)]
struct Outlook {
    arrival_rate: f64,
    /// `None` if the queue would grow for ever.
    mean_wait_s: Option<f64>,
    /// Half-width of the 90 % interval of a run after this, relative to the mean wait: movement until then included.
    interval: Option<f64>,
    /// The same by what was measured alone.
    precision: Option<f64>,
    wanted_precision: f64,
    /// Seconds of measuring for the wanted precision.
    needed_s: Option<f64>,
}

impl Outlook {
    fn of(named: &Scenario, calibration: &Calibration, arguments: &Arguments) -> Option<Self> {
        let arrival_rate = arguments.at_rate.unwrap_or(named.arrivals().rate());
        let limit = calibration.sustainable.map(|sustainable| sustainable.by_terms);
        let wanted_precision = arguments.precision;
        let overloaded = Outlook {
            arrival_rate,
            mean_wait_s: None,
            interval: None,
            precision: None,
            wanted_precision,
            needed_s: None,
        };
        if limit.is_some_and(|limit| arrival_rate >= limit) {
            return Some(overloaded);
        }
        let scenario = named.clone().with_rate(arrival_rate).with_prefetch(calibration.prefetch);
        let forecast = forecast(&scenario, &calibration.terms)?;
        Some(Outlook {
            mean_wait_s: Some(forecast.mean_wait_s),
            interval: Some(Z * forecast.standard_error_s / forecast.mean_wait_s),
            precision: Some(Z * forecast.measured_s / forecast.mean_wait_s),
            needed_s: Some(f64::from(arguments.duration_s) * forecast.longer(wanted_precision)),
            ..overloaded
        })
    }
}

/// The scenario as named, and the one to measure under, with jobs that no run of it has.
fn load(arguments: &Arguments) -> Result<(Scenario, Scenario), Failure> {
    let scenario = drivable(arguments.scenario.as_deref())?;
    let prefetch = arguments.prefetch.unwrap_or(scenario.effective_prefetch());
    let capacity = f64::from(scenario.queue().servers()) / scenario.mean_service_of(0, 0);
    let rate = scenario.arrivals().rate().min(MOST_UTILIZATION * capacity);
    let jobs = |seconds: f64| (rate * seconds).ceil() as u64;
    let (measured, warmup) = (jobs(f64::from(arguments.duration_s)).max(1), jobs(WARMUP_S));
    if measured > MOST_JOBS {
        return Err(Failure::BadInput(format!(
            "{measured} jobs in {} s\n  rule: a calibration has at most {MOST_JOBS} jobs\n  remedy: lower \
             --duration-s or arrivals.rate",
            arguments.duration_s
        )));
    }
    let other_jobs = scenario.run().seed() ^ (i64::MAX as u64);
    let named = scenario.clone();
    Ok((
        named,
        scenario.with_rate(rate).with_prefetch(prefetch).with_drive(measured, warmup).with_seed(other_jobs),
    ))
}

/// Makes sure before the measurement that its result will have a place.
fn make_folder_of(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| unwritable(path, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}\n  remedy: name a writable file with --out", path.display()))
}

fn print(
    scenario: &Scenario,
    calibration: &Calibration,
    outlook: Option<&Outlook>,
    out: &Path,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    console.print(headline(scenario))?;
    console.print(format!("on {}, {} queue\n", calibration.broker, calibration.queue_type))?;
    console.print(format!(
        "{:<12}{:>11}{:>16}{:>11}{:>11}{:>22}{:>8}",
        "term", "mean", "standard error", "p50", "p99", "drift", "jobs"
    ))?;
    for (name, term) in calibration.terms.named() {
        let time = |value: Option<&f64>| value.map_or_else(|| "–".to_owned(), |value| milliseconds(*value));
        let drift = term.drift.map_or_else(|| "–".to_owned(), drifted);
        console.print(format!(
            "{name:<12}{:>11}{:>16}{:>11}{:>11}{drift:>22}{:>8}",
            milliseconds(term.mean_s),
            milliseconds(term.standard_error_s),
            time(term.quantiles_s.get("0.5")),
            time(term.quantiles_s.get("0.99")),
            term.jobs
        ))?;
    }
    console.print("")?;
    if let Some(Sustainable { rate, standard_error, by_terms }) = calibration.sustainable {
        console.print(format!(
            "sustainable rate   {rate:.1} jobs/s ± {standard_error:.1} on a backlog; by the terms {by_terms:.1}"
        ))?;
    }
    if let Some(timer) = calibration.timer {
        console.print(format!(
            "timer lateness     p50 {:.1} µs, p99 {:.0} µs spinning; p50 {:.0} µs, p99 {:.0} µs sleeping",
            1e6 * timer.spinning_p50_s,
            1e6 * timer.spinning_p99_s,
            1e6 * timer.sleeping_p50_s,
            1e6 * timer.sleeping_p99_s
        ))?;
    }
    if let Some(outlook) = outlook {
        console.print(format!("predicted          {}", outlook.words()))?;
    }
    console.print(format!("\nwritten to {}", out.display()))?;
    console.print(format!("next: cargo run --release -p sim -- run SCENARIO --calibration {}", out.display()))
}

/// A drift in words.
fn drifted(drift: Drift) -> String {
    format!("{:+.3} ± {:.3} ms", 1e3 * drift.change_s, 1e3 * drift.standard_error_s)
}

impl Outlook {
    fn words(&self) -> String {
        let Outlook { arrival_rate, wanted_precision, .. } = self;
        let (Some(wait_s), Some(interval), Some(precision), Some(needed_s)) =
            (self.mean_wait_s, self.interval, self.precision, self.needed_s)
        else {
            return format!(
                "at {arrival_rate:.1} jobs/s the queue would grow: that is more than is sustainable"
            );
        };
        let wanted = format!("± {:.1} %", 100.0 * wanted_precision);
        let enough = if precision <= *wanted_precision {
            format!("{wanted} would have taken {} s", needed_s.ceil())
        } else {
            format!("{wanted} takes --duration-s {}", needed_s.ceil())
        };
        format!(
            "mean wait {} ± {:.1} % at {arrival_rate:.1} jobs/s; ± {:.1} % by what was measured alone, and {enough}",
            milliseconds(wait_s),
            100.0 * interval,
            100.0 * precision
        )
    }
}
