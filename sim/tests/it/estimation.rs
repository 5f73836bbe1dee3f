//! Intervals that keep their word, and what sharpens them.

use serde_json::Value;
use sim::engine::{simulate, simulate_numbers};
use sim::estimate::{
    Estimates, Goal, Metric, Progress, Sample, TooShort, Warmup, control, differences, reach, settle,
};
use sim::model::{Overheads, Scenario, Terms};
use sim::theory::mm1::Mm1;
use sim::verify::coverage;

use crate::agreement::{self, Effort};
use crate::command_line;

fn ideal() -> Overheads {
    Overheads::from(Terms::IDEAL)
}

/// An M/M/1 queue with unit services.
fn mm1(utilization: f64, effort: Effort) -> Scenario {
    agreement::scenario(&format!("[arrivals]\nrate = {utilization}\n[service]\nmean = 1.0"), effort)
}

/// Whether as many intervals cover as should, to four standard errors of a count.
fn assert_covers(name: &str, covered: u32, of: u32) {
    let deviation = (0.95 * 0.05 / f64::from(of)).sqrt();
    assert!(4.0 * deviation < 0.05, "{name}: {of} intervals tell too little");
    let fraction = f64::from(covered) / f64::from(of);
    assert!((fraction - 0.95).abs() < 4.0 * deviation, "{name}: {covered} of {of} intervals cover");
}

#[test]
fn intervals_over_replications_cover_as_often_as_they_say() {
    for of in coverage(0.5, 400, || ()) {
        assert_covers(&of.metric.name(), of.covered, of.shown);
        assert_eq!(of.shown, 400, "{} is not always shown", of.metric.name());
    }
}

#[test]
fn intervals_over_the_parts_of_a_long_run_cover_as_often_as_they_say() {
    let queue = Mm1::new(0.5, 1.0).unwrap();
    let effort = Effort { seed: 0, jobs: 200_000, warmup_jobs: 120, replications: 1 };
    let truths = [
        (Metric::MeanWait, queue.mean_wait()),
        (Metric::SojournQuantile(3), queue.sojourn_quantile(0.99).unwrap()),
        (Metric::MeanInSystem, queue.mean_in_system()),
    ];
    let (mut covered, mut shown) = ([0; 3], [0; 3]);
    for seed in 0..400 {
        // One in hundreds is taken for related, and refused.
        let Ok(sample) = Sample::of(&mm1(0.5, Effort { seed, ..effort }), &ideal()) else { continue };
        let estimates = Estimates::of(&sample);
        for (n, (metric, truth)) in truths.iter().enumerate() {
            let Some(interval) = estimates.get(*metric).interval() else { continue };
            shown[n] += 1;
            covered[n] += u32::from((interval.low..=interval.high).contains(truth));
        }
    }
    for (n, (metric, _)) in truths.iter().enumerate() {
        assert!(shown[n] > 390, "{} is shown {} times", metric.name(), shown[n]);
        assert_covers(&metric.name(), covered[n], shown[n]);
    }
}

#[test]
fn control_variates_leave_the_variance_that_theory_says() {
    for utilization in [0.5, 0.8] {
        let queue = Mm1::new(utilization, 1.0).unwrap();
        let inflation = queue.mean_sojourn_run_variance() / queue.sojourn_variance();
        let jobs = (200.0 * inflation) as u64;
        let scenario = mm1(utilization, Effort { seed: 5, jobs, warmup_jobs: jobs / 10, replications: 2000 });
        let sample = Sample::of(&scenario, &ideal()).unwrap();
        let controlled = control(&scenario, &sample, Metric::MeanSojourn).unwrap();
        let expected = 2.0 * utilization / (1.0 + utilization).powi(2);
        assert!((controlled.variance_ratio / expected - 1.0).abs() < 0.1, "{controlled:?}, {expected}");
        let error = (controlled.estimate.estimate - queue.mean_sojourn()).abs();
        assert!(error < 2.0 * controlled.estimate.half_width, "{controlled:?}");
    }
}

#[test]
fn a_scenario_does_not_differ_from_itself_and_little_from_its_like() {
    let effort = Effort { seed: 9, jobs: 20_000, warmup_jobs: 500, replications: 20 };
    let [one, two] = [1.0, 0.95].map(|mean| {
        agreement::scenario(&format!("[arrivals]\nrate = 0.8\n[service]\nmean = {mean}"), effort)
    });
    let [one, two] = [one, two].map(|scenario| Sample::of(&scenario, &ideal()).unwrap());
    for same in differences([&one, &one]) {
        let zero = same.difference.is_none_or(|of| (of.estimate, of.low, of.high) == (0.0, 0.0, 0.0));
        assert!(zero, "{same:?}");
    }
    let exact = [0.95, 1.0].map(|mean| Mm1::new(0.8, 1.0 / mean).unwrap().mean_sojourn());
    let all = differences([&one, &two]);
    let sojourn = all.iter().find(|of| of.metric == Metric::MeanSojourn).unwrap();
    let difference = sojourn.difference.unwrap();
    assert!((difference.low..=difference.high).contains(&(exact[0] - exact[1])), "{sojourn:?}");
    assert!(sojourn.variance_ratio.unwrap() < 0.2, "{sojourn:?}");
}

#[test]
fn replications_are_added_until_the_precision_is_reached() {
    let scenario = mm1(0.8, Effort { seed: 3, jobs: 10_000, warmup_jobs: 500, replications: 10 });
    let simulate = |numbers| simulate_numbers(&scenario, &ideal(), numbers);
    for metric in [Metric::MeanWait, Metric::SojournQuantile(3)] {
        let goal = Goal { metric, relative_half_width: 0.03 };
        let (sample, progress) = reach(&scenario, goal, simulate, |_| true);
        let reached = Estimates::of(&sample).get(metric).relative_half_width();
        assert!(reached <= 0.03 / 1.03 && reached == progress.relative_half_width, "{progress:?}");
        assert!(reached > 0.015, "{progress:?}: far too many");
        // What was simulated on the way is what would have been simulated at once.
        let all = scenario.clone().with_run(10_000, 500, progress.replications);
        assert_eq!(sample.replications(), sim::engine::simulate(&all, Terms::IDEAL));
        let enough = |progress: Progress| progress.replications < 20;
        assert!(reach(&scenario, goal, simulate, enough).1.replications < progress.replications);
    }
}

#[test]
fn a_run_that_is_too_short_is_refused_with_the_length_it_needs() {
    let effort = Effort { seed: 1, jobs: 1000, warmup_jobs: 100, replications: 10 };
    let needed = |refused: TooShort| match refused {
        TooShort::Jobs { jobs, needed_jobs } => {
            assert!(refused.to_string().contains(&format!("run.jobs = {jobs} is too short")), "{refused}");
            needed_jobs
        }
        other => panic!("{other}"),
    };
    let refused = settle(&mm1(0.95, effort), &ideal()).unwrap_err();
    let more = needed(refused);
    assert!(more > 10_000 && refused.to_string().contains(&format!("jobs = {more} or more")));
    settle(&mm1(0.95, Effort { jobs: more, ..effort }), &ideal()).unwrap();

    let parts = Effort { jobs: 5000, replications: 1, ..effort };
    let refused = Sample::of(&mm1(0.9, parts), &ideal()).unwrap_err();
    // 8 parts of 100 · 361 jobs.
    let more = needed(refused);
    assert!((280_000..300_000).contains(&more), "{more}");
    Sample::of(&mm1(0.9, Effort { jobs: more, ..parts }), &ideal()).unwrap();
    // A bounded queue forgets at once, but two jobs a part there must be.
    let bounded = "[arrivals]\nrate = 0.5\n[service]\nmean = 1.0\n[queue]\ncapacity = 3";
    let tiny = agreement::scenario(bounded, Effort { jobs: 10, replications: 1, ..effort });
    assert!(needed(Sample::of(&tiny, &ideal()).unwrap_err()) == 64);
    let hopeless = settle(&mm1(0.999_99, effort), &ideal()).unwrap_err();
    assert!(matches!(hopeless, TooShort::Ever { .. }), "{hopeless}");
}

/// Queues whose relaxation time nobody knows, in runs that see a few of their slow cycles.
#[test]
fn what_varies_slowly_takes_twenty_cycles_of_it() {
    let service = "[service]\nmean = 0.005";
    let lognormal =
        "[arrivals]\nrate = 190\n[service]\nmean = 0.005\nshape = { kind = \"lognormal\", scv = 4.0 }";
    let process = |process: &str| format!("[arrivals]\nrate = 100\nprocess = {{ {process} }}\n{service}");
    let slow = [
        (process("kind = \"mmpp\", levels = [0.3, 1.2], mean_stay_s = [50.0, 25.0]"), 150_000),
        (process("kind = \"piecewise\", levels = [0.5, 1.5], durations_s = [100.0, 100.0]"), 400_000),
        (process("kind = \"sinusoid\", amplitude = 0.5, period_s = 600.0"), 1_200_000),
        (
            format!(
                "[arrivals]\nrate = 100\n{service}\n[queue]\nbreakdowns = {{ while = \"always\", mean_up_s = 3600.0, mean_down_s = 60.0 }}"
            ),
            7_320_000,
        ),
        // 2ρ·(1 + 4)/(1 - ρ)² = 3,800 jobs of heavy traffic.
        (lognormal.to_owned(), 76_000),
    ];
    let effort = Effort { seed: 1, jobs: 5_000, warmup_jobs: 100, replications: 20 };
    for (tables, needed) in slow {
        match settle(&agreement::scenario(&tables, effort), &ideal()) {
            Err(TooShort::Jobs { needed_jobs, .. }) => {
                assert!(
                    (needed_jobs as f64 / f64::from(needed) - 1.0).abs() < 0.01,
                    "{needed_jobs}: {tables}"
                );
            }
            other => panic!("{other:?}: {tables}"),
        }
    }
}

#[test]
fn a_run_with_a_beginning_is_not_cut_into_parts() {
    let tables = "[arrivals]\nrate = 0.5\n[service]\nmean = 1.0\n[initial]\njobs = 100";
    let effort = Effort { seed: 1, jobs: 100_000, warmup_jobs: 0, replications: 1 };
    let refused = Sample::of(&agreement::scenario(tables, effort), &ideal()).unwrap_err();
    assert!(refused == TooShort::NotAlike && refused.to_string().contains("replications = 20"), "{refused}");
}

/// Whether a quantile is shown must not depend on the sample, or the shown ones are those that happen to be short.
#[test]
fn whether_a_quantile_is_shown_is_known_beforehand_where_theory_knows_it() {
    let shown = |jobs, seed| {
        let scenario = mm1(0.8, Effort { seed, jobs, warmup_jobs: 800, replications: 20 });
        let estimates = Estimates::of(&Sample::of(&scenario, &ideal()).unwrap());
        estimates.get(Metric::SojournQuantile(3)).estimate.is_some()
    };
    // 30 clusters of 80.5 jobs beyond p99 are 241,500 jobs.
    assert!((0..30).all(|seed| !shown(12_000, seed) && shown(12_100, seed)));
}

#[test]
fn a_warm_up_that_is_left_open_removes_the_bias_of_the_start() {
    let open = "[arrivals]\nrate = 0.9\nprocess = { kind = \"renewal\", shape = { kind = \"lognormal\", scv = 2.0 } }\n\
                [service]\nmean = 1.0";
    let text = format!("schema = 1\nname = \"open\"\n{open}\n[run]\njobs = 20_000\n");
    let scenario = sim::scenario_file::parse(&text, "test").unwrap();
    let warmup = settle(&scenario, &ideal()).unwrap();
    let least = Warmup::least_jobs(&warmup.memory);
    assert!(warmup.memory.is_exact && least > 100 && warmup.jobs >= least && warmup.jobs < 20_000);
    // Short replications, so that what is left of the start would show: 500 jobs each.
    let mean = |warmup_jobs| {
        let replications = simulate(&scenario.clone().with_run(500, warmup_jobs, 4000), Terms::IDEAL);
        let waits: Vec<f64> = replications.iter().map(|replication| replication.mean_wait_s).collect();
        agreement::mean_and_error(&waits)
    };
    let ((cold, error), (warm, _), (hot, _)) = (mean(0), mean(warmup.jobs), mean(4 * warmup.jobs));
    assert!(error < 0.02 * hot && cold < hot - 10.0 * error, "{cold} from the start, {hot} ± {error}");
    assert!((warm - hot).abs() < 5.0 * error, "{warm} after the warm-up, {hot} ± {error}");
}

#[test]
fn a_quantile_without_enough_jobs_beyond_it_is_not_shown() {
    let sample = |jobs| {
        let scenario = mm1(0.8, Effort { seed: 1, jobs, warmup_jobs: 1000, replications: 20 });
        Estimates::of(&Sample::of(&scenario, &ideal()).unwrap()).get(Metric::SojournQuantile(4))
    };
    let few = sample(20_000);
    let needed = few.needed_jobs.unwrap();
    // 30 clusters of 81 jobs beyond the quantile of 0.999.
    assert!(few.estimate.is_none() && (1_200_000..4_000_000).contains(&needed), "{few:?}");
    let enough = sample(400_000);
    assert!(enough.needed_jobs.is_none() && enough.relative_half_width() < 0.06, "{enough:?}");
}

fn run(folder: &std::path::Path, arguments: &[&str]) -> Value {
    command_line::json(&command_line::sim(folder, &[&["run", "short.toml", "--json"], arguments].concat()))
}

#[test]
fn the_command_line_reaches_a_precision_and_ends_politely_when_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    command_line::scenario(folder.path(), "", "");
    let reached = run(folder.path(), &["--precision", "0.02", "--metric", "p99_sojourn"]);
    assert_eq!(reached["precision"]["is_met"], true);
    let p99 = &reached["metrics"]["sojourn_quantiles_s"]["0.99"];
    let end = |name: &str| p99[name].as_f64().unwrap();
    assert!(end("high") - end("low") < 2.0 * 0.02 * end("estimate"), "{p99}");
    let one_thread =
        run(folder.path(), &["--precision", "0.02", "--metric", "p99_sojourn", "--threads", "1"]);
    assert_eq!(one_thread["metrics"], reached["metrics"]);

    let zero = command_line::sim(
        folder.path(),
        &["run", "short.toml", "--precision", "0.01", "--metric", "prob_blocked"],
    );
    let complaint = String::from_utf8_lossy(&zero.stderr).into_owned();
    assert!(zero.status.code() == Some(2) && complaint.contains("it is 0"), "{complaint}");

    let ended = run(folder.path(), &["--precision", "0.00001", "--max-time", "0.5"]);
    assert_eq!(ended["precision"]["is_met"], false);
    assert!(ended["warnings"].to_string().contains("replications would do"), "{}", ended["warnings"]);
}

#[test]
fn two_scenarios_are_compared_with_the_same_jobs_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    command_line::scenario(folder.path(), "", "");
    let other = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(folder.path().join("short.toml")).unwrap();
        std::fs::write(folder.path().join(name), text.replace(from, to)).unwrap();
    };
    other("faster.toml", "mean = 0.005", "mean = 0.0045");
    other("later.toml", "seed = 3", "seed = 4");
    let sim = |arguments: &[&str]| command_line::sim(folder.path(), arguments);
    let answer = command_line::json(&sim(&["run", "short.toml", "faster.toml", "--difference", "--json"]));
    let sojourn = &answer["differences"]["mean_sojourn_s"];
    assert!(sojourn["difference"]["high"].as_f64().unwrap() < 0.0, "{sojourn}");
    assert!(sojourn["variance_ratio"].as_f64().unwrap() < 0.3, "{sojourn}");
    let refused = sim(&["run", "short.toml", "later.toml", "--difference"]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && complaint.contains("run.seed = 3 and 4"), "{complaint}");
    assert_eq!(sim(&["run", "short.toml", "faster.toml"]).status.code(), Some(2));
}

#[test]
fn a_queue_that_grows_without_end_is_refused_or_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    command_line::scenario(
        folder.path(),
        "[queue]\n",
        "[queue]\nretry = { probability = 0.5, max_attempts = 3 }\n",
    );
    let text = std::fs::read_to_string(folder.path().join("short.toml")).unwrap();
    let text = text.replace("warmup_jobs = 100\n", "").replace("prefetch = 1\n", "");
    std::fs::write(folder.path().join("short.toml"), text).unwrap();
    let refused = command_line::sim(folder.path(), &["run", "short.toml"]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && complaint.contains("utilization is 1.4"), "{complaint}");
    let answer = run(folder.path(), &["--allow-unstable"]);
    assert!(answer["warmup_jobs"] == 0 && answer["warnings"].to_string().contains("no steady state"));
}

/// Throughput and loads are the controls, but for the edges of the window, which would pass for the whole truth.
#[test]
fn control_variates_sharpen_times_and_lengths_but_not_what_they_are_themselves() {
    let folder = tempfile::tempdir().unwrap();
    command_line::scenario(folder.path(), "", "");
    let answer = run(folder.path(), &["--control-variates"]);
    let sharpened: Vec<&str> = answer["control_variates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["name"].as_str().unwrap())
        .collect();
    assert!(sharpened.contains(&"mean_sojourn_s") && sharpened.contains(&"mean_in_system"), "{sharpened:?}");
    for control in ["throughput", "utilization", "offered_load"] {
        assert!(!sharpened.contains(&control), "{sharpened:?}");
    }
}
