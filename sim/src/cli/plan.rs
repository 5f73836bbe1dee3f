//! `sim plan`: how long is long enough.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::headline;
use crate::console::{Console, Failure, milliseconds};
use crate::estimate::Metric;
use crate::model::Scenario;
use crate::plan::{Goal, Plan, Scatter, plan};
use crate::scenario_file;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file
    scenario: PathBuf,
    /// Half-width of the interval as a fraction of the value
    #[arg(long, value_name = "FRACTION", default_value_t = 0.05)]
    relative_error: f64,
    /// Confidence of the interval
    #[arg(long, value_name = "FRACTION", default_value_t = 0.95)]
    confidence: f64,
    /// Ask instead for the jobs that show with this probability that a true difference of 0 is within
    /// --relative-error (two one-sided tests at 1 - confidence)
    #[arg(long, value_name = "FRACTION")]
    power: Option<f64>,
    /// Only these, such as p99_sojourn; several times for several [default: mean, p50, p90, p99, p99.9 of wait and
    /// sojourn]
    #[arg(long, value_name = "METRIC", value_parser = metric_of_jobs)]
    metric: Vec<Metric>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    kendall: String,
    relative_error: f64,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<f64>,
    metrics: Metrics,
    variance_inflation: Option<f64>,
    relaxation: Option<Warmup>,
    /// d ln(mean sojourn)/d ln μ.
    sensitivity: Option<f64>,
    run_jobs: u64,
    drive_jobs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pilot: Option<Effort>,
    warnings: Vec<String>,
}

#[derive(Default, Serialize)]
struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_wait_s: Option<Row>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    wait_quantiles_s: BTreeMap<&'static str, Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_sojourn_s: Option<Row>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sojourn_quantiles_s: BTreeMap<&'static str, Row>,
}

/// One metric; everything but the method is absent where there is no number.
#[derive(Debug, Clone, Serialize)]
struct Row {
    value_s: Option<f64>,
    jobs: Option<u64>,
    jobs_low: Option<u64>,
    jobs_high: Option<u64>,
    live_s: Option<f64>,
    jobs_rates_fitted: Option<u64>,
    run_relative_error: Option<f64>,
    drive_relative_error: Option<f64>,
    method: &'static str,
}

#[derive(Serialize)]
struct Warmup {
    jobs: f64,
    time_s: f64,
    is_exact: bool,
    warmup_jobs: u64,
}

#[derive(Serialize)]
struct Effort {
    replications: u32,
    jobs: u64,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let refused = |error: crate::plan::PlanError| Failure::BadInput(error.to_string());
    let goal = Goal::new(arguments.relative_error, arguments.confidence, arguments.power).map_err(refused)?;
    let scenario = scenario_file::load(&arguments.scenario)?;
    let metrics = if arguments.metric.is_empty() { usual() } else { arguments.metric.clone() };
    let (interactive, err) = (console.interactive, &mut *console.err);
    let mut progress = |replications: u32, jobs: u64| {
        if interactive {
            // What cannot be shown is not worth failing for.
            let _ = write!(err, "\rpilot runs: {replications} × {} jobs …\x1b[K", grouped(jobs));
            let _ = err.flush();
        }
    };
    let plan = plan(&scenario, &metrics, &mut progress).map_err(refused)?;
    if interactive && plan.pilot.is_some() {
        let _ = write!(console.err, "\r\x1b[K");
    }
    if arguments.json {
        return console.print_json(&answer(&scenario, &goal, &plan));
    }
    print(&scenario, &goal, &plan, console)
}

fn metric_of_jobs(name: &str) -> Result<Metric, String> {
    let found = name.parse().ok().filter(|metric| Metric::of_jobs().any(|of_jobs| of_jobs == *metric));
    found.ok_or_else(|| {
        "it is mean, p50, p90, p95, p99 or p99.9, then _wait or _sojourn, such as p99_sojourn_s".to_owned()
    })
}

/// The metrics of a plan that was asked for none: 95 % adds nothing to 90 % and 99 %.
fn usual() -> Vec<Metric> {
    let told = |metric: &Metric| metric.probability().is_none_or(|(_, name)| name != "0.95");
    Metric::of_jobs().filter(told).collect()
}

/// All jobs that the simulation of a scenario measures.
fn run_jobs(scenario: &Scenario) -> u64 {
    scenario.run().jobs().saturating_mul(u64::from(scenario.run().replications()))
}

impl Row {
    fn of(scenario: &Scenario, goal: &Goal, plan: &Plan, scatter: &Result<Scatter, &'static str>) -> Self {
        let known = scatter.as_ref().ok();
        let jobs = known.map(|scatter| goal.jobs(scatter.relative_variance));
        let reached = |jobs: u64| known.map(|scatter| goal.reached(scatter.relative_variance, jobs));
        Row {
            value_s: known.map(|scatter| scatter.value_s),
            jobs,
            jobs_low: known.map(|scatter| goal.jobs(scatter.low)),
            jobs_high: known.map(|scatter| goal.jobs(scatter.high)),
            live_s: jobs.map(|jobs| jobs as f64 / plan.arrival_rate),
            jobs_rates_fitted: known.and_then(|scatter| scatter.fitted).map(|fitted| goal.jobs(fitted)),
            run_relative_error: reached(run_jobs(scenario)),
            drive_relative_error: reached(scenario.drive().jobs()),
            method: scatter.as_ref().map_or_else(|reason| *reason, |scatter| scatter.method),
        }
    }
}

fn answer<'a>(scenario: &'a Scenario, goal: &Goal, plan: &Plan) -> Answer<'a> {
    let mut metrics = Metrics::default();
    for (metric, scatter) in &plan.metrics {
        let row = Row::of(scenario, goal, plan, scatter);
        match (metric.is_sojourn(), metric.probability()) {
            (false, None) => metrics.mean_wait_s = Some(row),
            (true, None) => metrics.mean_sojourn_s = Some(row),
            (false, Some((_, p))) => drop(metrics.wait_quantiles_s.insert(p, row)),
            (true, Some((_, p))) => drop(metrics.sojourn_quantiles_s.insert(p, row)),
        }
    }
    Answer {
        scenario: scenario.name(),
        kendall: scenario.kendall(),
        relative_error: goal.relative_error(),
        confidence: goal.confidence(),
        power: goal.power(),
        metrics,
        variance_inflation: plan.variance_inflation,
        relaxation: plan.relaxation.map(|relaxation| Warmup {
            jobs: relaxation.jobs,
            time_s: relaxation.time_s(plan.arrival_rate),
            is_exact: relaxation.is_exact,
            warmup_jobs: relaxation.warmup_jobs(),
        }),
        sensitivity: plan.sensitivity,
        run_jobs: run_jobs(scenario),
        drive_jobs: scenario.drive().jobs(),
        pilot: plan.pilot.map(|(replications, jobs)| Effort { replications, jobs }),
        warnings: warnings(scenario),
    }
}

fn warnings(scenario: &Scenario) -> Vec<String> {
    let eventful = !scenario.outages().is_empty() || scenario.initial_jobs() > 0;
    let text = "a plan is for the steady state: outages and the initial backlog are left out";
    if eventful { vec![text.into()] } else { Vec::new() }
}

fn print(scenario: &Scenario, goal: &Goal, plan: &Plan, console: &mut Console<'_>) -> Result<(), Failure> {
    for warning in warnings(scenario) {
        console.note(format!("warning: {warning}"));
    }
    console.print(headline(scenario))?;
    let (error, confidence) = (given(goal.relative_error()), given(goal.confidence()));
    console.print(match goal.power() {
        None => format!("\njobs to see each metric within ±{error}, at {confidence} confidence"),
        Some(power) => format!(
            "\njobs to show with probability {} that a true difference of 0 is within ±{error}, at {confidence}",
            given(power)
        ),
    })?;
    let rows: Vec<_> =
        plan.metrics.iter().map(|(m, scatter)| (m, Row::of(scenario, goal, plan, scatter))).collect();
    let fitted = rows.iter().any(|(_, row)| row.jobs_rates_fitted.is_some());
    let fitted_header = if fitted { format!("{:>14}", "rates fitted") } else { String::new() };
    console.print(format!(
        "\n{:<16}{:>12}{:>14}{:>11}{fitted_header}{:>10}{:>10}",
        "", "value", "jobs", "live run", "[run]", "[drive]"
    ))?;
    for (metric, row) in &rows {
        console.print(line(**metric, row, fitted))?;
    }
    print_legend(scenario, plan, fitted, console)
}

fn line(metric: Metric, row: &Row, fitted: bool) -> String {
    let (Some(value_s), Some(jobs), Some(live_s)) = (row.value_s, row.jobs, row.live_s) else {
        return format!("{metric:<16}{:>12}  {}", "–", row.method);
    };
    let is_exact = row.jobs_low == row.jobs_high;
    let jobs = if is_exact { grouped(jobs) } else { format!("~{}", rounded(jobs)) };
    let fitted = match (fitted, row.jobs_rates_fitted) {
        (true, Some(jobs)) => format!("{:>14}", grouped(jobs)),
        (true, None) => format!("{:>14}", "–"),
        (false, _) => String::new(),
    };
    let reached = |error: Option<f64>| format!("±{}", percent(error.unwrap_or(f64::NAN)));
    format!(
        "{metric:<16}{:>12}{jobs:>14}{:>11}{fitted}{:>10}{:>10}",
        milliseconds(value_s),
        duration(live_s),
        reached(row.run_relative_error),
        reached(row.drive_relative_error)
    )
}

/// What the columns mean, and what else there is to know.
fn print_legend(
    scenario: &Scenario,
    plan: &Plan,
    fitted: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let run = scenario.run();
    console.print(format!(
        "\n{:<16}what {} × {} simulated jobs reach\n{:<16}what a live run of {} jobs reaches, unpaired",
        "[run]",
        run.replications(),
        grouped(run.jobs()),
        "[drive]",
        grouped(scenario.drive().jobs())
    ))?;
    if fitted {
        console
            .print(format!("{:<16}against M/M/1 with the rates measured in the same run", "rates fitted"))?;
    }
    let guessed = plan.metrics.iter().any(|(_, scatter)| scatter.as_ref().is_ok_and(|s| s.low < s.high));
    if let (Some((replications, jobs)), true) = (plan.pilot, guessed) {
        let row = plan.metrics.iter().filter_map(|(_, scatter)| scatter.as_ref().ok());
        let spread = row.map(|s| (s.low / s.relative_variance, s.high / s.relative_variance));
        let (low, high) = spread.fold((1.0_f64, 1.0_f64), |(l, h), (low, high)| (l.min(low), h.max(high)));
        console.print(format!(
            "{:<16}from {replications} pilot runs of {} jobs: {low:.2} to {high:.2} times as many, with 95 % confidence",
            "~",
            grouped(jobs)
        ))?;
    }
    console.print(match plan.relaxation {
        None => format!("\n{:<16}not known: watch how the mean settles", "warm-up"),
        Some(relaxation) => format!(
            "\n{:<16}{} jobs ({}): ten relaxation times of {:.1} jobs{}",
            "warm-up",
            grouped(relaxation.warmup_jobs()),
            duration(relaxation.warmup_jobs() as f64 / plan.arrival_rate),
            relaxation.jobs,
            if relaxation.is_exact { "" } else { ", approximately" }
        ),
    })?;
    if let Some(inflation) = plan.variance_inflation {
        console.print(format!(
            "{:<16}{inflation:.1}: so many jobs tell as much of the mean sojourn as one independent job",
            "inflation"
        ))?;
    }
    if let Some(sensitivity) = plan.sensitivity {
        console.print(format!(
            "{:<16}1 % off in the service rate moves the mean sojourn by {:.1} %",
            "sensitivity",
            sensitivity.abs()
        ))?;
    }
    Ok(())
}

/// Groups of three digits, and millions from a hundred of them on.
fn grouped(number: u64) -> String {
    if number >= 100_000_000 {
        return format!("{:.1} M", number as f64 / 1e6);
    }
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two significant digits: more are not known.
fn rounded(number: u64) -> String {
    let unit = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    grouped((number + unit / 2) / unit * unit)
}

/// A fraction in percent as it was given.
fn given(fraction: f64) -> String {
    format!("{} %", (fraction * 1e6).round() / 1e4)
}

/// A fraction in percent with two significant digits.
fn percent(fraction: f64) -> String {
    let value = 100.0 * fraction;
    let decimals = if value >= 10.0 - 0.05 {
        0
    } else if value >= 1.0 - 0.005 {
        1
    } else {
        2
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// Two significant digits in the largest unit that fits.
fn duration(seconds: f64) -> String {
    let units = [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(("s", 1.0));
    let value = seconds / length;
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_the_digits_that_are_known() {
        assert_eq!(
            (grouped(7), grouped(1_000), grouped(12_345_678)),
            ("7".into(), "1,000".into(), "12,345,678".into())
        );
        assert_eq!(grouped(1_234_567_890), "1234.6 M");
        assert_eq!((rounded(0), rounded(96), rounded(1_962)), ("0".into(), "96".into(), "2,000".into()));
    }

    #[test]
    fn fractions_and_times_have_two_digits() {
        assert_eq!(
            (percent(0.05), percent(0.0128), percent(0.256)),
            ("5 %".into(), "1.3 %".into(), "26 %".into())
        );
        assert_eq!((percent(0.001_234), given(0.999)), ("0.12 %".into(), "99.9 %".into()));
        assert_eq!(
            (duration(0.04), duration(75.0), duration(778.0)),
            ("0.0 s".into(), "1.2 min".into(), "13 min".into())
        );
        assert_eq!(duration(700_000.0), "8.1 d");
    }
}
