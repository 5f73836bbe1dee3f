//! `sim run`: simulate, print, and leave a run folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::{CALIBRATIONS, Question, RUNS, default_scenario, headline, next_step};
use crate::calibration::{self, Calibration};
use crate::console::{Console, Failure, milliseconds};
use crate::engine::{Replication, simulate, sustainable_rate, trajectory};
use crate::model::{Scenario, Terms};
use crate::output::{Estimate, Interval, PROBABILITIES};
use crate::run_folder::{RunFolder, Source};
use crate::theory::{Prediction, TheoryError, predict};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    question: Question,
    /// Simulate even where jobs arrive faster than they can be served
    #[arg(long)]
    allow_unstable: bool,
    /// Threads; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    kendall: String,
    metrics: Metrics,
    replications: u32,
    jobs: u64,
    elapsed_s: f64,
    jobs_per_second: f64,
    run: String,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Metrics {
    utilization: Estimate,
    /// ρ′, which counts the time between jobs; exact but for the sampled gaps at prefetch 2 and more.
    effective_utilization: f64,
    offered_load: Estimate,
    mean_wait_s: Estimate,
    mean_sojourn_s: Estimate,
    mean_queue_length: Estimate,
    mean_in_system: Estimate,
    throughput: Estimate,
    prob_wait: Estimate,
    prob_blocked: Estimate,
    prob_abandon: Estimate,
    wait_quantiles_s: BTreeMap<&'static str, Interval>,
    sojourn_quantiles_s: BTreeMap<&'static str, Interval>,
}

impl Metrics {
    fn of(replications: &[Replication], effective_utilization: f64) -> Self {
        let over = |metric: fn(&Replication) -> f64| {
            Estimate::of(&replications.iter().map(metric).collect::<Vec<_>>())
        };
        let quantiles = |metric: fn(&Replication) -> &[f64; PROBABILITIES.len()]| {
            let interval = |(n, (_, name)): (usize, &(f64, &'static str))| {
                let values: Vec<f64> =
                    replications.iter().map(|replication| metric(replication)[n]).collect();
                (*name, Estimate::of(&values).interval())
            };
            PROBABILITIES.iter().enumerate().map(interval).collect()
        };
        Metrics {
            utilization: over(|r| r.utilization),
            effective_utilization,
            offered_load: over(|r| r.offered_load),
            mean_wait_s: over(|r| r.mean_wait_s),
            mean_sojourn_s: over(|r| r.mean_sojourn_s),
            mean_queue_length: over(|r| r.mean_queue_length),
            mean_in_system: over(|r| r.mean_in_system),
            throughput: over(|r| r.throughput),
            prob_wait: over(|r| r.prob_wait),
            // This queue neither refuses jobs nor loses patient ones.
            prob_blocked: over(|_| 0.0),
            prob_abandon: over(|_| 0.0),
            wait_quantiles_s: quantiles(|r| &r.wait_quantiles_s),
            sojourn_quantiles_s: quantiles(|r| &r.sojourn_quantiles_s),
        }
    }
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = arguments.question.scenario()?;
    let calibration = arguments.question.calibration(&scenario)?;
    let threads = usize::from(arguments.threads.unwrap_or(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))?;
    let order = Order {
        scenario: &scenario,
        calibration: calibration.as_ref().map(|(path, calibration)| (path.as_path(), calibration)),
        allow_unstable: arguments.allow_unstable,
        runs: &arguments.runs,
        pool: &pool,
    };
    order.carry_out(arguments.question.json, console)
}

/// `sim` without a verb: the default scenario, with the newest calibration that fits.
pub(super) fn execute_default(console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = default_scenario()?;
    let prefetch = scenario.effective_prefetch();
    let newest = |queue_type| calibration::newest(Path::new(CALIBRATIONS), prefetch, queue_type);
    // `live` without a verb drives a classic queue where there is a RabbitMQ.
    let calibration = newest(Some("classic")).or_else(|| newest(None));
    if calibration.is_none() {
        console
            .note("no calibration yet: this predicts the ideal queue (`live calibrate` measures a real one)");
    }
    let pool = rayon::ThreadPoolBuilder::new().build();
    let pool = pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))?;
    let order = Order {
        scenario: &scenario,
        calibration: calibration.as_ref().map(|(path, calibration)| (path.as_path(), calibration)),
        allow_unstable: true,
        runs: Path::new(RUNS),
        pool: &pool,
    };
    order.carry_out(false, console)
}

/// A run to be made.
struct Order<'a> {
    scenario: &'a Scenario,
    calibration: Option<(&'a Path, &'a Calibration)>,
    allow_unstable: bool,
    runs: &'a Path,
    pool: &'a rayon::ThreadPool,
}

impl Order<'_> {
    fn carry_out(&self, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
        let scenario = self.scenario;
        let terms = self.calibration.map_or(Terms::IDEAL, |(_, calibration)| calibration.terms.terms());
        let effective_utilization = scenario.arrivals().rate() / sustainable_rate(scenario, terms);
        let warnings = self.refuse_or_warn(effective_utilization)?;
        let mut folder =
            RunFolder::create(self.runs, scenario, Source::Sim, &console.provenance, self.calibration)?;
        let begun = Instant::now();
        let replications = self.pool.install(|| simulate(scenario, terms));
        let elapsed_s = begun.elapsed().as_secs_f64();
        folder.write_replications(&replications)?;
        folder.write_jobs(&trajectory(scenario, terms))?;
        folder.complete(console.now())?;

        let length = scenario.run();
        let per_replication = length.jobs() + length.warmup_jobs();
        let answer = Answer {
            scenario: scenario.name(),
            kendall: scenario.kendall(),
            metrics: Metrics::of(&replications, effective_utilization),
            replications: length.replications(),
            jobs: length.jobs(),
            elapsed_s,
            jobs_per_second: (per_replication * u64::from(length.replications())) as f64 / elapsed_s,
            run: folder.path().display().to_string(),
            warnings,
        };
        if json { console.print_json(&answer) } else { self.print(&answer, console) }
    }

    /// Refuses a queue without a steady state, or warns of it where the user insists.
    fn refuse_or_warn(&self, utilization: f64) -> Result<Vec<String>, Failure> {
        if utilization < 1.0 {
            return Ok(Vec::new());
        }
        let arrival_rate = self.scenario.arrivals().rate();
        let capacity = arrival_rate / utilization;
        let unstable = TheoryError::Unstable { utilization, arrival_rate, capacity };
        if self.allow_unstable {
            return Ok(vec![format!(
                "no steady state, every figure depends on the run's length: {unstable}"
            )]);
        }
        Err(Failure::BadInput(format!("{unstable}, or simulate it as it is with --allow-unstable")))
    }

    fn print(&self, answer: &Answer<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
        console.print(headline(self.scenario))?;
        if let Some((file, calibration)) = self.calibration {
            console.print(format!(
                "calibration {} ({}): ρ′ = {:.3}",
                file.display(),
                calibration.queue_type,
                answer.metrics.effective_utilization
            ))?;
        }
        for warning in &answer.warnings {
            console.note(format!("warning: {warning}"));
        }
        let textbook = predict(self.scenario, None).ok();
        console.print(format!("\n{:<24}{:>14}    {}", "", "textbook", "simulated (95 % interval)"))?;
        for row in rows(&answer.metrics, textbook.as_ref()) {
            console.print(row)?;
        }
        console.print(format!(
            "\n{} replications of {} jobs, {:.1} M jobs/s; run folder {}",
            answer.replications,
            answer.jobs,
            answer.jobs_per_second / 1e6,
            answer.run
        ))?;
        console.print(next_step(self.runs, self.scenario))
    }
}

fn rows(metrics: &Metrics, textbook: Option<&Prediction>) -> Vec<String> {
    let row = |name: &str, theory: Option<f64>, simulated: String, show: fn(f64) -> String| {
        format!("{name:<24}{:>14}    {simulated}", theory.map_or_else(|| "–".into(), show))
    };
    let number = |value: f64| format!("{value:.4}");
    let time = |e: Estimate| format!("{} ± {}", milliseconds(e.estimate), milliseconds(e.half_width));
    let count = |e: Estimate| format!("{:.4} ± {:.4}", e.estimate, e.half_width);
    let range = |i: &Interval| {
        format!("{}  ({} – {})", milliseconds(i.estimate), milliseconds(i.low), milliseconds(i.high))
    };
    let mut rows = vec![
        row("mean wait", textbook.and_then(|t| t.mean_wait_s), time(metrics.mean_wait_s), milliseconds),
        row(
            "mean sojourn",
            textbook.and_then(|t| t.mean_sojourn_s),
            time(metrics.mean_sojourn_s),
            milliseconds,
        ),
        row(
            "mean queue length",
            textbook.and_then(|t| t.mean_queue_length),
            count(metrics.mean_queue_length),
            number,
        ),
        row("mean in system", textbook.and_then(|t| t.mean_in_system), count(metrics.mean_in_system), number),
        row("utilization", textbook.map(|t| t.utilization), count(metrics.utilization), number),
        row("P(wait > 0)", textbook.and_then(|t| t.prob_wait), count(metrics.prob_wait), number),
    ];
    for (p, interval) in &metrics.wait_quantiles_s {
        let theory = textbook.and_then(|t| t.wait_quantiles_s[p]);
        rows.push(row(&format!("wait quantile {p}"), theory, range(interval), milliseconds));
    }
    for (p, interval) in &metrics.sojourn_quantiles_s {
        let theory = textbook.and_then(|t| t.sojourn_quantiles_s[p]);
        rows.push(row(&format!("sojourn quantile {p}"), theory, range(interval), milliseconds));
    }
    rows
}
