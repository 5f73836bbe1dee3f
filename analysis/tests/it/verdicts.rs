//! Verdicts on runs that are not the usual one: overloaded, of several consumers, of jobs of their own, interrupted.

use analysis::compare::{Comparison, Verdict, compare};
use analysis::diagnostics::State;
use analysis::pair::Pair;
use sim::model::{JobRecord, Margins, Scenario, Terms};
use sim::run_folder::Verdict as RunVerdict;
use sim::scenario_file::{DEFAULT, parse};

use crate::support::{TERMS, calibration, observed, predicted, records, scenario};

/// Predicts with `TERMS`, known to one per cent, what was observed.
fn judged(predicted_scenario: &Scenario, scenario: &Scenario, records: &[JobRecord]) -> Comparison {
    let folder = tempfile::tempdir().unwrap();
    let sim =
        predicted(folder.path(), predicted_scenario, Some(&calibration(predicted_scenario, TERMS, 0.01)));
    let live = observed(folder.path(), scenario, records, RunVerdict::Valid);
    compare(&Pair::open(&sim, &live).unwrap())
}

fn with(from: &str, to: &str) -> Scenario {
    assert!(DEFAULT.contains(from));
    parse(&DEFAULT.replace(from, to), "test").unwrap()
}

#[test]
fn an_overloaded_run_has_no_steady_state_number_and_is_judged_by_what_it_sustains() {
    // λ·E(S + o + t) = 220 · 5.42 ms = 1.19.
    let scenario = with("rate    = 160.0", "rate    = 220.0");
    let comparison = judged(&scenario, &scenario, &records(&scenario, TERMS));
    assert!(matches!(comparison.state(), State::Overloaded { .. }), "{:?}", comparison.saturation);
    assert!(
        comparison.metrics.is_none() && comparison.distances.is_none() && comparison.jobs_needed.is_none()
    );
    assert!(comparison.ladder.is_empty(), "no share of a mean wait is printed, either");
    assert!(comparison.corrections.iter().all(|found| found.share.mean_wait_s.is_none()));
    let overload = comparison.overload.as_ref().unwrap();
    let rate = &overload.sustainable_rate;
    assert!((rate.observed - 1.0 / 0.00542).abs() < 8.0, "{rate:?}");
    assert!(rate.relative_error.abs() < 1e-6 && overload.final_backlog.relative_error.abs() < 1e-6);
    assert!(
        comparison.says.contains("Overloaded") && !comparison.says.contains("mean wait"),
        "{}",
        comparison.says
    );

    let slower = records(&scenario, Terms { overshoot_s: 0.4e-3, ..TERMS });
    let comparison = judged(&scenario, &scenario, &slower);
    let overload = comparison.overload.as_ref().unwrap();
    assert_eq!(overload.sustainable_rate.verdict, Verdict::Invalid, "{overload:?}");
    assert!(overload.sustainable_rate.relative_error < -0.05 && overload.final_backlog.relative_error > 0.2);
    assert_eq!(comparison.verdict, Verdict::Invalid);
}

#[test]
fn an_overloaded_run_that_nobody_predicted_is_called_that() {
    let scenario = with("rate    = 160.0", "rate    = 230.0");
    let folder = tempfile::tempdir().unwrap();
    observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let comparison = compare(&Pair::latest(folder.path()).unwrap());
    assert!(matches!(comparison.state(), State::Overloaded { .. }), "{:?}", comparison.saturation);
    assert!(comparison.metrics.is_none() && comparison.says.contains("Overloaded"), "{}", comparison.says);
}

#[test]
fn several_consumers_are_compared_like_one() {
    let scenario = with("servers    = 1", "servers    = 4").with_rate(640.0).with_drive(20_000, 1_000);
    let comparison = judged(&scenario, &scenario, &records(&scenario, TERMS));
    let wait = &comparison.metrics.as_ref().unwrap().mean_wait_s;
    assert!(wait.relative_error.abs() < 1e-6, "{wait:?}");
    assert!(wait.ideal < wait.predicted && wait.low < wait.predicted && wait.predicted < wait.high);
    assert!(wait.textbook.is_some(), "M/M/4 is in every textbook");
    let shares: f64 = comparison.ladder.iter().filter_map(|rung| rung.share.mean_wait_s).sum();
    assert!((wait.textbook.unwrap() + shares - wait.observed).abs() < 1e-12, "shares add up");
    let dispatch = comparison.ladder.iter().find(|rung| rung.rung == "dispatch").unwrap();
    assert!((dispatch.figures.mean_wait_s.unwrap() / wait.observed - 1.0).abs() < 0.01, "{dispatch:?}");
}

#[test]
fn jobs_of_their_own_are_compared_as_samples_of_a_law() {
    let (ours, theirs) =
        (scenario().with_drive(20_000, 2_000), scenario().with_drive(20_000, 2_000).with_seed(7));
    let comparison = judged(&ours, &theirs, &records(&theirs, TERMS));
    assert!(!comparison.shares_jobs && comparison.corrections.is_empty() && comparison.distances.is_none());
    let goodness = comparison.goodness.as_ref().unwrap();
    for p in [goodness.wait.mean.p_value, goodness.sojourn.sup.p_value, goodness.sojourn.wasserstein.p_value]
    {
        assert!(p > 0.01, "a true model: {goodness:?}");
    }
    let wait = &comparison.metrics.as_ref().unwrap().mean_wait_s;
    let half_width = (wait.error_high - wait.error_low) / 2.0;
    // ± 1.645·√(VIF/n) with VIF some 200 at ρ' = 0.87: much wider than job by job.
    assert!((0.05..0.5).contains(&half_width), "{wait:?}");
    assert_eq!(wait.verdict, Verdict::Inconclusive);
    assert!(wait.jobs_needed.unwrap() > 20_000, "{wait:?}");

    // The interval is as wide as that of the jobs of the prediction, around the mean of their law.
    let own = judged(&ours, &ours, &records(&ours, TERMS)).metrics.unwrap().mean_wait_s;
    for (end, of_own) in [(wait.low, own.low), (wait.high, own.high)] {
        let ratio = end / wait.predicted / (of_own / own.predicted);
        assert!((ratio - 1.0).abs() < 1e-9, "{wait:?} beside {own:?}");
    }
    assert!((wait.predicted / own.predicted - 1.0).abs() > 0.01, "there is something to carry over");

    let other = judged(&ours, &theirs, &records(&theirs, Terms { turnaround_s: 1.1e-3, ..TERMS }));
    assert!(other.goodness.unwrap().sojourn.mean.p_value < 0.01);
    assert_eq!(other.verdict, Verdict::Invalid);
}

#[test]
fn errors_of_short_waits_are_relative_to_a_service() {
    let seen = Terms { idle_path_s: TERMS.idle_path_s + 0.2e-3, ..TERMS };
    for (rate, relative_to_s) in [(10.0, Some(0.005)), (160.0, None)] {
        let scenario = scenario().with_rate(rate);
        let wait = judged(&scenario, &scenario, &records(&scenario, seen)).metrics.unwrap().mean_wait_s;
        let expected = (wait.observed - wait.predicted) / relative_to_s.unwrap_or(wait.predicted);
        assert!((wait.error / expected - 1.0).abs() < 1e-9, "at {rate}/s: {wait:?}");
    }
}

#[test]
fn a_run_of_a_few_jobs_is_not_called_valid() {
    for (jobs, undecided, needed) in [(10, 8, 1_000), (50, 4, 1_000), (1_000, 0, 0)] {
        let scenario = scenario().with_drive(jobs, 100);
        let comparison = judged(&scenario, &scenario, &records(&scenario, TERMS));
        let metrics = comparison.metrics.as_ref().unwrap();
        let open = metrics.named().iter().filter(|(_, found)| found.verdict == Verdict::Inconclusive).count();
        assert_eq!(open, undecided, "{jobs} jobs: {}", comparison.says);
        assert_eq!(comparison.jobs_needed.unwrap_or(0), needed, "{jobs} jobs");
    }
}

#[test]
fn a_pause_is_named_with_its_job_and_its_leg() {
    let scenario = scenario();
    let mut records = records(&scenario, TERMS);
    let (paused, mut free_s) = (3_000, f64::NEG_INFINITY);
    for record in &mut records {
        let ready_s = (record.due_s + TERMS.idle_path_s).max(free_s + TERMS.turnaround_s);
        // One in twenty is some tenths of a millisecond late, as jobs are: no pauses.
        let late_s = if record.job % 20 == 7 { 1e-5 * (record.job % 97) as f64 } else { 0.0 };
        let start_s = ready_s + if record.job == paused { 0.3 } else { late_s };
        let done_s = start_s + record.demand_s + TERMS.overshoot_s;
        (record.delivered_s, record.start_s, record.done_s) = (Some(start_s), Some(start_s), Some(done_s));
        free_s = done_s;
    }
    let comparison = judged(&scenario, &scenario, &records);
    let pauses = &comparison.residuals.as_ref().unwrap().pauses;
    assert!(pauses.len() == 1 && pauses[0].job == paused, "{pauses:?}");
    assert!((pauses[0].lasted_s - 0.3).abs() < 1e-3, "{:?}", pauses[0]);
    assert_eq!(serde_json::to_value(pauses[0].coincided).unwrap(), "delivery");
    let rest = comparison.corrections.last().unwrap();
    assert!(rest.term == "the rest" && rest.share.mean_wait_s.unwrap() > 1e-3, "{rest:?}");
}

#[test]
fn what_each_overhead_did_adds_up_to_the_error() {
    let scenario = scenario();
    let seen = Terms { idle_path_s: 0.9e-3, turnaround_s: 0.5e-3, overshoot_s: 0.05e-3, ..TERMS };
    let comparison = judged(&scenario, &scenario, &records(&scenario, seen));
    let wait = &comparison.metrics.as_ref().unwrap().mean_wait_s;
    let share = |term: &str| {
        let found = comparison.corrections.iter().find(|correction| correction.term == term);
        found.unwrap().share.mean_wait_s.unwrap()
    };
    let shares = [share("idle path"), share("turnaround"), share("overshoot"), share("the rest")];
    assert!((shares.iter().sum::<f64>() - (wait.observed - wait.predicted)).abs() < 1e-12);
    assert!((shares[0] - 0.2e-3).abs() < 0.05e-3, "an idle path is added to every wait: {shares:?}");
    assert!(shares[1] > 5.0 * shares[0], "a turnaround near saturation counts many times: {shares:?}");
    assert!(shares[3].abs() < 1e-6, "nothing is left: {shares:?}");
}

#[test]
fn the_margin_is_that_of_the_scenario() {
    let margins = Margins { mean: 0.001, p50: 0.02, p90: 0.03, p99: 0.04, ..Margins::default() };
    let strict = scenario().with_margins(margins);
    let seen = Terms { turnaround_s: 0.41e-3, ..TERMS };
    let comparison = judged(&strict, &strict, &records(&strict, seen));
    let metrics = comparison.metrics.as_ref().unwrap();
    assert_eq!((metrics.mean_wait_s.margin, metrics.mean_sojourn_s.margin), (0.001, 0.001));
    for quantiles in [&metrics.wait_quantiles_s, &metrics.sojourn_quantiles_s] {
        let found = ["0.5", "0.9", "0.99"].map(|p| quantiles[p].margin);
        assert_eq!(found, [0.02, 0.03, 0.04]);
    }
    assert_ne!(metrics.mean_wait_s.verdict, Verdict::Valid);
}
