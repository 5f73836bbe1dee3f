//! The report as one self-contained page.

use std::fmt::Write;

use sim::cli::headline;
use sim::console::milliseconds;
use sim::run_folder::{Ledger, LiveSummary};

use super::table::{basis, signed_milliseconds, steps};
use crate::compare::{Comparison, Metric, Verdict};
use crate::pair::Pair;
use crate::plot::{PairedWaits, Plot, PlotError};

/// The whole page: nothing is fetched, pictures are inline.
///
/// # Errors
/// [`PlotError`] if a picture cannot be drawn.
pub fn page(pair: &Pair, comparison: &Comparison, waits: &PairedWaits) -> Result<String, PlotError> {
    let mut body = String::new();
    headings(&mut body, pair, comparison);
    metrics(&mut body, comparison);
    ladder(&mut body, comparison);
    let _ = write!(body, "<h2>Pictures</h2>");
    for plot in Plot::ALL {
        let (picture, caption) = (plot.svg(waits)?, escape(plot.caption()));
        let _ = write!(body, "<figure>{picture}<figcaption>{caption}</figcaption></figure>");
    }
    overheads(&mut body, pair);
    if let Some(live) = &pair.observed.manifest.live {
        load_and_ledger(&mut body, live);
    }
    provenance(&mut body, pair);
    let title = escape(pair.observed.scenario.name());
    let style = include_str!("style.css");
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}: predicted and observed</title><style>{style}</style></head>\
         <body><main>{body}</main></body></html>\n"
    ))
}

fn headings(body: &mut String, pair: &Pair, comparison: &Comparison) {
    let scenario = &pair.observed.scenario;
    let _ = write!(body, "<p class=\"setup\">{}</p>", escape(&pair.set_up()));
    let _ = write!(body, "<h1>{}</h1>", escape(scenario.name()));
    let wait = &comparison.metrics.mean_wait_s;
    let class = comparison.verdict.to_string();
    let _ = write!(
        body,
        "<p class=\"verdict {class}\"><strong>{}</strong> {}</p>",
        match comparison.verdict {
            Verdict::Valid => "The prediction holds.",
            Verdict::Inconclusive => "Not decided.",
            Verdict::Invalid => "The prediction does not hold.",
        },
        escape(&sentence(wait)),
    );
    let _ = write!(body, "<p>{}<br>{}</p>", escape(scenario.description()), escape(&headline(scenario)));
    let _ = write!(body, "<p>{}; {} jobs judged.</p>", escape(&basis(pair)), comparison.jobs);
    for warning in &comparison.warnings {
        let _ = write!(body, "<p class=\"warning\">{}</p>", escape(warning));
    }
}

fn sentence(wait: &Metric) -> String {
    let textbook = match wait.textbook {
        Some(textbook) => format!(
            "; the textbook says {}, and it was {:.1} times that",
            milliseconds(textbook),
            wait.observed / textbook
        ),
        None => String::new(),
    };
    format!(
        "The mean wait was {}, predicted {} ({:+.1} %){textbook}.",
        milliseconds(wait.observed),
        milliseconds(wait.predicted),
        100.0 * wait.relative_error
    )
}

fn metrics(body: &mut String, comparison: &Comparison) {
    let _ = write!(
        body,
        "<h2>Predicted and observed</h2><div class=\"scroll\"><table><thead><tr><th></th><th>textbook</th>\
         <th>same jobs, no overhead</th><th>predicted</th><th>90 % interval</th><th>observed</th>\
         <th>error</th><th>margin</th><th>verdict</th></tr></thead><tbody>"
    );
    for (name, metric) in comparison.metrics.named() {
        let textbook = metric.textbook.map_or_else(|| "–".into(), milliseconds);
        let _ = write!(
            body,
            "<tr><th>{name}</th><td>{textbook}</td><td>{}</td><td>{}</td><td>{} – {}</td><td>{}</td>\
             <td>{:+.1} %</td><td>±{:.0} %</td><td class=\"{verdict}\">{verdict}</td></tr>",
            milliseconds(metric.ideal),
            milliseconds(metric.predicted),
            milliseconds(metric.low),
            milliseconds(metric.high),
            milliseconds(metric.observed),
            100.0 * metric.relative_error,
            100.0 * metric.margin,
            verdict = metric.verdict,
        );
    }
    let _ = write!(
        body,
        "</tbody></table></div><p class=\"note\">Times count from the instant a job was due. “Same jobs, no \
         overhead” sends exactly these jobs through the ideal queue; “predicted” adds the calibrated overheads. \
         The interval covers what the calibration does not know. Error is observed over predicted, minus \
         one.</p>"
    );
}

fn ladder(body: &mut String, comparison: &Comparison) {
    let _ = write!(
        body,
        "<h2>Why: from the textbook to the observation</h2><div class=\"scroll\"><table><thead><tr><th></th>\
         <th>mean wait</th><th>step</th><th>p99 wait</th><th>step</th><th class=\"text\">what changes</th></tr>\
         </thead><tbody>"
    );
    for (rung, [mean_step, p99_step]) in comparison.ladder.iter().zip(steps(&comparison.ladder)) {
        let time = |value: Option<f64>| value.map_or_else(|| "–".into(), milliseconds);
        let step = |value: Option<f64>| value.map_or_else(String::new, signed_milliseconds);
        let _ = write!(
            body,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"text\">{}</td></tr>",
            rung.rung.replace('_', " "),
            time(rung.mean_wait_s),
            step(mean_step),
            time(rung.p99_wait_s),
            step(p99_step),
            rung.change(),
        );
    }
    let _ = write!(body, "</tbody></table></div>");
}

fn overheads(body: &mut String, pair: &Pair) {
    let _ = write!(
        body,
        "<h2>Overheads of the prediction</h2><div class=\"scroll\"><table><thead><tr><th></th><th>mean</th>\
         <th>standard error</th><th>deviation</th><th>jobs</th></tr></thead><tbody>"
    );
    for (name, term) in pair.terms.named() {
        let _ = write!(
            body,
            "<tr><th>{name}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            milliseconds(term.mean_s),
            milliseconds(term.standard_error_s),
            milliseconds(term.standard_deviation_s),
            term.jobs
        );
    }
    let _ = write!(body, "</tbody></table></div>");
}

fn load_and_ledger(body: &mut String, live: &LiveSummary) {
    let quantile = |quantiles: &std::collections::BTreeMap<String, f64>, p: &str| {
        quantiles.get(p).map_or_else(|| "–".into(), |value| milliseconds(*value))
    };
    let Ledger {
        attempted,
        confirmed,
        consumed,
        lost,
        unexpected,
        duplicated,
        recovered,
        dead_lettered,
        unfinished,
    } = live.ledger;
    let row = |name: &str, value: String| format!("<tr><th>{name}</th><td>{value}</td></tr>");
    let rows = [
        row("offered", format!("{:.2}/s", live.offered_rate)),
        row("achieved", format!("{:.2}/s", live.achieved_rate)),
        row("processor stolen", format!("{:.2} %", 100.0 * live.stolen)),
        row("lateness, median", quantile(&live.lateness_s, "0.5")),
        row("lateness, 99 %", quantile(&live.lateness_s, "0.99")),
        row("confirmed response, median", quantile(&live.api_latency_s, "0.5")),
        row("confirmed response, 99 %", quantile(&live.api_latency_s, "0.99")),
    ];
    let counts = [
        ("attempted", attempted),
        ("confirmed", confirmed),
        ("consumed", consumed),
        ("lost", lost),
        ("unexpected", unexpected),
        ("duplicated", duplicated),
        ("recovered", recovered),
        ("dead-lettered", dead_lettered),
        ("unfinished", unfinished),
    ];
    let counts: String = counts.iter().map(|(name, count)| row(name, count.to_string())).collect();
    let _ = write!(
        body,
        "<h2>Load and ledger</h2><div class=\"columns\"><table>{}</table><table>{counts}</table></div>",
        rows.concat()
    );
}

fn provenance(body: &mut String, pair: &Pair) {
    let manifest = &pair.observed.manifest;
    let machine = &manifest.machine;
    let _ = write!(
        body,
        "<h2>Where this comes from</h2><p class=\"note\">Run folder <code>{}</code>, begun {}, by \
         <code>{}</code>.<br>{}, {} cores, {} MiB, {}; {}; revision {}; seed {}.</p>",
        escape(&pair.observed.path.display().to_string()),
        escape(&manifest.started),
        escape(&manifest.command.join(" ")),
        escape(&machine.processor),
        machine.cores,
        machine.memory_mib,
        escape(&machine.system),
        escape(&manifest.rustc),
        escape(manifest.revision.get(..12).unwrap_or(&manifest.revision)),
        manifest.seed,
    );
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(character),
        }
    }
    escaped
}
