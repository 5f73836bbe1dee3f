//! The report in short, for a pull request.

use std::fmt::Write;

use sim::cli::headline;

use super::charts::{basis as basis_of_charts, success};
use super::figures::{distances, metrics, overheads, overload, saturation};
use super::reasons::{corrections, diagnostics, ladder, pauses, that_matter};
use super::run::{basis, ledger, load, provenance};
use super::{Picture, escape, state_name};
use crate::compare::{Comparison, Verdict};
use crate::pair::Pair;

/// Pauses that are listed.
const PAUSES: usize = 3;

/// The report as Markdown; pictures are links to files beside it.
pub(super) fn markdown(
    pair: &Pair,
    comparison: &Comparison,
    pictures: &[Picture],
    command: &[String],
) -> String {
    let mut text = heading(pair, comparison);
    let mut section = |title: &str, content: &str| {
        let _ = writeln!(text, "## {title}\n\n{content}");
    };
    if let Some(found) = &comparison.metrics {
        section("Predicted and observed", &metrics(found).markdown());
        section("Why: from the textbook to the observation", &ladder(comparison, 4).markdown());
        if let Some(corrections) = corrections(comparison, 4) {
            section("Why: from the prediction to the observation", &corrections.markdown());
        }
    } else {
        if let Some(found) = &comparison.overload {
            section("What the consumers could do", &overload(found).markdown());
        }
        if let Some(found) = &comparison.saturation {
            section("Why there is no steady state", &saturation(found).markdown());
        }
    }
    if let Some(pauses) = pauses(comparison, PAUSES) {
        section("The longest pauses", &pauses.markdown());
    }
    if let Some(control) = &comparison.control {
        let text = [control.says.clone(), basis_of_charts(&pair.observed, control)];
        let text: Vec<String> =
            text.iter().chain(&success(&pair.observed, control)).map(|text| escape::markdown(text)).collect();
        section("Did the system change under way?", &(text.join("\n\n") + "\n"));
    }
    let rows = that_matter(comparison);
    if !rows.is_empty() {
        section("What of arrivals and services matters", &diagnostics(rows.into_iter()).markdown());
    }
    if let Some(distances) = distances(comparison) {
        section("How far apart the distributions are", &distances.markdown());
    }
    section("Overheads of the prediction", &overheads(pair).markdown());
    if let Some(live) = &pair.observed.manifest.live {
        section("Load", &load(live).markdown());
        section("Ledger", &ledger(live.ledger).markdown());
    }
    section("Pictures", &links(pictures));
    let facts = provenance(pair, command).into_iter().map(|(name, value, is_code)| {
        let value = if is_code { escape::code(&value) } else { escape::markdown(&value) };
        format!("- {name}: {value}\n")
    });
    section("Where this comes from", &facts.collect::<String>());
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Verdict, warnings, and what was compared.
fn heading(pair: &Pair, comparison: &Comparison) -> String {
    let scenario = &pair.observed.scenario;
    let mut text = format!("# {}\n\n", escape::markdown(scenario.name()));
    let sign = match comparison.verdict {
        Verdict::Valid => "✅ valid",
        Verdict::Invalid => "❌ invalid",
        Verdict::Inconclusive => "❔ inconclusive",
    };
    let state = state_name(comparison).map_or_else(String::new, |state| format!(", {state}"));
    let _ = writeln!(text, "**{sign}{state}.** {}\n", escape::markdown(&comparison.says));
    for warning in &comparison.warnings {
        let _ = writeln!(text, "> ⚠️ {}\n", escape::markdown(warning));
    }
    let _ = writeln!(
        text,
        "{}, on {}; {}; {} jobs judged.\n",
        escape::markdown(&headline(scenario)),
        escape::markdown(&pair.set_up()),
        escape::markdown(&basis(pair)),
        comparison.jobs
    );
    text
}

fn links(pictures: &[Picture]) -> String {
    let link = |picture: &Picture| {
        let (heading, name) = (escape::markdown(picture.plot.heading()), picture.plot.name());
        format!("![{heading}](plots/{name}.png)\n\n{}\n\n", escape::markdown(picture.plot.caption()))
    };
    pictures.iter().map(link).collect::<String>().trim_end().to_owned() + "\n"
}
