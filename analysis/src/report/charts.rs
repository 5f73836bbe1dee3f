//! Control charts in words and as a table.

use sim::run_folder::Run;

use super::numbers::{count, number, portion, time};
use super::sheet::{Sheet, wrapped};
use crate::control::{Chart, Control};

/// Longest line on a terminal.
const WIDTH: usize = 118;

/// What the charts of a run say, for a terminal.
pub fn charts(run: &Run, control: &Control) -> String {
    let facts = [
        capital(&control.says),
        String::new(),
        format!(
            "{}, {} {} after phase I",
            run.scenario.name(),
            count(control.jobs),
            if control.jobs == 1 { "job" } else { "jobs" }
        ),
        basis(run, control),
    ];
    let mut text: String = facts.iter().map(|line| wrapped(line, WIDTH, 2) + "\n").collect();
    text.push('\n');
    text.push_str(&sheet(control).text(WIDTH));
    text.push('\n');
    for line in success(run, control) {
        text.push_str(&(wrapped(&line, WIDTH, 2) + "\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

/// What the limits rest on, and how often they err.
pub(super) fn basis(run: &Run, control: &Control) -> String {
    let phase_one = &control.phase_one;
    let jobs = match &phase_one.run {
        Some(other) => format!("the {} measured jobs of {other}", count(phase_one.jobs)),
        None => format!("the first {} measured jobs (to {:.1} s)", count(phase_one.jobs), phase_one.until_s),
    };
    let minutes = control.mean_run_jobs / run.scenario.arrival_rate() / 60.0;
    format!(
        "phase I: {jobs}; limits: shifts of up to {} are tolerated{}; beyond them one false alarm of a \
         chart in {} jobs ({} min) on average, so that at most {} of runs as long as this one signal by chance",
        time(control.tolerance_s),
        match control.charts.iter().any(|chart| chart.gaps.is_some()) {
            true => format!(", and failures of 1 job in {}", number(1.0 / phase_one.failure_rate)),
            false => String::new(),
        },
        count(control.mean_run_jobs.round() as u64),
        number(minutes),
        portion(control.false_alarm_probability)
    )
}

/// Each chart with its limit and what it saw.
pub(super) fn sheet(control: &Control) -> Sheet {
    let numbers = ["jobs a point", "limit", "jobs to a false alarm", "change seen within", "signals"];
    let mut sheet = Sheet::new("Control charts", "chart", &numbers, &["first signal"]);
    for chart in &control.charts {
        let first = chart.first.map_or_else(
            || "none".to_owned(),
            |first| format!("job {} at {:.1} s", count(first.job), first.at_s),
        );
        let cells = vec![
            count(chart.jobs_a_point),
            limit(chart),
            number(chart.mean_run_jobs),
            chart
                .seen_within_jobs
                .map_or_else(|| "not surely".to_owned(), |jobs| format!("{} jobs", count(jobs))),
            count(chart.signals),
            first,
        ];
        sheet.push(format!("{} {}", chart.quantity, chart.method), cells);
    }
    sheet.noting(
        "Each job is scored by its rank among those before it, so that the charts are of standard normal values whatever \
         the law of times is; limits are in standard deviations, of the g-chart jobs from one failed or repeated job to the \
         next, or to the one after so many more, from which it counts anew. “Change seen within” is 19 times of 20, for a \
         change right after phase I: a shift of a point by two standard deviations more than is tolerated, and one failure in \
         ten jobs, or twice as many as are tolerated. “Not surely” is a phase I so short that some shifts are taken for usual \
         before they are seen.",
    )
}

fn limit(chart: &Chart) -> String {
    match chart.gaps {
        Some(gaps) => {
            let jobs = chart.limit as u64;
            let which = if gaps == 1 { "next".to_owned() } else { format!("{} next", ordinal(gaps)) };
            format!("{which} in {} {}", count(jobs), if jobs == 1 { "job" } else { "jobs" })
        }
        None => format!("±{:.2}", chart.limit),
    }
}

/// A number in a row, such as `22nd`.
fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(number))
}

/// What the run proves of its success rate.
pub(super) fn success(run: &Run, control: &Control) -> [String; 2] {
    let rate = &control.success_rate;
    let failures = if rate.failures == 1 { "failure" } else { "failures" };
    let proved = format!(
        "success rate, after all attempts: {} {failures} in {} jobs: at least {:.5} % (95 %, exact)",
        count(rate.failures),
        count(rate.jobs),
        // Never more than is proved.
        (1e7 * rate.at_least).floor() / 1e5
    );
    let needed = rate.jobs_to_prove_99_99;
    let minutes = needed as f64 / run.scenario.arrival_rate() / 60.0;
    let claim = match rate.failures {
        0 => "without a failure".to_owned(),
        _ => format!("with {} {failures}", count(rate.failures)),
    };
    let met = if rate.proves_99_99 { "; this run proves it" } else { "" };
    [
        proved,
        format!(
            "a claim of 99.99 % needs {} jobs {claim}, {} min at this rate{met}",
            count(needed),
            number(minutes)
        ),
    ]
}

/// The first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
