//! `sim run A.toml B.toml --difference`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::order::too_short;
use crate::cli::headline;
use crate::cli::stability::{effective_utilization, refuse_or_warn};
use crate::console::{Console, Failure, milliseconds};
use crate::estimate::{Difference, Metric, Sample, differences, settle};
use crate::model::{Overheads, Scenario, Terms};
use crate::output::Interval;

/// Two scenarios with the same seed and effort.
pub(super) struct Pair {
    scenarios: [Scenario; 2],
    warnings: Vec<String>,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenarios: [&'a str; 2],
    differences: BTreeMap<String, Row>,
    replications: u32,
    jobs: u64,
    warmup_jobs: u64,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Row {
    first: Option<f64>,
    second: Option<f64>,
    difference: Option<Interval>,
    variance_ratio: Option<f64>,
}

impl Pair {
    /// Refuses scenarios whose jobs cannot be paired.
    pub(super) fn new(scenarios: [Scenario; 2], allow_unstable: bool) -> Result<Self, Failure> {
        let effort = |scenario: &Scenario| {
            let run = scenario.run();
            [("seed", run.seed()), ("jobs", run.jobs()), ("replications", run.replications().into())]
        };
        for ((key, first), (_, second)) in effort(&scenarios[0]).into_iter().zip(effort(&scenarios[1])) {
            if first != second {
                return Err(Failure::BadInput(format!(
                    "run.{key} = {first} and {second}: a difference is taken job by job; give both scenarios the same"
                )));
            }
        }
        if scenarios[0].run().replications() == 1 {
            return Err(Failure::BadInput(
                "run.replications = 1: a difference is taken over replications; write replications = 20"
                    .into(),
            ));
        }
        let mut warnings = Vec::new();
        for scenario in &scenarios {
            let utilization = effective_utilization(scenario, &Overheads::from(Terms::IDEAL));
            warnings.extend(refuse_or_warn(scenario, utilization, allow_unstable)?);
        }
        Ok(Pair { scenarios, warnings })
    }

    pub(super) fn carry_out(
        &self,
        pool: &rayon::ThreadPool,
        json: bool,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let ideal = Overheads::from(Terms::IDEAL);
        let settled = |scenario: &Scenario| pool.install(|| settle(scenario, &ideal)).map_err(too_short);
        let [first, second] = &self.scenarios;
        // The same jobs are measured in both.
        let warmup_jobs = settled(first)?.jobs.max(settled(second)?.jobs);
        let run = first.run();
        let sample = |scenario: &Scenario| {
            let scenario = scenario.clone().with_run(run.jobs(), warmup_jobs, run.replications());
            pool.install(|| Sample::of(&scenario, &ideal)).map_err(too_short)
        };
        let differences = differences([&sample(first)?, &sample(second)?]);
        if json {
            return console.print_json(&Answer {
                scenarios: [first.name(), second.name()],
                differences: differences.iter().map(|of| (of.metric.name(), Row::of(of))).collect(),
                replications: run.replications(),
                jobs: run.jobs(),
                warmup_jobs,
                warnings: &self.warnings,
            });
        }
        self.print(&differences, console)?;
        console.print(format!(
            "\nvar.: variance left by the common jobs, of 100 % for jobs of their own\n\
             {} paired replications of {} jobs after {warmup_jobs} of warm-up",
            run.replications(),
            run.jobs()
        ))
    }

    fn print(&self, differences: &[Difference], console: &mut Console<'_>) -> Result<(), Failure> {
        for scenario in &self.scenarios {
            console.print(headline(scenario))?;
        }
        for warning in &self.warnings {
            console.note(format!("warning: {warning}"));
        }
        console.print(format!(
            "\n{:<20}{:>11}{:>11}{:>31}{:>7}",
            "", "first", "second", "second − first (95 %)", "var."
        ))?;
        for of in differences {
            let happens = of.estimates.iter().any(|estimate| estimate.is_none_or(|value| value != 0.0));
            if happens {
                console.print(line(of))?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn of(difference: &Difference) -> Self {
        let Difference { estimates: [first, second], difference, variance_ratio, .. } = *difference;
        Row { first, second, difference, variance_ratio }
    }
}

fn line(of: &Difference) -> String {
    let show = |value: f64| if of.metric.is_time() { milliseconds(value) } else { format!("{value:.4}") };
    let estimate = |n: usize| of.estimates[n].map_or_else(|| "too few".into(), show);
    let interval = of.difference.map_or_else(
        || "–".into(),
        |Interval { estimate, low, high }| format!("{} ({} … {})", show(estimate), show(low), show(high)),
    );
    let ratio = of.variance_ratio.map_or_else(|| "–".into(), |ratio| format!("{:.0} %", 100.0 * ratio));
    let name = match of.metric {
        Metric::WaitVariance | Metric::SojournVariance => of.metric.name(),
        metric => metric.name().trim_end_matches("_s").to_owned(),
    };
    format!("{name:<20}{:>11}{:>11}{interval:>31}{ratio:>7}", estimate(0), estimate(1))
}
