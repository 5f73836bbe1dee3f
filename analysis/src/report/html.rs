//! The report as one self-contained page.

use std::fmt::Write;

use sim::cli::headline;

use super::charts::{basis as basis_of_charts, sheet, success};
use super::figures::{distances, metrics, overheads, overload, saturation};
use super::reasons::{corrections, diagnostics, ladder, pauses};
use super::run::{basis, ledger, load, provenance, validity};
use super::{Picture, escape, state_name};
use crate::compare::Comparison;
use crate::pair::Pair;
use crate::plot::Plot;

/// The whole page: nothing is fetched, pictures are inline.
pub(super) fn page(pair: &Pair, comparison: &Comparison, pictures: &[Picture], command: &[String]) -> String {
    let mut body = String::new();
    heading(&mut body, pair, comparison);
    answer(&mut body, comparison);
    let draw = |body: &mut String, plots: &[Plot]| figures(body, pictures, plots);
    if comparison.metrics.is_some() {
        section(&mut body, "Why: from the textbook to the observation");
        draw(&mut body, &[Plot::Ladder]);
        body.push_str(&ladder(comparison, 4).html());
        if let Some(corrections) = corrections(comparison, 4) {
            section(&mut body, "Why: from the prediction to the observation");
            body.push_str(&corrections.html());
        }
        section(&mut body, "How long jobs waited");
        draw(&mut body, &[Plot::WaitCdf, Plot::QuantileQuantile]);
    }
    section(&mut body, "Over the run");
    draw(&mut body, &[Plot::QueueLength, Plot::Residuals]);
    match (pauses(comparison, usize::MAX), &comparison.residuals) {
        (Some(pauses), _) => body.push_str(&pauses.html()),
        (None, Some(_)) => body.push_str("<p>No job began unusually late.</p>"),
        (None, None) => body.push_str(
            "<p>The run does not tell its overheads, since hardly a job found a consumer idle, or hardly one queued; so \
             nothing is said of pauses.</p>",
        ),
    }
    draw(&mut body, &[Plot::Errors]);
    if let Some(control) = &comparison.control {
        section(&mut body, "Did the system change under way?");
        let said = [control.says.clone(), basis_of_charts(&pair.observed, control)];
        for text in said.iter().chain(&success(&pair.observed, control)) {
            let _ = write!(body, "<p>{}.</p>", capitalized(text));
        }
        draw(&mut body, &[Plot::ControlCharts]);
        body.push_str(&sheet(control).html());
    }
    section(&mut body, "Arrivals and services");
    match comparison.diagnostics.as_slice() {
        [] => body.push_str("<p>Too few jobs to say anything of them.</p>"),
        rows => body.push_str(&diagnostics(rows.iter()).html()),
    }
    if let Some(distances) = distances(comparison) {
        section(&mut body, "How far apart the distributions are");
        body.push_str(&distances.html());
    }
    section(&mut body, "Overheads of the prediction");
    body.push_str(&overheads(pair).html());
    run(&mut body, pair, command);
    let title = escape::html(pair.observed.scenario.name());
    let style = include_str!("style.css");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}: {verdict}</title><style>{style}</style></head>\n<body><main>{body}</main></body></html>\n",
        verdict = comparison.verdict,
    )
}

fn section(body: &mut String, title: &str) {
    let _ = write!(body, "\n<h2>{}</h2>", escape::html(title));
}

fn heading(body: &mut String, pair: &Pair, comparison: &Comparison) {
    let scenario = &pair.observed.scenario;
    let verdict = comparison.verdict.to_string();
    let _ = write!(body, "<p class=\"setup\">{}</p>", escape::html(&pair.set_up()));
    let _ = write!(body, "<h1>{}</h1>", escape::html(scenario.name()));
    let state = state_name(comparison)
        .map_or_else(String::new, |state| format!("<span class=\"badge state\">{state}</span> "));
    let _ = write!(
        body,
        "<p class=\"verdict {verdict}\"><strong class=\"badge {verdict}\">{verdict}</strong> {state}{}</p>",
        escape::html(&comparison.says),
    );
    if !comparison.warnings.is_empty() {
        let items = comparison.warnings.iter().map(|warning| format!("<li>{}</li>", escape::html(warning)));
        let _ =
            write!(body, "<ul class=\"warnings\" aria-label=\"Warnings\">{}</ul>", items.collect::<String>());
    }
    if !scenario.description().is_empty() {
        let _ = write!(body, "<p>{}</p>", escape::html(scenario.description()));
    }
    let _ = write!(body, "<p>{}</p>", escape::html(&headline(scenario)));
    let _ = write!(body, "<p>{}; {} jobs judged.</p>", capitalized(&basis(pair)), comparison.jobs);
}

/// The metrics, or what there is instead without a steady state.
fn answer(body: &mut String, comparison: &Comparison) {
    if let Some(found) = &comparison.metrics {
        section(body, "Predicted and observed");
        body.push_str(&metrics(found).html());
        return;
    }
    if let Some(found) = &comparison.overload {
        section(body, "What the consumers could do");
        body.push_str(&overload(found).html());
    }
    if let Some(found) = &comparison.saturation {
        section(body, "Why there is no steady state");
        body.push_str(&saturation(found).html());
    }
}

/// The pictures of some plots, as far as they were drawn.
fn figures(body: &mut String, pictures: &[Picture], plots: &[Plot]) {
    for picture in plots.iter().filter_map(|plot| pictures.iter().find(|picture| picture.plot == *plot)) {
        let _ = write!(
            body,
            "<figure><p class=\"wider\" aria-hidden=\"true\">↔ wider than the screen</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div><figcaption>{}\
             </figcaption></figure>",
            escape::html(picture.plot.heading()),
            picture.svg,
            escape::html(picture.plot.caption()),
        );
    }
}

/// How the run went, and where it comes from.
fn run(body: &mut String, pair: &Pair, command: &[String]) {
    if let Some(live) = &pair.observed.manifest.live {
        section(body, "Load and ledger");
        let _ =
            write!(body, "<div class=\"columns\">{}{}</div>", load(live).html(), ledger(live.ledger).html());
        section(body, "Validity of the run");
        let verdict = match live.validity.reasons.as_slice() {
            [] => "<p>The run kept its promise: no check failed.</p>".to_owned(),
            reasons => {
                let items = reasons.iter().map(|reason| format!("<li>{}</li>", escape::html(reason)));
                format!("<p>The run did not keep its promise:</p><ul>{}</ul>", items.collect::<String>())
            }
        };
        body.push_str(&verdict);
        body.push_str(&validity(live).map_or_else(String::new, |checks| checks.html()));
    }
    section(body, "Where this comes from");
    body.push_str("<dl>");
    for (name, value, is_code) in provenance(pair, command) {
        let value = escape::html(&value);
        let value = if is_code { format!("<code>{value}</code>") } else { value };
        let _ = write!(body, "<dt>{name}</dt><dd>{value}</dd>");
    }
    body.push_str("</dl>");
}

/// A text whose first letter is a capital, escaped.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    escape::html(&(first + letters.as_str()))
}
