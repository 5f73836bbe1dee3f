//! Tables of what was predicted and what was observed.

use super::numbers::{
    NOTHING, count, margin, number, p_value, percent, percents, portion, share, time, times,
};
use super::sheet::Sheet;
use crate::autocorrelated::{Distance, Finding, Findings};
use crate::compare::{Comparison, Distances, Goodness, Metrics, Overload, Verdict};
use crate::diagnostics::Saturation;
use crate::pair::Pair;

/// Each metric, from the textbook to its verdict.
pub(super) fn metrics(metrics: &Metrics) -> Sheet {
    let numbers = [
        "textbook",
        "no overhead",
        "predicted",
        "90 % interval",
        "observed",
        "error",
        "error’s interval",
        "margin",
        "verdict",
        "jobs needed",
    ];
    let mut sheet = Sheet::new("Predicted and observed", "time", &numbers, &[]);
    for (name, metric) in metrics.named() {
        let needed = match (metric.verdict, metric.jobs_needed) {
            (Verdict::Inconclusive, Some(jobs)) => count(jobs),
            (Verdict::Inconclusive, None) => "no number".to_owned(),
            _ => NOTHING.to_owned(),
        };
        let cells = vec![
            time(metric.textbook),
            time(metric.ideal),
            time(metric.predicted),
            times(metric.low, metric.high),
            time(metric.observed),
            percent(metric.error),
            percents(metric.error_low, metric.error_high),
            margin(metric.margin),
            metric.verdict.to_string(),
            needed,
        ];
        sheet.push_of(metric.verdict, name, cells);
    }
    sheet.noting(
        "Times count from the instant a job was due. “No overhead” sends the same jobs through the ideal queue; \
         “predicted” adds the calibrated overheads, and its interval is what the calibration leaves possible. The error \
         is observed less predicted, relative to the prediction or to a mean service, whichever is longer; its interval is \
         what chance does in a run of this length, and the verdict rests on it alone.",
    )
}

/// What is compared where more came than the consumers can do.
pub(super) fn overload(overload: &Overload) -> Sheet {
    let numbers = ["predicted", "90 % interval", "observed", "error", "margin", "verdict"];
    let mut sheet = Sheet::new("What the consumers could do", "figure", &numbers, &[]);
    for (name, unit, figure) in overload.named() {
        let digits = |value: f64| match unit {
            "jobs" => count(value.round().max(0.0) as u64),
            _ => format!("{value:.1}"),
        };
        let cells = vec![
            digits(figure.predicted),
            format!("{} – {}", digits(figure.low), digits(figure.high)),
            digits(figure.observed),
            percent(figure.relative_error),
            margin(figure.margin),
            figure.verdict.to_string(),
        ];
        sheet.push_of(figure.verdict, format!("{name} ({unit})"), cells);
    }
    sheet.noting(
        "More jobs came than the consumers can do, so how long they waited depends on how long the run was, and no wait \
         is shown. The sustainable rate is how fast the consumers worked while they always had a next job; the final \
         backlog is what was left when the last job was due.",
    )
}

/// Why a run counts as one without a steady state.
pub(super) fn saturation(found: &Saturation) -> Sheet {
    let mut sheet = Sheet::new("Why there is no steady state", "figure", &["value"], &[]);
    let sustainable = found.sustainable_rate.map_or_else(
        || NOTHING.to_owned(),
        |sustainable| format!("{:.1} ± {:.1} jobs/s", sustainable.rate, sustainable.standard_error),
    );
    let most =
        found.steady_backlog.map_or_else(|| "none can be".to_owned(), |most| count(most.ceil() as u64));
    sheet.push("offered", vec![format!("{:.1} jobs/s", found.offered_rate)]);
    sheet.push("sustained by the consumers", vec![sustainable]);
    sheet.push("jobs left when the last was due", vec![count(found.final_backlog)]);
    sheet.push("most that a steady queue leaves", vec![most]);
    sheet
}

/// How far apart the distributions are: with the same jobs by their distances, otherwise by what chance does.
pub(super) fn distances(comparison: &Comparison) -> Option<Sheet> {
    match (&comparison.distances, &comparison.goodness) {
        (Some(distances), _) => Some(of_the_same_jobs(distances)),
        (None, Some(goodness)) => Some(of_other_jobs(goodness)),
        (None, None) => None,
    }
}

fn of_the_same_jobs(Distances { wait, sojourn }: &Distances) -> Sheet {
    let numbers = ["largest gap", "chance adds", "at most", "mean gap", "chance adds", "at most"];
    let mut sheet = Sheet::new("Distance between the distributions", "time", &numbers, &[]);
    for (name, distance) in [("wait", wait), ("sojourn", sojourn)] {
        let Distance { sup, sup_critical, wasserstein_s, wasserstein_critical_s } = *distance;
        let cells = vec![
            portion(sup),
            portion(sup_critical),
            portion((sup + sup_critical).min(1.0)),
            time(wasserstein_s),
            time(wasserstein_critical_s),
            time(wasserstein_s + wasserstein_critical_s),
        ];
        sheet.push(name, cells);
    }
    sheet.noting(
        "The largest gap is that between the two distribution functions (Kolmogorov’s distance), the mean gap that \
         between their quantiles (Wasserstein’s). “Chance adds” is what a run of this length adds to either at most, \
         nine times of ten; the distance to the law behind the run is at most their sum.",
    )
}

fn of_other_jobs(goodness: &Goodness) -> Sheet {
    let mut sheet =
        Sheet::new("What chance explains", "figure", &["observed − predicted", "by chance", "p"], &[]);
    for (name, findings) in [("wait", &goodness.wait), ("sojourn", &goodness.sojourn)] {
        let Findings { mean, quantiles: [p50, p90, p99], sup, wasserstein } = findings;
        let mut row = |what: String,
                       finding: &Finding,
                       value: fn(f64) -> String,
                       scatter: fn(f64) -> String| {
            sheet.push(
                what,
                vec![value(finding.value), scatter(finding.standard_error), p_value(Some(finding.p_value))],
            );
        };
        row(format!("mean {name}"), mean, share, time);
        for (what, finding) in [("p50", p50), ("p90", p90), ("p99", p99)] {
            row(format!("{name} {what}"), finding, share, time);
        }
        row(format!("{name}, largest gap"), sup, portion, portion);
        row(format!("{name}, mean gap"), wasserstein, time, time);
    }
    sheet.noting(
        "The prediction has jobs of its own, so the run is compared with many runs of the predicted model, each as long \
         as it was. “By chance” is how far those are off (root mean square); p is the share of them that are at least as \
         far off as the run.",
    )
}

/// The overheads that the prediction uses.
pub(super) fn overheads(pair: &Pair) -> Sheet {
    let numbers = ["mean", "standard error", "deviation", "jobs"];
    let mut sheet = Sheet::new("Overheads of the prediction", "overhead", &numbers, &[]);
    for (name, term) in pair.terms.named() {
        let cells = vec![
            time(term.mean_s),
            time(term.standard_error_s),
            time(term.standard_deviation_s),
            count(term.jobs),
        ];
        sheet.push(name, cells);
    }
    sheet.noting(
        "Idle path: from the due time to the start on an idle consumer. Turnaround: from the end of a job to the start \
         of the next one that queued for its place. Hand-over: to the start of one that the consumer already held. \
         Overshoot: how much longer a service took than was asked for.",
    )
}

/// A plain number with the unit that its name asks for.
pub(super) fn in_its_unit(name: &str, value: f64) -> String {
    let is_time = name.ends_with("_s")
        || ["lateness", "mean_service", "overshoot", "service_drift", "overshoot_drift"].contains(&name);
    match name {
        _ if is_time => time(value),
        "arrival_rate" => format!("{}/s", number(value)),
        _ => number(value),
    }
}
