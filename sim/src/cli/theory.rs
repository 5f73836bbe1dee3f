//! `sim theory`: what closed forms say.

use std::collections::BTreeMap;

use clap::Args;

use super::{Question, headline};
use crate::console::{Console, Failure, milliseconds};
use crate::theory::{Prediction, predict};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    question: Question,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let question = &arguments.question;
    let scenario = question.scenario()?;
    let calibration = question.calibration(&scenario)?;
    let terms = calibration.as_ref().map(|(_, calibration)| calibration.terms.terms());
    let prediction = predict(&scenario, terms)?;
    if question.json {
        return console.print_json(&prediction);
    }
    console.print(headline(&scenario))?;
    if let Some((file, calibration)) = &calibration {
        let Prediction { effective_utilization, .. } = prediction;
        let queue_type = &calibration.queue_type;
        console.print(format!(
            "calibration {} ({queue_type}): ρ′ = {effective_utilization:.3}",
            file.display()
        ))?;
    }
    console.print("")?;
    print_table(&prediction, console)
}

fn print_table(prediction: &Prediction, console: &mut Console<'_>) -> Result<(), Failure> {
    let time = |value: Option<f64>| value.map(milliseconds);
    let number = |value: Option<f64>| value.map(|value| format!("{value:.4}"));
    let mut rows = vec![
        ("mean wait".to_owned(), time(prediction.mean_wait_s), "mean_wait_s"),
        ("mean sojourn".to_owned(), time(prediction.mean_sojourn_s), "mean_sojourn_s"),
        ("mean queue length".to_owned(), number(prediction.mean_queue_length), "mean_queue_length"),
        ("mean in system".to_owned(), number(prediction.mean_in_system), "mean_in_system"),
        ("throughput, 1/s".to_owned(), number(prediction.throughput), "throughput"),
        ("P(wait > 0)".to_owned(), number(prediction.prob_wait), "prob_wait"),
    ];
    for (name, value, metric) in [
        ("P(refused)", prediction.prob_blocked, "prob_blocked"),
        ("P(gave up waiting)", prediction.prob_abandon, "prob_abandon"),
    ] {
        if value.is_some_and(|value| value > 0.0) {
            rows.push((name.to_owned(), number(value), metric));
        }
    }
    for (p, value) in &prediction.wait_quantiles_s {
        rows.push((format!("wait quantile {p}"), time(*value), "wait_quantiles_s"));
    }
    for (p, value) in &prediction.sojourn_quantiles_s {
        rows.push((format!("sojourn quantile {p}"), time(*value), "sojourn_quantiles_s"));
    }
    for (name, value, metric) in rows {
        let method = match (&value, prediction.method[metric].as_str()) {
            (None, "none") => "no closed form: use `sim run`",
            (_, method) => method,
        };
        console.print(format!("{name:<24}{:>14}   {method}", value.as_deref().unwrap_or("–")))?;
    }
    if let Some(bound) = prediction.mean_wait_bound_s {
        console.print(format!(
            "{:<24}{:>14}   upper bound (Kingman)",
            "mean wait at most",
            milliseconds(bound)
        ))?;
    }
    print_parts("class", &prediction.classes, console)?;
    print_parts("station", &prediction.stations, console)?;
    print_course(prediction, console)
}

fn print_parts(
    kind: &str,
    parts: &BTreeMap<String, Prediction>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if parts.is_empty() {
        return Ok(());
    }
    console.print(format!(
        "\n{kind:<24}{:>10}{:>14}{:>14}{:>14}",
        "ρ", "mean wait", "mean sojourn", "in system"
    ))?;
    let time = |value: Option<f64>| value.map_or_else(|| "–".into(), milliseconds);
    for (name, part) in parts {
        let in_system = part.mean_in_system.map_or_else(|| "–".into(), |value| format!("{value:.4}"));
        console.print(format!(
            "{name:<24}{:>10.3}{:>14}{:>14}{in_system:>14}",
            part.utilization.unwrap_or(f64::NAN),
            time(part.mean_wait_s),
            time(part.mean_sojourn_s),
        ))?;
    }
    Ok(())
}

/// The outage and the way through time, where they are known.
fn print_course(prediction: &Prediction, console: &mut Console<'_>) -> Result<(), Failure> {
    if let Some(backlog) = &prediction.outage {
        console.print(format!(
            "\noutage as a fluid: {:.0} jobs at its end, gone {:.1} s later; {:.0} jobs delayed, by {:.1} s at most",
            backlog.peak_backlog, backlog.drain_s, backlog.affected_jobs, backlog.longest_delay_s
        ))?;
    }
    if !prediction.transient.is_empty() {
        console.print(format!("\n{:<24}{:>14}", "time", "in system"))?;
    }
    let step = prediction.transient.len().div_ceil(25).max(1);
    for instant in prediction.transient.iter().step_by(step) {
        console.print(format!("{:<24}{:>14.3}", format!("{} s", instant.t_s), instant.mean_in_system))?;
    }
    Ok(())
}
