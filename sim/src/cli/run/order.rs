//! A run to be made.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::answer::{Answer, Instants, Precision, Sharpened};
use crate::calibration::Calibration;
use crate::cli::metrics::Metrics;
use crate::cli::stability::{effective_utilization, refuse_or_warn};
use crate::console::{Console, Failure, bar};
use crate::engine::{PARTS, simulate_numbers, trajectory, transient};
use crate::estimate::{Estimates, Goal, Metric, Progress, Sample, Warmup, control, is_steady, reach, settle};
use crate::model::{Overheads, Scenario, Terms};
use crate::plan::infinite_variance;
use crate::run_folder::{RunFolder, Source};
use crate::theory::predict;

/// How hard to try.
#[derive(Debug, Default)]
pub(super) struct Effort {
    /// Replications until this is met, instead of the scenario's number.
    pub(super) goal: Option<Goal>,
    /// Time after which the goal is given up.
    pub(super) budget: Option<Duration>,
    pub(super) control_variates: bool,
}

pub(super) struct Order<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) calibration: Option<(&'a Path, &'a Calibration)>,
    pub(super) allow_unstable: bool,
    pub(super) effort: Effort,
    pub(super) runs: &'a Path,
    pub(super) pool: &'a rayon::ThreadPool,
}

impl Order<'_> {
    pub(super) fn carry_out(&self, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
        let overheads = self
            .calibration
            .map_or_else(|| Overheads::from(Terms::IDEAL), |(_, calibration)| calibration.terms.overheads());
        let utilization = effective_utilization(self.scenario, &overheads);
        let mut warnings = refuse_or_warn(self.scenario, utilization, self.allow_unstable)?;
        // Who insists on a queue that grows without end has said that the run's length is part of the question.
        let settles = utilization < 1.0 || warnings.is_empty();
        if self.effort.control_variates {
            check_controls(self.scenario)?;
        }
        let warmup = if settles {
            self.pool.install(|| settle(self.scenario, &overheads)).map_err(too_short)?
        } else {
            Warmup::as_given(self.scenario)
        };
        warnings.extend(warning_of(&warmup, self.scenario).filter(|_| settles));
        warnings.extend(heavy_tail_warning(self.scenario));
        let length = self.scenario.run();
        let settled = self.scenario.clone().with_run(length.jobs(), warmup.jobs, length.replications());

        if let Some((file, _)) = self.calibration.filter(|(_, calibration)| !calibration.valid) {
            warnings.push(format!(
                "{}: the load of this calibration was not what it was meant to be; calibrate again",
                file.display()
            ));
        }
        let begun = Instant::now();
        let (sample, precision) = self.simulate(&settled, &overheads, console)?;
        let elapsed_s = begun.elapsed().as_secs_f64();
        let estimates = Estimates::of(&sample);
        let mut metrics = Metrics::of(self.scenario, &estimates, utilization);
        let sharpened = if self.effort.control_variates { self.sharpen(&sample) } else { Vec::new() };
        metrics.sharpen(&sharpened);
        warnings.extend(warnings_of(&sample, precision.as_ref()));

        let (transient, folder) = self.write(&sample, overheads, console)?;
        let simulated = sample.replications().len() as u64 * measured(&sample)
            + warmup.jobs * if length.replications() == 1 { 1 } else { sample.replications().len() as u64 };
        let answer = Answer {
            scenario: self.scenario.name(),
            kendall: self.scenario.kendall(),
            metrics,
            control_variates: sharpened,
            precision,
            transient,
            replications: if length.replications() == 1 { 1 } else { sample.replications().len() as u32 },
            observations: sample.observations(),
            jobs: length.jobs(),
            warmup_jobs: warmup.jobs,
            warmup,
            elapsed_s,
            jobs_per_second: simulated as f64 / elapsed_s,
            run: folder,
            warnings,
        };
        if json { console.print_json(&answer) } else { self.print(&answer, console) }
    }

    /// The scenario's replications, or as many as the goal takes.
    fn simulate(
        &self,
        settled: &Scenario,
        overheads: &Overheads,
        console: &mut Console<'_>,
    ) -> Result<(Sample, Option<Precision>), Failure> {
        let Some(goal) = self.effort.goal else {
            let sample = self.pool.install(|| Sample::of(settled, overheads)).map_err(too_short)?;
            return Ok((sample, None));
        };
        if settled.run().replications() == 1 {
            return Err(Failure::BadInput(
                "run.replications = 1: --precision adds replications; write replications = 20 or more".into(),
            ));
        }
        let begun = Instant::now();
        let go_on = |progress: Progress| {
            console.progress(progress_line(&goal, progress, begun.elapsed(), self.effort.budget));
            self.effort.budget.is_none_or(|budget| begun.elapsed() < budget)
        };
        let simulate =
            |numbers: Range<u32>| self.pool.install(|| simulate_numbers(settled, overheads, numbers));
        let (sample, progress) = reach(settled, goal, simulate, go_on);
        console.clear_progress();
        if Estimates::of(&sample).get(goal.metric).estimate == Some(0.0) {
            return Err(Failure::BadInput(format!(
                "--metric {}: it is 0, and no half-width is a fraction of that; ask for the precision of another",
                goal.metric.name()
            )));
        }
        Ok((sample, Some(Precision::of(goal, progress))))
    }

    /// The estimates of means with control variates.
    fn sharpen(&self, sample: &Sample) -> Vec<Sharpened> {
        // Loads and throughput are the controls themselves, but for the edges of the window, which would be all
        // that is left of them.
        let controls = [Metric::OfferedLoad, Metric::Throughput, Metric::Utilization];
        let means =
            Metric::all().filter(|metric| metric.probability().is_none() && !controls.contains(metric));
        let sharpened = means.filter_map(|metric| {
            let controlled = control(self.scenario, sample, metric)?;
            controlled.variance_ratio.is_finite().then(|| Sharpened::of(metric, controlled))
        });
        sharpened.collect()
    }

    /// Leaves a run folder, and follows the course over time if the scenario asks for it.
    fn write(
        &self,
        sample: &Sample,
        overheads: Overheads,
        console: &Console<'_>,
    ) -> Result<(Vec<Instants>, String), Failure> {
        let scenario = self.scenario;
        let mut folder =
            RunFolder::create(self.runs, scenario, Source::Sim, &console.provenance, self.calibration)?;
        folder.write_replications(scenario, sample.replications())?;
        folder.write_jobs(&trajectory(scenario, overheads))?;
        let transient = self.pool.install(|| transient(scenario));
        if !transient.is_empty() {
            folder.write_transient(&transient)?;
        }
        folder.complete(console.now())?;
        Ok((transient.into_iter().map(Instants::of).collect(), folder.path().display().to_string()))
    }

    fn print(&self, answer: &Answer<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
        answer.print(self.scenario, self.calibration, predict(self.scenario, None).ok(), console)?;
        console.print(crate::cli::next_step(self.runs, self.scenario))
    }
}

pub(super) fn too_short(error: crate::estimate::TooShort) -> Failure {
    Failure::BadInput(error.to_string())
}

/// Measured jobs of a replication or part.
fn measured(sample: &Sample) -> u64 {
    sample.replications()[0].sojourns.total().max(1)
}

/// Control variates need means that are known, and observations that are independent replications.
fn check_controls(scenario: &Scenario) -> Result<(), Failure> {
    let arrivals = scenario.arrivals();
    let known = scenario.is_single()
        && arrivals.process().interarrival().is_some()
        && arrivals.batch().is_none()
        && scenario.outages().is_empty()
        && scenario.initial_jobs() == 0;
    if !known || scenario.run().replications() == 1 {
        return Err(Failure::BadInput(
            "--control-variates: the means of interarrival times and services must be those of all jobs: one \
             class and station, independent interarrival times, no batches, outages or backlog, and at least 2 \
             replications; leave the flag out"
                .into(),
        ));
    }
    Ok(())
}

fn warning_of(warmup: &Warmup, scenario: &Scenario) -> Option<String> {
    let least = Warmup::least_jobs(&warmup.memory);
    let is_given = !scenario.run().has_open_warmup();
    (warmup.jobs < least && is_given && is_steady(scenario)).then(|| {
        format!(
            "run.warmup_jobs = {} is less than ten relaxation times, or a cycle of what varies: {least} jobs; the start \
             may show. Leave the key out, and the simulation finds it",
            warmup.jobs
        )
    })
}

/// Means whose variance does not exist have no honest intervals.
fn heavy_tail_warning(scenario: &Scenario) -> Option<String> {
    let reason = infinite_variance(scenario, Metric::MeanWait)?;
    Some(format!("{reason}, so that intervals of means cover less often than they say, whatever the length"))
}

fn warnings_of(sample: &Sample, precision: Option<&Precision>) -> Vec<String> {
    let mut warnings = Vec::new();
    let unfinished: u64 = sample.replications().iter().map(|replication| replication.unfinished).sum();
    if unfinished > 0 {
        warnings.push(format!("{unfinished} measured jobs were still there when the run was given up"));
    }
    if sample.observations() < PARTS && sample.replications().len() > sample.observations() {
        warnings.push(format!(
            "the long run was cut into {} parts: shorter ones are related",
            sample.observations()
        ));
    }
    warnings.extend(precision.filter(|precision| !precision.is_met).map(Precision::warning));
    warnings
}

fn progress_line(goal: &Goal, progress: Progress, elapsed: Duration, budget: Option<Duration>) -> String {
    let Progress { replications, needed, relative_half_width } = progress;
    let reached = if relative_half_width.is_finite() {
        format!("±{:.2} % of ±{:.2} %", 100.0 * relative_half_width, 100.0 * goal.relative_half_width)
    } else {
        "not looked yet".to_owned()
    };
    let share = f64::from(replications) / f64::from(needed);
    let budget_s = budget.map_or(f64::INFINITY, |budget| budget.saturating_sub(elapsed).as_secs_f64());
    let left_s = (elapsed.as_secs_f64() * (1.0 - share) / share).min(budget_s);
    // Shorter than any terminal is wide: a line that wraps cannot be redrawn.
    format!("{} {reached}, {replications} of {needed} replications, {left_s:.0} s left", bar(share))
}
