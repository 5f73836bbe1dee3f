//! `sim theory`: what closed forms say.

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
    let time = |value: Option<f64>| value.map_or_else(|| "no closed form".into(), milliseconds);
    let number =
        |value: Option<f64>| value.map_or_else(|| "no closed form".into(), |value| format!("{value:.4}"));
    let mut rows = vec![
        ("mean wait".to_owned(), time(prediction.mean_wait_s)),
        ("mean sojourn".to_owned(), time(prediction.mean_sojourn_s)),
        ("mean queue length".to_owned(), number(prediction.mean_queue_length)),
        ("mean in system".to_owned(), number(prediction.mean_in_system)),
        ("P(wait > 0)".to_owned(), number(prediction.prob_wait)),
    ];
    rows.extend(
        prediction.wait_quantiles_s.iter().map(|(p, value)| (format!("wait quantile {p}"), time(*value))),
    );
    rows.extend(
        prediction
            .sojourn_quantiles_s
            .iter()
            .map(|(p, value)| (format!("sojourn quantile {p}"), time(*value))),
    );
    for (name, value) in rows {
        console.print(format!("{name:<24}{value:>16}"))?;
    }
    console.print("")?;
    for (group, method) in &prediction.method {
        let remark = if *method == "none" { "none: use `sim run`" } else { method };
        console.print(format!("method of {group}: {remark}"))?;
    }
    Ok(())
}
