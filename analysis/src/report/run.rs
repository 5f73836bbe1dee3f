//! Tables of how the observed run went, and where it comes from.

use std::collections::BTreeMap;

use sim::run_folder::{Ledger, LiveSummary};

use super::numbers::{count, number, portion, time};
use super::sheet::Sheet;
use crate::pair::{Pair, TermsSource};

/// Where the prediction's overheads come from.
pub(super) fn basis(pair: &Pair) -> String {
    match &pair.source {
        TermsSource::Calibration { file, made } => {
            format!("predicted with {file}, measured {made}, before the run")
        }
        TermsSource::FirstThird => {
            "no calibration made before this run was found: overheads are fitted on its first \
                                    third, and only the rest is judged"
                .to_owned()
        }
    }
}

/// Load and timing.
pub(super) fn load(live: &LiveSummary) -> Sheet {
    let quantile = |quantiles: &BTreeMap<String, f64>, p: &str| time(quantiles.get(p).copied());
    let mut sheet = Sheet::new("Load", "load", &["value"], &[]);
    let rows = [
        ("offered", format!("{:.2} jobs/s", live.offered_rate)),
        ("achieved", format!("{:.2} jobs/s", live.achieved_rate)),
        ("processors busy", portion(live.busy)),
        ("processors withheld by a hypervisor", portion(live.stolen)),
        ("sent after due, median", quantile(&live.lateness_s, "0.5")),
        ("sent after due, 99 %", quantile(&live.lateness_s, "0.99")),
        ("confirmed after due, median", quantile(&live.api_latency_s, "0.5")),
        ("confirmed after due, 99 %", quantile(&live.api_latency_s, "0.99")),
        ("clocks known to", time(live.clock_uncertainty_s)),
    ];
    for (name, value) in rows {
        sheet.push(name, vec![value]);
    }
    sheet
}

/// What became of the messages.
pub(super) fn ledger(ledger: Ledger) -> Sheet {
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
    } = ledger;
    let mut sheet = Sheet::new("Ledger", "messages", &["count"], &[]);
    let rows = [
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
    for (name, value) in rows {
        sheet.push(name, vec![count(value)]);
    }
    sheet
}

/// What the run was checked for.
pub(super) fn validity(live: &LiveSummary) -> Option<Sheet> {
    let checks = &live.validity.checks;
    let mut sheet = Sheet::new("Checks of the run", "check", &["value"], &[]);
    for (name, value) in checks {
        sheet.push(name.replace('_', " "), vec![number(*value)]);
    }
    (!checks.is_empty()).then_some(sheet)
}

/// Facts about where prediction, run and report (by `command`) come from, each with its name; those with `true` are code.
pub(super) fn provenance(pair: &Pair, command: &[String]) -> Vec<(&'static str, String, bool)> {
    let manifest = &pair.observed.manifest;
    let machine = &manifest.machine;
    let predicted = pair.predicted_by.iter().flat_map(|(path, command)| {
        [("Predicted by", command.join(" "), true), ("Its folder", path.display().to_string(), true)]
    });
    let observed = [
        ("Observed by", manifest.command.join(" "), true),
        ("Its folder", pair.observed.path.display().to_string(), true),
        ("Compared by", command.join(" "), true),
        ("Begun", manifest.started.clone(), false),
        ("Seed", manifest.seed.to_string(), false),
        (
            "Machine",
            format!(
                "{}, {} cores, {} MiB, {}",
                machine.processor, machine.cores, machine.memory_mib, machine.system
            ),
            false,
        ),
        (
            "Versions",
            format!(
                "live {} at revision {}, {}; analysis {}",
                manifest.version,
                manifest.revision.get(..12).unwrap_or(&manifest.revision),
                manifest.rustc,
                env!("CARGO_PKG_VERSION")
            ),
            false,
        ),
    ];
    predicted.chain(observed).collect()
}
