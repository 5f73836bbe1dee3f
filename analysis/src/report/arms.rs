//! Experiments in words and as tables.

use sim::run_folder::Run;

use super::numbers::{confidence, count, number, percent, percents, portion, time};
use super::sheet::{Sheet, wrapped};
use crate::experiment::{Calibration, Design, Findings, Paired, Plan, Ratio, Sojourns};

/// Longest line on a terminal.
const WIDTH: usize = 100;

/// What an experiment in one run found, for a terminal.
pub fn arms(run: &Run, found: &Findings) -> String {
    let confidence = confidence(found.alpha);
    let mut text = wrapped(&verdict(found, &confidence), WIDTH, 0) + "\n\n";
    let about = format!(
        "{}; {} jobs are A, {} are B; services are of those that were served",
        run.scenario.name(),
        count(found.allocation.a),
        count(found.allocation.b)
    );
    text.push_str(&(wrapped(&about, WIDTH, 0) + "\n\n"));
    text.push_str(&comparisons(found).text(WIDTH));
    if !found.quantile_effects.is_empty() {
        text.push_str("\nquantiles of services\n");
        text.push_str(&quantiles(found).text(WIDTH));
    }
    let question = format!(
        "do the tests keep their word on these data? ({} % of experiments without an effect should find one)",
        number(100.0 * found.alpha)
    );
    text.push_str(&format!("\n{}\n", wrapped(&question, WIDTH, 0)));
    text.push_str(&calibrations(found).text(WIDTH));
    text.push_str("\nif every job were B: mean sojourn\n");
    text.push_str(&outlook(found).text(WIDTH));
    let note = "Both arms wait in one queue, so their sojourns say nothing of the arms; two runs of the same jobs do \
                (`analysis ab RUN_A RUN_B`).";
    text.push_str(&wrapped(note, WIDTH, 0));
    text
}

fn verdict(found: &Findings, confidence: &str) -> String {
    let services = &found.adjusted.ratio;
    let suits = if found.a_a_adjusted.is_safe(found.alpha) {
        ""
    } else {
        "; BUT THE TEST DOES NOT SUIT THESE SERVICES"
    };
    let failures = match found.fails_unevenly() {
        true if share_of_b(found) > 1.0 => "; AND B FAILS MORE OFTEN",
        true => "; AND B FAILS LESS OFTEN",
        false => "",
    };
    if found.allocation.mismatch {
        return format!(
            "NOTHING IS TO BE CONCLUDED: {} and {} jobs for a planned share of {}, {}: jobs of one arm are missing{failures}",
            count(found.allocation.a),
            count(found.allocation.b),
            portion(found.allocation.planned_share),
            p_is(found.allocation.test.p_value)
        );
    }
    let interval = percents(services.low - 1.0, services.high - 1.0);
    match found.is_found() {
        true => format!(
            "FOUND: at equal demand B's services are {} {} ({confidence} interval {interval}), {}{suits}{failures}",
            portion((services.estimate - 1.0).abs()),
            if services.estimate < 1.0 { "shorter" } else { "longer" },
            p_is(services.p_value)
        ),
        false => format!(
            "NOT FOUND: at equal demand B's services differ by {} ({confidence} interval {interval}), {}: what lies in the interval is \
             possible{suits}{failures}",
            percent(services.estimate - 1.0),
            p_is(services.p_value)
        ),
    }
}

/// Share of B's jobs that failed, over that of A's.
fn share_of_b(found: &Findings) -> f64 {
    let failures = &found.failures;
    (failures.b * failures.jobs_a) as f64 / (failures.a * failures.jobs_b) as f64
}

fn comparisons(found: &Findings) -> Sheet {
    let columns = ["A", "B", "difference", "interval", "p"];
    let mut sheet = Sheet::new("Comparisons", "B beside A", &columns, &[]);
    let ratio = |sheet: &mut Sheet, name: String, of: &Ratio, ends: [String; 2]| {
        let [a, b] = ends;
        let interval = percents(of.low - 1.0, of.high - 1.0);
        sheet.push(name, vec![a, b, percent(of.estimate - 1.0), interval, p(of.p_value)]);
    };
    let means = [found.mean_service_a_s, found.mean_service_b_s].map(time);
    ratio(&mut sheet, "mean service".into(), &found.services, means);
    // What explains nothing is a little below zero by chance.
    let reduced = format!("at equal demand (r² = {:.4})", found.adjusted.variance_reduction.max(0.0));
    ratio(&mut sheet, reduced, &found.adjusted.ratio, [String::new(), String::new()]);
    let mut plain = |name: String, difference: String, p_value: f64| {
        sheet.push(name, vec![String::new(), String::new(), difference, String::new(), p(p_value)]);
    };
    plain("Welch's test".into(), format!("t = {}", number(found.welch.statistic)), found.welch.p_value);
    plain(
        "Mann and Whitney".into(),
        format!("B shorter in {}", portion(found.ranks.b_shorter)),
        found.ranks.test.p_value,
    );
    let peeking = &found.always_valid;
    let decided = peeking
        .decided_after_pairs
        .map_or_else(|| "never decided".to_owned(), |pairs| format!("after {} pairs", count(pairs as u64)));
    let decided = if peeking.looks > 0 { decided } else { "never looked: too few".to_owned() };
    plain(format!("looking all the time (τ = {})", portion(peeking.mixing)), decided, peeking.p_value);
    let failures = &found.failures;
    let [a, b] = [failures.a, failures.b].map(count);
    sheet.push("failed or repeated", vec![a, b, String::new(), String::new(), p(failures.p_value)]);
    let planned = format!("jobs, planned {} B", portion(found.allocation.planned_share));
    let jobs = [found.allocation.a, found.allocation.b].map(count);
    let [a, b] = jobs;
    sheet.push(planned, vec![a, b, String::new(), String::new(), p(found.allocation.test.p_value)]);
    sheet
}

fn quantiles(found: &Findings) -> Sheet {
    let mut sheet = Sheet::new("Quantiles", "service", &["A", "B", "difference", "interval"], &[]);
    for effect in &found.quantile_effects {
        let cells = vec![
            time(effect.a_s),
            time(effect.b_s),
            time(effect.difference_s),
            format!("{} … {}", time(effect.low_s), time(effect.high_s)),
        ];
        sheet.push(format!("p{:.0}", 100.0 * effect.probability), cells);
    }
    sheet
}

fn calibrations(found: &Findings) -> Sheet {
    let columns = ["times", "findings", "scatter", "p"];
    let mut sheet = Sheet::new("A/A", "experiments without an effect", &columns, &["says"]);
    let says = |calibration: &Calibration, good: &str, bad: &str| {
        if calibration.holds(found.alpha) { good.to_owned() } else { bad.to_owned() }
    };
    let mut push = |name: &str, of: &Calibration, text: String| {
        let (scatter, p_value) = match of.dependence {
            Some(dependence) => (format!("× {}", number(dependence.inflation)), dependence.test.p_value),
            None => (String::new(), of.uniform.p_value),
        };
        let cells = vec![count(u64::from(of.times)), portion(of.rejected), scatter, p(p_value), text];
        sheet.push(name, cells);
    };
    for (name, of) in
        [("services, job by job", &found.a_a), ("services at equal demand, by job", &found.a_a_adjusted)]
    {
        let bad = match of.is_safe(found.alpha) {
            true => "a few outliers decide: it finds too seldom",
            false => "the test does not suit these services",
        };
        push(name, of, says(of, "the test suits these services", bad));
    }
    push(
        "services, in stretches",
        &found.a_a_stretches,
        says(
            &found.a_a_stretches,
            "services are independent",
            match found.a_a_stretches.dependence {
                Some(dependence) if dependence.inflation < 1.0 => "SERVICES DEPEND: p-values are too large",
                _ => "SERVICES DEPEND: p-values are too small",
            },
        ),
    );
    push(
        "sojourns, in stretches",
        &found.a_a_sojourns,
        says(&found.a_a_sojourns, "hardly any queue", "as it must be: no unit of an experiment"),
    );
    sheet
}

fn outlook(found: &Findings) -> Sheet {
    let mut sheet =
        Sheet::new("Outlook", "", &["all A", "all B", "difference", "as far as services are known"], &[]);
    for (name, sojourns) in
        [("ideal queue", found.outlook.ideal), ("with this run's overheads", found.outlook.calibrated)]
    {
        let cells = sojourns.map_or_else(
            || vec!["–".to_owned(); 4],
            |Sojourns { a_s, b_s, ratio, low, high }| {
                let interval = match high.is_finite() {
                    true => percents(low - 1.0, high - 1.0),
                    false => format!("{} or more", percent(low - 1.0)),
                };
                vec![time(a_s), time(b_s), percent(ratio - 1.0), interval]
            },
        );
        sheet.push(name, cells);
    }
    sheet
}

/// What two runs of the same jobs show, for a terminal.
pub fn paired(run: &Run, found: &Paired, alpha: f64) -> String {
    let confidence = confidence(alpha);
    let change = |ratio: &Ratio| {
        format!(
            "{} ({confidence} interval {})",
            percent(ratio.estimate - 1.0),
            percents(ratio.low - 1.0, ratio.high - 1.0)
        )
    };
    let predicted = found.predicted.map_or_else(
        || "A does not tell its overheads".to_owned(),
        |ratio| format!("{} by the recursion with A's overheads", percent(ratio - 1.0)),
    );
    let lines = [
        format!("mean sojourn, B beside A: {}", change(&found.sojourns)),
        format!("  predicted: {predicted}; without overheads {}", percent(found.ideal - 1.0)),
        format!("  A {}, B {}", time(found.sojourn_a_s), time(found.sojourn_b_s)),
        format!("mean service, B beside A: {}, {}", change(&found.services), p_is(found.services.p_value)),
        format!("{}, {} jobs served in both runs", run.scenario.name(), count(found.jobs as u64)),
    ];
    lines.map(|line| wrapped(&line, WIDTH, 2)).join("\n")
}

/// How many jobs an experiment takes, for a terminal.
pub fn plan(design: &Design, plan: &Plan, duration_s: Option<f64>) -> String {
    let length =
        duration_s.map_or_else(String::new, |s| format!(", {} min at the scenario's rate", number(s / 60.0)));
    let verdict = format!(
        "{} jobs{length}: a {} of {} is then found at α = {} with power {}",
        count(plan.jobs),
        if design.reduction > 0.0 { "reduction" } else { "slowdown" },
        portion(design.reduction.abs()),
        design.alpha,
        design.power
    );
    let verdict = if plan.is_fewest { verdict + "; fewer are not compared" } else { verdict };
    let mut sheet = Sheet::new("Plan", "jobs of each arm", &["jobs"], &[]);
    for (name, jobs) in [
        ("ratio of means", plan.ratio_of_means),
        ("Welch's test", plan.welch),
        ("Mann and Whitney, exponential services", plan.mann_whitney_if_exponential),
        ("t test of logarithms, exponential services", plan.logarithms_if_exponential),
        ("t test of logarithms, lognormal services", plan.logarithms_if_lognormal),
    ] {
        sheet.push(name, vec![count(jobs.ceil() as u64)]);
    }
    let about = format!(
        "services with c² = {}, {} of jobs B, demands unknown: at equal demand fewer do; the table is for \
         arms of one size",
        number(design.scv),
        portion(design.share)
    );
    format!(
        "{}\n{}\n\n{}",
        wrapped(&verdict, WIDTH, 0),
        wrapped(&about, WIDTH, 0),
        sheet.text(WIDTH).trim_end()
    )
}

/// A p-value in a sentence.
fn p_is(value: f64) -> String {
    if value < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {}", p(value)) }
}

/// A p-value for people.
fn p(value: f64) -> String {
    if value < 1e-4 { "< 0.0001".to_owned() } else { format!("{value:.4}") }
}
