//! Tables that say why.

use super::figures::in_its_unit;
use super::numbers::{count, p_value, percent, share, time};
use super::sheet::Sheet;
use crate::compare::Comparison;
use crate::diagnostics::Diagnostic;
use crate::residual::Pause;

/// A finding with a smaller p is more than chance, and one with a larger effect on the mean wait matters.
const SURPRISING: f64 = 0.01;
const MATTERS: f64 = 0.01;

/// The ladder with its shares of the first so many of mean and 99 % quantile of the wait, then of the sojourn.
pub(super) fn ladder(comparison: &Comparison, figures: usize) -> Sheet {
    let numbers =
        ["mean wait", "share", "p99 wait", "share", "mean sojourn", "share", "p99 sojourn", "share"];
    let mut sheet = Sheet::new(
        "From the textbook to the observation",
        "rung",
        &numbers[..2 * figures],
        &["what changes"],
    );
    for rung in &comparison.ladder {
        let values = rung.figures.named().into_iter().zip(rung.share.named()).take(figures);
        let cells =
            values.flat_map(|((_, value), (_, by))| [time(value), by.map_or_else(String::new, share)]);
        let cells = cells.chain([rung.change().to_owned()]).collect();
        sheet.push(rung.rung.replace('_', " "), cells);
    }
    sheet.noting(
        "Each rung changes one thing; a share is how far that moves the time from the last rung with an answer, so the \
         shares of a column add up to the gap between the textbook and the observation.",
    )
}

/// What of an error each overhead explains that was other in the run than calibrated, for the first so many figures;
/// nothing where that is not known.
pub(super) fn corrections(comparison: &Comparison, figures: usize) -> Option<Sheet> {
    if comparison.corrections.is_empty() {
        return None;
    }
    let numbers =
        ["calibrated", "± s.e.", "in this run", "mean wait", "p99 wait", "mean sojourn", "p99 sojourn"];
    let mut sheet =
        Sheet::new("From the prediction to the observation", "overhead", &numbers[..3 + figures], &[]);
    for correction in &comparison.corrections {
        let known = [correction.calibrated_s, correction.standard_error_s, correction.found_s];
        let shares = correction.share.named().into_iter().take(figures).map(|(_, by)| share(by));
        sheet.push(correction.term, known.into_iter().map(time).chain(shares).collect());
    }
    Some(sheet.noting(
        "Each overhead in turn is exchanged for that of this run, those above it being so already; the columns of times \
         say how far the prediction moves, and add up to observed less predicted.",
    ))
}

/// The longest pauses, at most so many; nothing where there are none.
pub(super) fn pauses(comparison: &Comparison, most: usize) -> Option<Sheet> {
    let residuals = comparison.residuals.as_ref().filter(|residuals| !residuals.pauses.is_empty())?;
    let numbers = ["at", "lasted", "job", "jobs delayed", "others"];
    let mut sheet = Sheet::new("Pauses", "no.", &numbers, &["what coincided"]);
    for (n, pause) in residuals.pauses.iter().take(most).enumerate() {
        let Pause { job, at_s, lasted_s, coincided, leg_excess_s, others, delayed_jobs } = pause;
        let cells = vec![
            format!("{at_s:.2} s"),
            time(*lasted_s),
            job.to_string(),
            count(*delayed_jobs as u64),
            count(*others as u64),
            format!("{} by {}", coincided.says(), time(*leg_excess_s)),
        ];
        sheet.push((n + 1).to_string(), cells);
    }
    Some(sheet.noting(format!(
        "A pause is a start that came much later than its job’s arrival and the jobs before it explain. The median start \
         is late by {}, 99 % by no more than {}, and one start’s lateness is correlated {:.2} with \
         the next. “Others” are jobs of other consumers that were held up at the same time: with some, it was the machine \
         or the broker.",
        time(residuals.p50_s),
        time(residuals.p99_s),
        residuals.lag1_correlation,
    )))
}

/// What about arrivals and services was not what the scenario says.
pub(super) fn diagnostics<'d>(rows: impl Iterator<Item = &'d Diagnostic>) -> Sheet {
    let mut sheet =
        Sheet::new("Arrivals and services", "finding", &["found", "expected", "p", "effect"], &["in words"]);
    for row in rows {
        let cells = vec![
            in_its_unit(row.name, row.found),
            in_its_unit(row.name, row.expected),
            p_value(row.p_value),
            percent(row.effect),
            row.says.clone(),
        ];
        sheet.push(row.name.replace('_', " "), cells);
    }
    sheet.noting(
        "p is the probability that chance alone is as far off, where there is a test. The effect is what the finding does \
         to the mean wait, chance or not; effects do not add up, since several findings look at the same arrivals.",
    )
}

/// Those that move the mean wait, or that chance does not explain.
pub(super) fn that_matter(comparison: &Comparison) -> Vec<&Diagnostic> {
    let matters = |row: &&Diagnostic| {
        row.effect.is_some_and(|effect| effect.abs() > MATTERS) || row.p_value.is_some_and(|p| p < SURPRISING)
    };
    comparison.diagnostics.iter().filter(matters).collect()
}
