//! The verdict in one sentence.

use sim::console::milliseconds;

use super::{Comparison, Metric, Metrics, Overload, Verdict, overall};
use crate::diagnostics::State;

/// What a reader who reads nothing else should take away.
pub(super) fn sentence(comparison: &Comparison) -> String {
    match (&comparison.metrics, &comparison.overload) {
        (Some(metrics), _) => steady(comparison, metrics),
        (None, Some(overload)) => overloaded(comparison.verdict, overload),
        (None, None) => match comparison.state() {
            State::Overloaded { .. } => {
                "Overloaded: jobs came faster than the consumers work, so there is no steady state to predict.".to_owned()
            }
            _ => "Drifting: the run was another system at its end than at its beginning, so it has no steady state to \
                  compare."
                .to_owned(),
        },
    }
}

fn steady(comparison: &Comparison, metrics: &Metrics) -> String {
    let wait = &metrics.mean_wait_s;
    // Where jobs hardly wait the error is relative to a service, as it is judged.
    let of_a_service =
        if wait.error.abs() < 0.999 * wait.relative_error.abs() { " of a service" } else { "" };
    let seen = format!(
        "the mean wait was {}, predicted {} ({}{of_a_service})",
        milliseconds(wait.observed),
        milliseconds(wait.predicted),
        percent(wait.error)
    );
    let textbook = wait.textbook.filter(|textbook| *textbook > 0.0).map_or_else(String::new, |textbook| {
        format!(
            "; the textbook says {}, and it was {:.1} times that",
            milliseconds(textbook),
            wait.observed / textbook
        )
    });
    match comparison.verdict {
        Verdict::Valid => format!("The prediction holds: {seen}{textbook}."),
        Verdict::Invalid => match worst(metrics) {
            Some((name, metric)) => format!(
                "The prediction does not hold: {name} is off by {} where ±{:.0} % is allowed{}; {seen}{textbook}.",
                percent(metric.error),
                100.0 * metric.margin,
                if metric.within_interval {
                    " (the calibration had left that possible: calibrate for longer, right before the run)"
                } else {
                    ""
                },
            ),
            None => format!(
                "The run itself was not valid, so it says nothing of the prediction: {seen}{textbook}."
            ),
        },
        Verdict::Inconclusive => {
            let remedy = match (comparison.jobs_needed, comparison.minutes_needed) {
                (Some(jobs), Some(minutes)) => {
                    format!("it needs {jobs} jobs, {}, to decide", span(minutes))
                }
                _ => "the error is at the margin itself, and no length of the run would decide".to_owned(),
            };
            format!("Not decided: {seen}{textbook}; {remedy}.")
        }
    }
}

/// A length of time for people.
fn span(minutes: f64) -> String {
    match minutes {
        short if short < 2.0 => format!("{:.0} seconds", (60.0 * short).ceil()),
        long if long < 120.0 => format!("{long:.0} minutes"),
        longer => format!("{:.0} hours", longer / 60.0),
    }
}

/// The invalid metric that is furthest beyond its margin.
fn worst(metrics: &Metrics) -> Option<(String, &Metric)> {
    let beyond = |metric: &Metric| metric.error.abs() / metric.margin;
    let invalid = metrics.named().into_iter().filter(|(_, metric)| metric.verdict == Verdict::Invalid);
    invalid.max_by(|(_, a), (_, b)| beyond(a).total_cmp(&beyond(b)))
}

fn overloaded(verdict: Verdict, overload: &Overload) -> String {
    let Overload { sustainable_rate: rate, final_backlog: backlog } = overload;
    let of_figures = overall([rate.verdict, backlog.verdict].into_iter());
    let holds = match of_figures {
        _ if verdict != of_figures => "the run itself was not valid, so it says nothing of the prediction",
        Verdict::Valid => "the prediction holds",
        Verdict::Invalid => "the prediction does not hold",
        Verdict::Inconclusive => "not decided",
    };
    format!(
        "Overloaded, so no wait is a steady state's; {holds}: the consumers worked off {:.1} jobs/s, predicted {:.1} ({}), \
         and left {:.0} jobs, predicted {:.0} ({}).",
        rate.observed,
        rate.predicted,
        percent(rate.relative_error),
        backlog.observed,
        backlog.predicted,
        percent(backlog.relative_error),
    )
}

/// A relative error with its sign, such as `−3.1 %`.
fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share).replace('-', "−")
}
