//! The comparison as text for the terminal.

use std::fmt::Write;

use sim::cli::headline;

use super::figures::{distances, metrics, overheads, overload, saturation};
use super::reasons::{corrections, diagnostics, ladder, pauses, that_matter};
use super::run::basis;
use super::sheet::{Sheet, wrapped};
use super::state_name;
use crate::compare::Comparison;
use crate::pair::Pair;

/// No line is longer, but for a name that is.
const WIDTH: usize = 100;
/// Pauses that are listed.
const PAUSES: usize = 3;

/// The comparison as text: verdict, metrics, overheads, ladder, pauses, and the diagnostics that matter.
pub fn table(pair: &Pair, comparison: &Comparison) -> String {
    let state = state_name(comparison).map_or_else(String::new, |state| format!(", {state}"));
    let verdict = format!("{}{state}: {}", comparison.verdict.to_string().to_uppercase(), comparison.says);
    let mut text = wrapped(&verdict, WIDTH, 0);
    let (scenario, jobs) = (headline(&pair.observed.scenario), comparison.jobs);
    let about = format!("{scenario}, on {}; {}; {jobs} jobs judged", pair.set_up(), basis(pair));
    let _ = write!(text, "\n\n{}\n", wrapped(&about, WIDTH, 0));
    let mut section = |title: &str, sheet: &Sheet| {
        let _ = write!(text, "\n{title}\n{}", sheet.text(WIDTH));
    };
    if let Some(found) = &comparison.metrics {
        section("predicted and observed", &fitting(&metrics(found)));
        if let Some(distances) = distances(comparison) {
            section("how far apart the distributions are", &distances);
        }
    } else {
        if let Some(found) = &comparison.overload {
            section("what the consumers could do", &overload(found));
        }
        if let Some(found) = &comparison.saturation {
            section("why there is no steady state", &saturation(found));
        }
    }
    section("overheads of the prediction", &overheads(pair));
    if comparison.metrics.is_some() {
        section("from the textbook to the observation", &ladder(comparison, 2));
        if let Some(corrections) = corrections(comparison, 2) {
            section("from the prediction to the observation", &corrections);
        }
    }
    if let Some(pauses) = pauses(comparison, PAUSES) {
        section("the longest pauses", &pauses);
    }
    let rows = that_matter(comparison);
    if !rows.is_empty() {
        section("what of arrivals and services matters", &diagnostics(rows.into_iter()));
    }
    text.truncate(text.trim_end().len());
    text
}

/// The columns that a terminal has room for.
fn fitting(metrics: &Sheet) -> Sheet {
    let mut columns = vec![
        "textbook",
        "no overhead",
        "predicted",
        "90 % interval",
        "observed",
        "error",
        "margin",
        "verdict",
    ];
    for expendable in ["no overhead", "textbook", "margin"] {
        let sheet = metrics.only(&columns);
        if sheet.text(WIDTH).lines().all(|line| line.chars().count() <= WIDTH) {
            return sheet;
        }
        columns.retain(|column| *column != expendable);
    }
    metrics.only(&columns)
}
