//! How many jobs are enough: against published sample sizes, and against the scatter of simulations.

use std::process::{Command, Output};

use serde_json::Value;
use sim::engine::simulate;
use sim::estimate::Metric;
use sim::model::{Scenario, Terms};
use sim::plan::{Goal, Pilot, Plan, plan};
use sim::scenario_file::parse;
use sim::theory::mm1::Mm1;

use crate::command_line::scenario as write_scenario;

fn mm1(rho: f64) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"mm1\"\n[arrivals]\nrate = {rho:?}\n[service]\nmean = 1.0\n[run]\nseed = 20260101\n"
    );
    parse(&text, "a test").unwrap()
}

fn planned(rho: f64) -> Plan {
    plan(&mm1(rho), &Metric::of_jobs().collect::<Vec<_>>(), &mut |_, _| panic!("M/M/1 needs no pilot runs"))
        .unwrap()
}

/// The jobs of a metric, and those with rates fitted.
fn jobs(plan: &Plan, goal: &Goal, name: &str) -> (u64, u64) {
    let metric: Metric = name.parse().unwrap();
    let (_, scatter) = plan.metrics.iter().find(|(known, _)| *known == metric).unwrap();
    let scatter = scatter.unwrap();
    (goal.jobs(scatter.relative_variance), goal.jobs(scatter.fitted.unwrap()))
}

/// Sample sizes for ±5 % at 95 % confidence; the last two columns for a margin of 5 % at a power of 90 %.
#[test]
fn sample_sizes_of_the_mm1_queue_match_theory() {
    let table = [
        (0.5, [13_830, 6_147, 11_050, 18_137, 61_888, 287_749, 38_960, 17_316]),
        (0.7, [49_342, 23_903, 33_730, 62_996, 219_952, 1_030_000, 139_005, 67_338]),
        (0.8, [124_464, 61_464, 81_709, 157_891, 554_319, 2_590_000, 350_639, 173_155]),
        (0.9, [554_707, 276_586, 356_494, 701_379, 2_470_000, 11_500_000, 1_560_000, 779_197]),
        (0.95, [2_340_000, 1_170_000, 1_490_000, 2_950_000, 10_400_000, 48_600_000, 6_600_000, 3_300_000]),
    ];
    let half_width = Goal::new(0.05, 0.95, None).unwrap();
    let margin = Goal::new(0.05, 0.95, Some(0.9)).unwrap();
    for (rho, expected) in table {
        let plan = planned(rho);
        let (mean, fitted) = jobs(&plan, &half_width, "mean_sojourn_s");
        let (shown, shown_fitted) = jobs(&plan, &margin, "mean_sojourn_s");
        let quantile = |name: &str| jobs(&plan, &half_width, name).0;
        let quantiles = ["p50_sojourn", "p90_sojourn", "p99_sojourn", "p99.9_sojourn"].map(quantile);
        let [p50, p90, p99, p999] = quantiles;
        for (ours, theirs) in
            [mean, fitted, p50, p90, p99, p999, shown, shown_fitted].into_iter().zip(expected)
        {
            // What ends in zeros was rounded there.
            let unit = if theirs % 10_000 == 0 { theirs / 100 } else { 1 };
            assert!(ours.abs_diff(theirs) <= unit, "{rho}: {ours} {theirs}");
        }
    }
}

#[test]
fn warm_up_inflation_and_sensitivity_of_the_mm1_queue_match_theory() {
    let plan = planned(0.8);
    assert!((plan.variance_inflation.unwrap() - 81.0).abs() < 1e-9);
    assert!((plan.sensitivity.unwrap() + 5.0).abs() < 1e-5);
    assert_eq!(plan.relaxation.unwrap().warmup_jobs(), 805);
}

/// 2000 runs: their variance has a standard error of 3.2 %.
#[test]
fn quantiles_of_the_wait_scatter_from_run_to_run_as_theory_says() {
    let (queue, jobs) = (Mm1::new(0.6, 1.0).unwrap(), 6000);
    let replications = simulate(&mm1(0.6).with_run(jobs, 400, 2000), Terms::IDEAL);
    for (n, p) in [(0, 0.5), (1, 0.9)] {
        let values: Vec<f64> = replications.iter().map(|r| r.wait_quantiles_s[n]).collect();
        let mean = values.iter().sum::<f64>() / 2000.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 1999.0;
        let ratio = jobs as f64 * variance / queue.wait_quantile_run_variance(p).unwrap();
        assert!((ratio - 1.0).abs() < 0.12, "{p}: {ratio}");
    }
}

#[test]
fn pilot_runs_find_what_theory_says_within_the_uncertainty_they_state() {
    let exact = planned(0.6);
    let mut lengths = Vec::new();
    let pilot =
        Pilot::run(&mm1(0.6), &Metric::of_jobs().collect::<Vec<_>>(), &mut |_, jobs| lengths.push(jobs));
    assert!(lengths.len() > 1 && lengths.windows(2).all(|pair| pair[0] < pair[1]), "{lengths:?}");
    let mut within = 0;
    for (metric, scatter) in &exact.metrics {
        let (theory, found) = (scatter.unwrap(), pilot.scatter(*metric).unwrap());
        assert!(found.high < 2.1 * found.low);
        assert!((found.value_s / theory.value_s - 1.0).abs() < 0.02, "{metric}: {found:?}");
        let ratio = found.relative_variance / theory.relative_variance;
        // Four standard errors of 18 %.
        assert!((ratio - 1.0).abs() < 0.71, "{metric}: {ratio}");
        within += u32::from(found.low < theory.relative_variance && theory.relative_variance < found.high);
    }
    assert!(within >= 10, "{within} of 12");
    assert!((pilot.variance_inflation() / 16.0 - 1.0).abs() < 0.71);
}

#[test]
fn a_quantile_of_zero_has_no_relative_error_and_needs_no_pilot_runs() {
    let plan = planned(0.5);
    let reasons: Vec<_> = plan.metrics.iter().filter(|(_, scatter)| scatter.is_err()).collect();
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].0, "p50_wait".parse().unwrap());
}

#[test]
fn services_of_infinite_variance_get_a_reason_instead_of_a_number() {
    let text = "schema = 1\nname = \"p\"\n[arrivals]\nrate = 0.3\n[service]\nmean = 1.0\n\
                shape = { kind = \"pareto\", tail = 1.9 }\n";
    let metrics = ["mean_wait", "p99_sojourn"].map(|name| name.parse().unwrap());
    let plan = plan(&parse(text, "a test").unwrap(), &metrics, &mut |_, _| panic!("no pilot runs")).unwrap();
    assert!(plan.metrics.iter().all(|(_, scatter)| scatter.unwrap_err().starts_with("infinite variance")));
    assert!(plan.variance_inflation.is_none() && plan.relaxation.is_none());
}

fn sim(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn the_command_line_says_how_long_and_what_the_scenario_reaches() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "", "");
    let output = sim(folder.path(), &["plan", "short.toml", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mean = &answer["metrics"]["mean_sojourn_s"];
    assert_eq!((mean["jobs"].as_u64(), mean["jobs_rates_fitted"].as_u64()), (Some(124_464), Some(61_464)));
    assert!((mean["live_s"].as_f64().unwrap() - 124_464.0 / 160.0).abs() < 1e-9);
    // 81 independent jobs' worth in 50 live jobs and 400,000 simulated ones.
    let reached = |jobs: f64| 1.959_964 * (81.0 / jobs).sqrt();
    assert!((mean["drive_relative_error"].as_f64().unwrap() - reached(50.0)).abs() < 1e-5);
    assert!((mean["run_relative_error"].as_f64().unwrap() - reached(400_000.0)).abs() < 1e-5);
    assert_eq!(answer["metrics"]["sojourn_quantiles_s"]["0.99"]["jobs"], 554_319);
    assert!(answer["metrics"]["wait_quantiles_s"]["0.95"].is_null() && answer["pilot"].is_null());

    let one =
        sim(folder.path(), &["plan", "short.toml", "--metric", "p99_sojourn_s", "--relative-error", "0.1"]);
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.contains("138,580") && text.contains("805 jobs") && text.contains("by 5.0 %"), "{text}");
    assert!(!text.contains("mean wait") && text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "rate = 160.0", "rate = 250.0");
    let refused = |arguments: &[&str], part: &str| {
        let output = sim(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(part), "{message}");
    };
    refused(&["plan", "short.toml"], "utilization is 1.25");
    write_scenario(folder.path(), "", "");
    refused(&["plan", "short.toml", "--metric", "p98_wait"], "such as p99_sojourn_s");
    refused(&["plan", "short.toml", "--relative-error", "5"], "--relative-error is 5");
    refused(&["plan", "short.toml", "--power", "1"], "--power is 1");
}

#[test]
fn a_finite_source_sends_no_faster_than_it_is_answered() {
    let text = "schema = 1\nname = \"f\"\n[arrivals]\n\
                process = { kind = \"finite_source\", population = 4, mean_think_s = 1.0 }\n[service]\nmean = 1.0\n";
    let scenario = parse(text, "a test").unwrap();
    let plan = plan(&scenario, &[Metric::MeanSojourn], &mut |_, _| {}).unwrap();
    // M/M/1//4 with equal rates: the server is idle with probability 1/Σ 4!/(4-n)! = 1/65.
    assert!((plan.arrival_rate / (64.0 / 65.0) - 1.0).abs() < 0.01, "{}", plan.arrival_rate);
    assert!(scenario.arrival_rate() > 1.9 && plan.relaxation.is_none());
}
