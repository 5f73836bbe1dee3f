//! The comparison as a table for the terminal.

use std::fmt::Write;

use sim::cli::headline;
use sim::console::milliseconds;

use crate::compare::{Comparison, Rung};
use crate::pair::{Pair, TermsSource};

/// The comparison as text: set-up, metrics, overheads, ladder.
pub fn table(pair: &Pair, comparison: &Comparison) -> String {
    let mut text = format!("{}\non {}\n", headline(&pair.observed.scenario), pair.set_up());
    let _ = writeln!(text, "{}\n", basis(pair));
    metrics(&mut text, comparison);
    let _ = writeln!(text, "\noverhead       mean   standard error");
    for (name, term) in pair.terms.named() {
        let (mean, error) = (milliseconds(term.mean_s), milliseconds(term.standard_error_s));
        let _ = writeln!(text, "{name:<11}{mean:>9}{error:>17}");
    }
    ladder(&mut text, comparison);
    let _ = write!(text, "\nverdict on the prediction: {}", comparison.verdict);
    text
}

/// Where the prediction's overheads come from.
pub(super) fn basis(pair: &Pair) -> String {
    match &pair.source {
        TermsSource::Calibration { file, made } => {
            format!("predicted with {file}, measured {made}, before the run")
        }
        TermsSource::FirstThird => {
            "no calibration made before this run was found: overheads are fitted on its \
                                    first third, and only the rest is judged"
                .to_owned()
        }
    }
}

fn metrics(text: &mut String, comparison: &Comparison) {
    let head = ["textbook", "same jobs,", "predicted,", "(90 % interval)", "observed", "error"];
    let [textbook, ideal, predicted, interval, observed, error] = head;
    let _ = writeln!(
        text,
        "{:<14}{textbook:>10}{ideal:>13}{predicted:>13}  {interval:<18}{observed:>10}{error:>9}",
        ""
    );
    let _ = writeln!(text, "{:<24}{:>13}{:>13}", "", "no overhead", "calibrated");
    for (name, metric) in comparison.metrics.named() {
        let textbook = metric.textbook.map_or_else(|| "–".into(), milliseconds);
        let interval = format!("({} – {})", bare(metric.low), bare(metric.high));
        let _ = writeln!(
            text,
            "{name:<14}{textbook:>10}{:>13}{:>13}  {interval:<18}{:>10}{:>+8.1}%  {}",
            milliseconds(metric.ideal),
            milliseconds(metric.predicted),
            milliseconds(metric.observed),
            100.0 * metric.relative_error,
            metric.verdict,
        );
    }
}

fn bare(seconds: f64) -> String {
    milliseconds(seconds).trim_end_matches(" ms").to_owned()
}

fn ladder(text: &mut String, comparison: &Comparison) {
    let _ =
        writeln!(text, "\n{:<20}{:>11}{:>11}{:>12}{:>11}", "ladder (wait)", "mean", "step", "p99", "step");
    for (rung, [mean_step, p99_step]) in comparison.ladder.iter().zip(steps(&comparison.ladder)) {
        let time = |value: Option<f64>| value.map_or_else(|| "–".into(), milliseconds);
        let step = |value: Option<f64>| value.map_or_else(String::new, signed_milliseconds);
        let _ = writeln!(
            text,
            "{:<20}{:>11}{:>11}{:>12}{:>11}  {}",
            rung.rung.replace('_', " "),
            time(rung.mean_wait_s),
            step(mean_step),
            time(rung.p99_wait_s),
            step(p99_step),
            rung.change(),
        );
    }
}

/// A difference of times with its sign, such as `+3.21 ms`.
pub(super) fn signed_milliseconds(seconds: f64) -> String {
    let shown = milliseconds(seconds);
    if seconds < 0.0 { shown.replacen('-', "−", 1) } else { format!("+{shown}") }
}

/// For each rung, the steps of mean and 99 % quantile from the last rung below it that has an answer.
pub(super) fn steps(ladder: &[Rung]) -> Vec<[Option<f64>; 2]> {
    let mut last = [None; 2];
    let step = |rung: &Rung| {
        let values = [rung.mean_wait_s, rung.p99_wait_s];
        let steps = [0, 1].map(|n| Some(values[n]? - last[n]?));
        for n in [0, 1] {
            last[n] = values[n].or(last[n]);
        }
        steps
    };
    ladder.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_the_ladder_add_up_over_a_rung_without_an_answer() {
        let rung = |rung, mean: Option<f64>| Rung { rung, mean_wait_s: mean, p99_wait_s: mean };
        let ladder = [rung("textbook", Some(2.0)), rung("fitted_rates", None), rung("observed", Some(5.0))];
        let steps = steps(&ladder);
        assert_eq!(steps, [[None; 2], [None; 2], [Some(3.0); 2]]);
    }
}
