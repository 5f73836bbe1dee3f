//! What `sim run` says.

use std::path::Path;

use serde::Serialize;

use crate::calibration::Calibration;
use crate::cli::headline;
use crate::cli::metrics::Metrics;
use crate::console::{Console, Failure};
use crate::estimate::{Controlled, Goal, Metric, Progress, Warmup};
use crate::model::Scenario;
use crate::output::Estimate;
use crate::theory::Prediction;

/// The JSON answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) scenario: &'a str,
    pub(super) kendall: String,
    pub(super) metrics: Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) control_variates: Vec<Sharpened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) precision: Option<Precision>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) transient: Vec<Instants>,
    pub(super) replications: u32,
    /// Independent observations behind each interval: replications, or parts of a single one.
    pub(super) observations: usize,
    pub(super) jobs: u64,
    pub(super) warmup_jobs: u64,
    #[serde(skip)]
    pub(super) warmup: Warmup,
    pub(super) elapsed_s: f64,
    pub(super) jobs_per_second: f64,
    pub(super) run: String,
    pub(super) warnings: Vec<String>,
}

/// What control variates did for a metric.
#[derive(Serialize)]
pub(in crate::cli) struct Sharpened {
    #[serde(skip)]
    pub(in crate::cli) metric: Metric,
    name: String,
    #[serde(flatten)]
    pub(in crate::cli) estimate: Estimate,
    /// Its variance divided by that of the plain estimate.
    variance_ratio: f64,
}

impl Sharpened {
    pub(super) fn of(metric: Metric, controlled: Controlled) -> Self {
        let Controlled { estimate, variance_ratio } = controlled;
        Sharpened { metric, name: metric.name(), estimate, variance_ratio }
    }
}

/// What became of the goal.
#[derive(Serialize)]
pub(super) struct Precision {
    metric: String,
    asked: f64,
    reached: f64,
    pub(super) is_met: bool,
    /// Replications that it would take.
    needed_replications: u32,
}

impl Precision {
    pub(super) fn of(goal: Goal, progress: Progress) -> Self {
        let asked = goal.relative_half_width;
        let reached = progress.relative_half_width;
        let needed = f64::from(progress.replications) * (reached / asked * (1.0 + asked)).powi(2);
        Precision {
            metric: goal.metric.name(),
            asked,
            reached,
            is_met: reached <= asked / (1.0 + asked),
            needed_replications: needed.min(f64::from(u32::MAX)).ceil() as u32,
        }
    }

    pub(super) fn warning(&self) -> String {
        let Precision { metric, asked, reached, needed_replications, .. } = self;
        if !reached.is_finite() {
            return format!(
                "{metric} is not known at all yet: run.jobs is too short for it, or the time was"
            );
        }
        format!(
            "{metric} is known to ±{:.2} %, not to ±{:.2} %: about {needed_replications} replications would do",
            100.0 * reached,
            100.0 * asked
        )
    }
}

/// The mean number in the system at one instant.
#[derive(Serialize)]
pub(super) struct Instants {
    t_s: f64,
    mean_in_system: Estimate,
}

impl Instants {
    pub(super) fn of((t_s, mean_in_system): (f64, Estimate)) -> Self {
        Instants { t_s, mean_in_system }
    }
}

impl Answer<'_> {
    /// For people, beside what closed forms say.
    pub(super) fn print(
        &self,
        scenario: &Scenario,
        calibration: Option<(&Path, &Calibration)>,
        textbook: Option<Prediction>,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        console.print(headline(scenario))?;
        if let Some((file, calibration)) = calibration {
            console.print(format!(
                "calibration {} ({}): ρ′ = {:.3}",
                file.display(),
                calibration.queue_type,
                self.metrics.effective_utilization.unwrap_or(f64::NAN)
            ))?;
        }
        for warning in &self.warnings {
            console.note(format!("warning: {warning}"));
        }
        let eventful = !scenario.outages().is_empty() || scenario.initial_jobs() > 0;
        let theory = if eventful { "steady state" } else { "textbook" };
        console.print(format!("\n{:<24}{theory:>14}    {}", "", "simulated (95 % interval)"))?;
        let measured = self.jobs * u64::from(self.replications);
        for row in self.metrics.rows(textbook.as_ref(), measured) {
            console.print(row)?;
        }
        for (kind, parts) in [("class", &self.metrics.classes), ("station", &self.metrics.stations)] {
            if !parts.is_empty() {
                console.print(Metrics::line_header(kind))?;
            }
            for (name, part) in parts {
                console.print(part.line(name))?;
            }
        }
        self.print_controls(console)?;
        self.print_transient(console)?;
        console.print(format!(
            "\n{} of {} jobs after {}, {:.1} M jobs/s; run folder {}",
            self.runs(),
            self.jobs,
            self.warmup_words(),
            self.jobs_per_second / 1e6,
            self.run
        ))
    }

    fn runs(&self) -> String {
        match self.replications {
            1 => format!("1 replication in {} parts", self.observations),
            many => format!("{many} replications"),
        }
    }

    fn warmup_words(&self) -> String {
        let Warmup { jobs, memory, mser_jobs } = self.warmup;
        let least = Warmup::least_jobs(&memory);
        match mser_jobs {
            None => format!("{jobs} of warm-up"),
            Some(_) if least == 0 => format!("{jobs} of warm-up (by MSER-5)"),
            Some(mser_jobs) => {
                format!("{jobs} of warm-up (ten relaxation times are {least}, MSER-5 says {mser_jobs})")
            }
        }
    }

    fn print_controls(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.control_variates.is_empty() {
            return Ok(());
        }
        console.print("\ncontrol variates        variance left")?;
        for Sharpened { name, variance_ratio, .. } in &self.control_variates {
            console.print(format!("{name:<24}{:>12.1} %", 100.0 * variance_ratio))?;
        }
        Ok(())
    }

    fn print_transient(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.transient.is_empty() {
            return Ok(());
        }
        console.print(format!("\n{:<24}{:>14}", "time", "in system (95 % interval)"))?;
        let step = self.transient.len().div_ceil(TRANSIENT_ROWS);
        for Instants { t_s, mean_in_system } in self.transient.iter().step_by(step) {
            let Estimate { estimate, half_width, .. } = mean_in_system;
            console.print(format!("{:<24}{estimate:>14.3} ± {half_width:.3}", format!("{t_s} s")))?;
        }
        Ok(())
    }
}

/// Rows of a table at most: a finer grid is in `transient.csv`.
const TRANSIENT_ROWS: usize = 25;
