//! What a comparison must find when the truth is known.

use analysis::compare::{Verdict, compare};
use analysis::pair::{Pair, PairError, TermsSource};
use sim::model::Terms;
use sim::run_folder::Verdict as RunVerdict;

use crate::support::{TERMS, calibration, observed, observed_across_hosts, predicted, records, scenario};

fn more_turnaround(factor: f64) -> Terms {
    Terms { turnaround_s: factor * TERMS.turnaround_s, ..TERMS }
}

#[test]
fn a_right_prediction_is_valid_and_without_error() {
    for prefetch in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let scenario = scenario().with_prefetch(prefetch);
        let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
        let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
        let comparison = compare(&Pair::open(&sim, &live).unwrap());
        assert_eq!(comparison.verdict, Verdict::Valid);
        for (name, metric) in comparison.metrics.as_ref().unwrap().named() {
            assert!(metric.relative_error.abs() < 1e-6, "{name}: {metric:?}");
            assert!(metric.low < metric.predicted && metric.predicted < metric.high);
            assert!(metric.ideal < metric.predicted, "{name}: overheads lengthen everything");
        }
        assert!(!comparison.calibration.fitted_on_this_run);
    }
}

#[test]
fn a_wrong_prediction_is_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let records = records(&scenario, more_turnaround(2.5));
    let live = observed(folder.path(), &scenario, &records, RunVerdict::Valid);
    let comparison = compare(&Pair::open(&sim, &live).unwrap());
    assert_eq!(comparison.metrics.as_ref().unwrap().mean_wait_s.verdict, Verdict::Invalid);
    assert_eq!(comparison.verdict, Verdict::Invalid);
    assert!(comparison.metrics.as_ref().unwrap().mean_wait_s.relative_error > 0.05);
}

#[test]
fn a_vague_calibration_has_wide_intervals_and_is_judged_by_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.3)));
    let right = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let comparison = compare(&Pair::open(&sim, &right).unwrap());
    let wait = &comparison.metrics.as_ref().unwrap().mean_wait_s;
    assert!(wait.high / wait.low > 1.3 && wait.within_interval, "{wait:?}");
    assert_eq!(comparison.verdict, Verdict::Valid);

    let records = records(&scenario, more_turnaround(1.3));
    let wrong = observed(folder.path(), &scenario, &records, RunVerdict::Valid);
    let comparison = compare(&Pair::open(&sim, &wrong).unwrap());
    assert!(comparison.metrics.as_ref().unwrap().mean_wait_s.within_interval);
    assert_eq!(comparison.verdict, Verdict::Invalid);
    assert!(comparison.says.contains("calibrate for longer"), "{}", comparison.says);
}

#[test]
fn the_interval_is_that_of_overheads_that_move_together() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    // A calibration whose batches vary by no more than single values explain: what moves is a third of 17 % squared.
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.0)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let wait = compare(&Pair::open(&sim, &live).unwrap()).metrics.unwrap().mean_wait_s;
    let moved = 1.644_853_626_951_472_7 * 0.17 / 3_f64.sqrt();
    for (end, factor) in [(wait.low, 1.0 - moved), (wait.high, 1.0 + moved)] {
        let seen = Terms {
            idle_path_s: factor * TERMS.idle_path_s,
            turnaround_s: factor * TERMS.turnaround_s,
            hand_over_s: 0.0,
            overshoot_s: factor * TERMS.overshoot_s,
        };
        let live = observed(folder.path(), &scenario, &records(&scenario, seen), RunVerdict::Valid);
        let there = compare(&Pair::open(&sim, &live).unwrap()).metrics.unwrap().mean_wait_s.observed;
        assert!((end / there - 1.0).abs() < 0.005, "{end} where 1.645 standard deviations make {there}");
    }
}

#[test]
fn a_job_that_began_before_it_was_due_is_refused_unless_clocks_explain_it() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let mut records = records(&scenario, TERMS);
    let early = records.iter_mut().find(|record| record.job == 2_000).unwrap();
    early.start_s = Some(early.due_s - 20e-6);
    let live = observed(folder.path(), &scenario, &records, RunVerdict::Valid);
    let refused = Pair::open(&sim, &live).err().unwrap();
    assert!(matches!(refused, PairError::Foresight { job: 2_000, .. }), "{refused}");
    let across = observed_across_hosts(folder.path(), &scenario, &records, 50e-6);
    assert!(Pair::open(&sim, &across).is_ok(), "clocks that are known to 50 µs");
}

#[test]
fn a_run_that_was_not_valid_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Invalid);
    let comparison = compare(&Pair::open(&sim, &live).unwrap());
    assert_eq!(comparison.verdict, Verdict::Invalid);
    assert!(comparison.warnings[0].contains("the driver was starved"));
}

#[test]
fn a_host_that_withheld_its_processors_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let is_named = || {
        let pair = Pair::open(&sim, &live).unwrap();
        pair.warnings.iter().any(|warning| warning.contains("a hypervisor withheld 5.0 %"))
    };
    assert!(!is_named());
    let manifest = live.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"stolen\": 0.0", "\"stolen\": 0.05")).unwrap();
    assert!(is_named());
}

#[test]
fn the_ladder_names_its_rungs_and_ends_at_the_observation() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let comparison = compare(&Pair::open(&sim, &live).unwrap());
    let names: Vec<_> = comparison.ladder.iter().map(|rung| rung.rung).collect();
    let agreed =
        ["textbook", "fitted_rates", "measured_arrivals", "measured_services", "dispatch", "observed"];
    assert_eq!(names, agreed);
    let mean = |name: &str| {
        comparison
            .ladder
            .iter()
            .find(|rung| rung.rung == name)
            .and_then(|rung| rung.figures.mean_wait_s)
            .unwrap()
    };
    assert!((mean("textbook") - 0.020).abs() < 1e-12);
    let judged: Vec<_> = records(&scenario, TERMS).into_iter().filter(|record| !record.warmup).collect();
    let span = judged.last().unwrap().due_s - judged[0].due_s;
    let (rate, service) =
        (4799.0 / span, judged.iter().filter_map(|job| job.service_s()).sum::<f64>() / 4800.0);
    let fitted = rate * service * service / (1.0 - rate * service);
    assert!((mean("fitted_rates") / fitted - 1.0).abs() < 1e-6, "{fitted}");
    // Services drawn anew from the same law: the mean of 200 sequences is near the formula's.
    assert!((mean("measured_arrivals") / fitted - 1.0).abs() < 0.15, "{}", mean("measured_arrivals"));
    // The services as measured hold their overshoot; nothing but the overheads is then missing.
    assert!(mean("measured_services") > comparison.metrics.as_ref().unwrap().mean_wait_s.ideal);
    assert!((mean("dispatch") - mean("observed")).abs() < 1e-6, "the recursion explains its own run");
    assert!((mean("observed") - comparison.metrics.as_ref().unwrap().mean_wait_s.observed).abs() < 1e-12);
}

#[test]
fn without_a_calibration_the_first_third_is_fitted_and_the_rest_judged() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    predicted(folder.path(), &scenario, None);
    observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let pair = Pair::latest(folder.path()).unwrap();
    assert_eq!((pair.source.clone(), pair.seen.len()), (TermsSource::FirstThird, 3200));
    let comparison = compare(&pair);
    assert!(comparison.calibration.fitted_on_this_run);
    assert!(comparison.metrics.as_ref().unwrap().mean_wait_s.relative_error.abs() < 1e-6);
}

#[test]
fn the_newest_pair_takes_the_calibrated_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    predicted(folder.path(), &scenario, None);
    predicted(folder.path(), &scenario.clone().with_seed(1), Some(&calibration(&scenario, TERMS, 0.01)));
    observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let pair = Pair::latest(folder.path()).unwrap();
    assert!(matches!(pair.source, TermsSource::Calibration { .. }));
    assert_eq!(pair.seen.len(), 4800);
}

#[test]
fn an_interrupted_run_hides_no_complete_one() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let interrupted = observed(folder.path(), &scenario, &[], RunVerdict::Valid);
    let manifest = interrupted.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"complete\"", "\"interrupted\"")).unwrap();
    std::fs::remove_file(interrupted.join("jobs.csv")).unwrap();
    let pair = Pair::latest(folder.path()).unwrap();
    assert_eq!(pair.seen.len(), 3200);
    assert!(pair.warnings.iter().any(|warning| warning.contains("passed over")), "{:?}", pair.warnings);
}

#[test]
fn rows_of_another_version_are_used_and_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let shifted: Vec<_> = records(&scenario, more_turnaround(1.5));
    let mut table = sim::run_folder::JobsWriter::create(&sim.join("jobs.csv")).unwrap();
    shifted.iter().for_each(|record| table.append(record).unwrap());
    table.flush().unwrap();
    let pair = Pair::open(&sim, &live).unwrap();
    assert!(pair.warnings.iter().any(|warning| warning.contains("another version")), "{:?}", pair.warnings);
    assert!(
        compare(&pair).metrics.unwrap().mean_wait_s.relative_error < -0.05,
        "the rows as written are judged"
    );
}

#[test]
fn a_folder_whose_scenario_was_edited_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let file = live.join("scenario.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("rate = 160.0", "rate = 150.0");
    std::fs::write(&file, text).unwrap();
    let error = Pair::latest(folder.path()).err().expect("the hash is another").to_string();
    assert!(error.contains("scenario.toml") && error.contains("hash"), "{error}");

    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let manifest = live.join("manifest.json");
    let seed = format!("\"seed\": {}", scenario.run().seed());
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(text.contains(&seed));
    std::fs::write(&manifest, text.replace(&seed, "\"seed\": 7")).unwrap();
    let error = sim::run_folder::Run::open(&live).unwrap_err().to_string();
    assert!(error.contains("scenario.toml") && error.contains("its seed is another"), "{error}");

    std::fs::remove_file(live.join("scenario.toml")).unwrap();
    let error = sim::run_folder::Run::open(&live).unwrap_err().to_string();
    assert_eq!(error.matches("scenario.toml").count(), 1, "{error}");
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let calibrated = calibration(&scenario, TERMS, 0.01);
    let sim = predicted(folder.path(), &scenario, Some(&calibrated));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), RunVerdict::Valid);
    let open = |sim, live| Pair::open(sim, live).err().expect("they do not belong together");
    assert!(matches!(open(&live, &sim), PairError::WrongSource { .. }));

    let other_rate = predicted(folder.path(), &scenario.clone().with_rate(150.0), None);
    assert!(matches!(open(&other_rate, &live), PairError::DifferentScenarios { .. }));

    let mut quorum = calibrated.clone();
    quorum.queue_type = "quorum".into();
    let quorum = predicted(folder.path(), &scenario, Some(&quorum));
    assert!(matches!(open(&quorum, &live), PairError::OtherSetUp { .. }));

    let mut later = calibrated;
    later.made = "2026-01-01T12:02:00Z".into();
    let later = predicted(folder.path(), &scenario, Some(&later));
    assert!(matches!(open(&later, &live), PairError::Hindsight { .. }));
    assert!(matches!(
        Pair::latest(&folder.path().join("empty")).err(),
        Some(PairError::NothingObserved { .. })
    ));
}

#[test]
fn hosts_whose_clocks_are_known_worse_than_the_margin_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let records = records(&scenario, TERMS);
    let exact = observed(folder.path(), &scenario, &records, RunVerdict::Valid);
    let margin_s = 0.05 * compare(&Pair::open(&sim, &exact).unwrap()).metrics.unwrap().mean_wait_s.predicted;
    for (share, is_compared) in [(0.9, true), (1.1, false)] {
        let live = observed_across_hosts(folder.path(), &scenario, &records, share * margin_s);
        match Pair::open(&sim, &live) {
            Ok(_) => assert!(is_compared, "known to {share} of the margin"),
            Err(error) => assert!(!is_compared && matches!(error, PairError::Clocks { .. }), "{error}"),
        }
    }
}
