//! What the charts promise, held against simulated runs.

use sim::engine::trajectory;
use sim::model::{JobRecord, Outcome, Scenario, Shape, Terms};
use sim::normal;
use sim::sampling::{Purpose, Sampler, Stream};

use super::cusum::Cusum;
use super::ewma::Ewma;
use super::g_chart::GChart;
use super::run_length::RunLength;
use super::*;

const TERMS: Terms = Terms { idle_path_s: 0.7e-3, turnaround_s: 0.4e-3, hand_over_s: 0.0, overshoot_s: 0.0 };

/// P(N ≤ t) of 4,000 charts, held against theory at some t.
fn assert_run_length(law: &RunLength, mut next: impl FnMut(&mut Stream) -> u64) {
    let mut stream = Stream::new(8, 0, Purpose::Resampling);
    let runs: Vec<u64> = (0..4_000).map(|_| next(&mut stream)).collect();
    for p in [0.1, 0.5, 0.95] {
        let t = law.quantile(p);
        let (expected, count) = (law.probability_within(t as f64), runs.len() as f64);
        let found = runs.iter().filter(|run| **run <= t).count() as f64 / count;
        let error = (expected * (1.0 - expected) / count).sqrt();
        assert!((found - expected).abs() < 3.5 * error && error < 0.01, "{t}: {found}, {expected}");
    }
}

#[test]
fn the_run_length_of_a_cusum_matches_theory() {
    for (shift, limit) in [(0.0, 3.0), (1.0, 8.0), (2.0, 8.0)] {
        let chart = Cusum { allowance: 0.5, limit };
        assert_run_length(&chart.run_length(shift), |stream| {
            let (mut sum, mut points) = (0.0, 0);
            while sum <= limit {
                sum = chart.next(sum, shift + normal::quantile(stream.uniform()));
                points += 1;
            }
            points
        });
    }
}

#[test]
fn the_run_length_of_an_ewma_matches_theory() {
    for (shift, limit) in [(0.0, 2.0), (1.0, 4.0)] {
        let chart = Ewma { weight: 0.1, limit };
        assert_run_length(&chart.run_length(shift), |stream| {
            let (mut average, mut points) = (0.0_f64, 0);
            while average <= chart.end() {
                average = chart.next(average, shift + normal::quantile(stream.uniform()));
                points += 1;
            }
            points
        });
        assert_run_length(&chart.run_length_two_sided(shift), |stream| {
            let (mut average, mut points) = (0.0_f64, 0);
            while average.abs() <= chart.end() {
                average = 0.9 * average + 0.1 * (shift + normal::quantile(stream.uniform()));
                points += 1;
            }
            points
        });
    }
}

// Half the mean run of one: the two are not quite independent, and that is not seen.
#[test]
fn two_one_sided_averages_alarm_as_often_as_declared() {
    let chart = Ewma::with_mean_run(500.0);
    let mut stream = Stream::new(9, 0, Purpose::Resampling);
    let mut run = || {
        let (mut averages, mut points) = ([0.0_f64; 2], 0);
        while averages.iter().all(|average| *average <= chart.end()) {
            let score = normal::quantile(stream.uniform());
            averages = [chart.next(averages[0], score), chart.next(averages[1], -score)];
            points += 1;
        }
        f64::from(points)
    };
    let found = sim::output::Estimate::of(&(0..4_000).map(|_| run()).collect::<Vec<_>>());
    assert!((found.estimate - 500.0).abs() < 2.0 * found.half_width, "{found:?}");
    assert!(found.half_width < 20.0, "{found:?}");
}

#[test]
fn declared_run_lengths_are_kept() {
    for points in [1e3, 1e5, 1e7] {
        let (ewma, cusum) = (Ewma::with_mean_run(points), Cusum::with_mean_run(points));
        assert!((ewma.run_length(0.0).mean() / (2.0 * points) - 1.0).abs() < 1e-6, "{ewma:?}");
        assert!((cusum.run_length(0.0).mean() / (2.0 * points) - 1.0).abs() < 1e-6, "{cusum:?}");
        for rate in [1e-4, 1e-2, 0.2] {
            let chart = GChart::with_mean_run(rate, points, BURST.max(2.0 * rate));
            assert!(chart.mean_run(rate) >= 0.999 * points && chart.within >= chart.gaps, "{chart:?}");
        }
    }
}

#[test]
fn the_gaps_of_failures_match_theory() {
    let chart = GChart::with_mean_run(0.05, 1e4, BURST);
    assert!(chart.gaps > 1, "{chart:?}");
    let mut stream = Stream::new(3, 0, Purpose::Resampling);
    // Jobs to a signal at a failure rate, from a failure on, or from none for a long time.
    let mut run = |rate: f64, has_failed: bool| {
        let (mut jobs, mut gap, mut failures) = match has_failed {
            true => (0_u64, 0, 0),
            false => (0, chart.within, chart.gaps - 1),
        };
        loop {
            (jobs, gap) = (jobs + 1, gap + 1);
            if stream.uniform() < rate {
                failures += 1;
                if failures == chart.gaps {
                    if gap <= chart.within {
                        return jobs;
                    }
                    (gap, failures) = (0, 0);
                }
            }
        }
    };
    let runs: Vec<f64> = (0..1_500).map(|_| run(0.05, true) as f64).collect();
    let found = sim::output::Estimate::of(&runs);
    let expected = chart.mean_run(0.05);
    assert!((found.estimate - expected).abs() < 1.8 * found.half_width, "{found:?}, {expected}");
    assert!(found.half_width < 0.06 * expected);
    let within = chart.quantile(0.5, 0.95);
    let seen = (0..4_000).filter(|_| run(0.5, false) <= within).count() as f64 / 4_000.0;
    let before = (0..4_000).filter(|_| run(0.5, false) < within).count() as f64 / 4_000.0;
    assert!(seen > 0.939 && before < 0.961, "{within}: {seen}, {before}");
}

/// What happens to a job beyond the recursion, s: to its start, and to its service.
type Trouble<'t> = dyn FnMut(u64, &mut Stream) -> (f64, f64) + 't;

/// Jobs of one consumer at prefetch 1.
fn records(scenario: &Scenario, trouble: &mut Trouble<'_>) -> Vec<JobRecord> {
    let mut stream = Stream::new(scenario.run().seed(), 1, Purpose::Overheads);
    let (mut records, mut done_s) = (trajectory(scenario, Terms::IDEAL), f64::NEG_INFINITY);
    for record in &mut records {
        let (late_s, longer_s) = trouble(record.job, &mut stream);
        let ready_s = (record.due_s + TERMS.idle_path_s).max(done_s + TERMS.turnaround_s);
        let start_s = ready_s + late_s;
        done_s = start_s + record.demand_s + longer_s;
        (record.sent_s, record.delivered_s) = (Some(record.due_s), Some(ready_s));
        (record.start_s, record.done_s) = (Some(start_s), Some(done_s));
        (record.outcome, record.attempts) = (Outcome::Served, 1);
    }
    records
}

fn scenario(seed: u64, jobs: u64) -> Scenario {
    let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap();
    scenario.with_seed(seed).with_drive(jobs, 100)
}

fn watched(options: Options, seed: u64, records: Vec<JobRecord>) -> Control {
    let mut watch = Watch::new(options.checked().unwrap(), 1, seed);
    records.iter().for_each(|record| _ = watch.push(record));
    watch.finish().unwrap()
}

/// Overheads with a heavy tail, as real ones have.
fn heavy() -> impl FnMut(u64, &mut Stream) -> (f64, f64) {
    let late = Sampler::new(Shape::Pareto { tail: 1.5 }, 50e-6);
    let longer = Sampler::new(Shape::Lognormal { scv: 9.0 }, 20e-6);
    move |_, stream| (late.sample(stream), longer.sample(stream))
}

/// Charts of a run whose services slow down in its last third.
pub fn sample() -> Control {
    let slower = &mut |job: u64, stream: &mut Stream| {
        (1e-5 * stream.uniform(), 1e-5 * stream.uniform() + if job < 1_100 { 0.0 } else { 1e-5 })
    };
    watched(STRICT, 1, records(&scenario(1, 1_500), slower))
}

const STRICT: Options =
    Options { phase_one_jobs: 500, mean_run_jobs: 2_000.0, tolerance_s: 0.0, failure_rate: None };

#[test]
fn runs_in_control_signal_at_the_nominal_rate_whatever_the_law_of_overheads() {
    let (runs, mut alarms, mut nominal) = (250_u64, [0.0; 4], [0.0; 4]);
    for seed in 0..runs {
        let found = watched(STRICT, seed, records(&scenario(seed, 1_500), &mut heavy()));
        for (n, chart) in found.charts[..4].iter().enumerate() {
            alarms[n] += f64::from(u8::from(chart.signals > 0));
            let points = found.jobs as f64 / chart.jobs_a_point as f64;
            // Of the whole law: a run begins at zero, and its first points cannot signal.
            nominal[n] += Design::of(STRICT.mean_run_jobs / chart.jobs_a_point as f64)
                .probability_within(chart.method, points);
        }
    }
    for (alarms, nominal) in alarms.iter().zip(nominal) {
        let (found, expected) = (alarms / runs as f64, nominal / runs as f64);
        let error = (expected * (1.0 - expected) / runs as f64).sqrt();
        assert!((found - expected).abs() < 3.0 * error && error < 0.035, "{found} and {expected}");
    }
}

#[test]
fn drift_within_the_tolerance_raises_no_more_alarms_than_none() {
    let tolerant = Options { tolerance_s: 40e-6, ..STRICT };
    let drifting = |job: u64, stream: &mut Stream| {
        let drift_s = if job / 700 % 2 == 1 { 35e-6 } else { 0.0 };
        (drift_s + 10e-6 * stream.uniform(), drift_s + 10e-6 * stream.uniform())
    };
    let signals = |options: Options| {
        let runs =
            (0..20).map(|seed| watched(options, seed, records(&scenario(seed, 1_500), &mut { drifting })));
        runs.filter(|found| !found.in_control).count()
    };
    assert_eq!((signals(tolerant), signals(STRICT)), (0, 20));
}

#[test]
fn a_shift_is_seen_within_the_jobs_that_are_shown() {
    assert_shift_is_seen(Options { phase_one_jobs: 4_000, mean_run_jobs: 1e5, ..STRICT }, 4_600);
    // Right after a phase I that tells little.
    assert_shift_is_seen(Options { phase_one_jobs: 1_000, mean_run_jobs: 1e4, ..STRICT }, 1_100);
    // With a tolerance that is many times the scatter; the shift comes on top of it.
    assert_shift_is_seen(
        Options { phase_one_jobs: 1_000, mean_run_jobs: 1e4, tolerance_s: 1e-4, ..STRICT },
        1_100,
    );
}

fn assert_shift_is_seen(options: Options, changed: u64) {
    let runs = 400;
    // Normal overheads that shift by so much more than is tolerated, of services, then of starts.
    let shift_s = options.tolerance_s + SHOWN * 10e-6;
    for (quantity, of_services) in [(Quantity::Services, 1.0), (Quantity::Residuals, 0.0)] {
        let (mut seen, mut told) = ([0.0; 2], [0.0; 2]);
        for seed in 0..runs {
            let mut shifted = |job: u64, stream: &mut Stream| {
                let shift = if job >= changed { shift_s } else { 0.0 };
                let mut normal = || 1e-4 + 10e-6 * normal::quantile(stream.uniform());
                (normal() + shift * (1.0 - of_services), normal() + shift * of_services)
            };
            let found = watched(options, seed, records(&scenario(seed, changed + 400), &mut shifted));
            for (n, method) in [Method::Ewma, Method::Cusum].into_iter().enumerate() {
                let is_of = |chart: &&Chart| chart.quantity == quantity && chart.method == method;
                let Some(within) = found.charts.iter().find(is_of).unwrap().seen_within_jobs else {
                    continue;
                };
                told[n] += 1.0;
                let mut signals = found.signals.iter().filter(|signal| signal.quantity == quantity);
                let first = signals.find(|signal| signal.method == method && signal.job >= changed);
                seen[n] += f64::from(u8::from(first.is_some_and(|signal| signal.job - changed < within)));
            }
        }
        for (seen, told) in seen.into_iter().zip(told) {
            let error = (0.95_f64 * 0.05 / told).sqrt();
            // Some need batches by chance, and then phase I is too short.
            assert!(told > 0.9 * f64::from(runs as u32) && error < 0.021, "{quantity}: {told}");
            assert!(seen / told > 0.95 - 2.5 * error, "{quantity}: {seen} of {told}");
        }
    }
}

#[test]
fn a_burst_of_failures_is_seen_within_the_quantile_that_theory_gives() {
    let options = Options { phase_one_jobs: 500, mean_run_jobs: 1e5, ..STRICT };
    let (mut seen, runs) = (0, 200);
    for seed in 0..runs {
        let mut jobs = records(&scenario(seed, 1_500), &mut heavy());
        let mut stream = Stream::new(seed, 2, Purpose::Failures);
        for record in jobs.iter_mut().filter(|record| record.job >= 900) {
            if stream.uniform() < BURST {
                (record.outcome, record.attempts) = (Outcome::DeadLettered, 5);
            }
        }
        let found = watched(options, seed, jobs);
        let chart = found.charts.last().unwrap();
        let first = chart.first.filter(|first| first.job >= 900);
        seen += u32::from(first.is_some_and(|first| first.job - 900 < chart.seen_within_jobs.unwrap()));
        assert!(found.success_rate.failures > 30 && !found.success_rate.proves_99_99);
    }
    let (share, error) = (f64::from(seen) / runs as f64, (0.95_f64 * 0.05 / runs as f64).sqrt());
    assert!(share > 0.95 - 2.5 * error && error < 0.016, "{share}");
}

// Phase I has one failure in two hundred jobs, give or take some, and the limits must not rest on how many it happens to have.
#[test]
fn failures_that_go_on_as_before_signal_no_more_often_than_declared() {
    let options = Options { mean_run_jobs: 5_000.0, ..STRICT };
    let (runs, mut alarms, mut promised) = (300_u64, 0.0, 0.0);
    for seed in 0..runs {
        let mut jobs = records(&scenario(seed, 2_500), &mut |_, _| (0.0, 0.0));
        let mut stream = Stream::new(seed, 2, Purpose::Failures);
        jobs.iter_mut().filter(|_| stream.uniform() < 0.005).for_each(|record| record.attempts = 2);
        let found = watched(options, seed, jobs);
        let chart = found.charts.last().unwrap();
        alarms += chart.signals as f64;
        promised += found.jobs as f64 / chart.mean_run_jobs;
    }
    assert!(promised > 60.0 && alarms < promised, "{alarms} alarms, {promised} promised");
}

#[test]
fn failures_are_counted_from_the_first_of_those_that_lie_together() {
    let mut jobs = records(&scenario(1, 3_000), &mut |_, _| (0.0, 0.0));
    // Three gaps make a signal here, and the first failure begins them.
    for failed in [1_400, 1_406, 1_412, 1_418] {
        jobs[failed].attempts = 2;
    }
    let found = watched(Options { failure_rate: Some(5e-3), mean_run_jobs: 1e5, ..STRICT }, 1, jobs);
    let chart = found.charts.last().unwrap();
    let first = chart.first.unwrap();
    assert_eq!(chart.gaps, Some(3), "{chart:?}");
    assert_eq!((first.changed_job, first.job, first.jobs_since_change), (1_400, 1_418, 19), "{first:?}");
    assert!(first.says().contains("(4 in 19 jobs"), "{}", first.says());
}

// Twice as many failures as are usual: few gaps would hardly ever tell, and the chart takes as many as see that soonest.
#[test]
fn failures_that_double_are_seen_also_where_they_are_frequent() {
    let mut jobs = records(&scenario(1, 5_000), &mut |_, _| (0.0, 0.0));
    let mut stream = Stream::new(4, 2, Purpose::Failures);
    let fails = |job: u64| if job < 2_000 { 0.1 } else { 0.2 };
    jobs.iter_mut()
        .filter(|record| stream.uniform() < fails(record.job))
        .for_each(|record| record.attempts = 2);
    let found = watched(Options { failure_rate: Some(0.1), mean_run_jobs: 1e6, ..STRICT }, 1, jobs);
    let chart = found.charts.last().unwrap();
    let first = chart.first.unwrap();
    assert!(first.job > 2_000 && first.job - 2_000 < chart.seen_within_jobs.unwrap(), "{chart:?}");
    assert!(chart.seen_within_jobs < Some(1_000) && first.changed_job.abs_diff(2_000) < 150, "{chart:?}");
}

// Of jobs that are not served there are no values, and what is promised is jobs.
#[test]
fn a_shift_is_seen_within_the_jobs_that_are_shown_where_many_fail() {
    let options = Options { phase_one_jobs: 2_000, mean_run_jobs: 1e4, failure_rate: Some(0.45), ..STRICT };
    let (mut seen, runs) = (0.0, 200);
    for seed in 0..runs {
        let mut shifted = |job: u64, stream: &mut Stream| {
            (
                0.0,
                1e-4 + 1e-5 * normal::quantile(stream.uniform())
                    + if job < 2_100 { 0.0 } else { SHOWN * 1e-5 },
            )
        };
        let mut jobs = records(&scenario(seed, 2_600), &mut shifted);
        let mut stream = Stream::new(seed, 2, Purpose::Failures);
        for record in jobs.iter_mut().filter(|_| stream.uniform() < 0.4) {
            (record.outcome, record.start_s, record.done_s) = (Outcome::DeadLettered, None, None);
        }
        let found = watched(options, seed, jobs);
        let chart = found.charts[1];
        assert_eq!((chart.quantity, chart.method), (Quantity::Services, Method::Cusum));
        let within = chart.seen_within_jobs.unwrap();
        let mut of_chart = found.signals.iter().filter(|signal| signal.quantity == Quantity::Services);
        let first = of_chart.find(|signal| signal.method == Method::Cusum && signal.job >= 2_100);
        seen += f64::from(u8::from(first.is_some_and(|signal| signal.job - 2_100 < within)));
    }
    let (share, error) = (seen / runs as f64, (0.95_f64 * 0.05 / runs as f64).sqrt());
    assert!(share > 0.95 - 2.5 * error && error < 0.016, "{share}");
}

#[test]
fn so_few_jobs_that_no_chart_could_signal_are_not_in_control() {
    let found = watched(STRICT, 1, records(&scenario(1, 501), &mut heavy()));
    assert!(!found.in_control && found.says.contains("came after phase I"), "{}", found.says);
}

#[test]
fn a_run_of_which_nothing_is_charted_is_not_in_control() {
    let failed = |from: u64| {
        let mut jobs = records(&scenario(1, 1_500), &mut heavy());
        for record in jobs.iter_mut().filter(|record| record.job >= from) {
            (record.outcome, record.start_s, record.done_s) = (Outcome::DeadLettered, None, None);
        }
        watched(STRICT, 1, jobs)
    };
    let all = failed(0);
    assert!(!all.in_control && all.signals.is_empty() && all.untold.is_some(), "{}", all.says);
    assert!(all.says.starts_with("not told whether it is in control"), "{}", all.says);
    let late = failed(700);
    assert!(!late.in_control && late.says.starts_with("out of control: jobs fail"), "{}", late.says);
}

#[test]
fn a_change_is_counted_from_its_first_job_to_that_of_the_signal() {
    let shift_s = 3e-6;
    let mut drifting = |job: u64, stream: &mut Stream| {
        (0.0, 1e-4 * stream.uniform() + if job < 700 { 0.0 } else { shift_s })
    };
    let found = watched(STRICT, 1, records(&scenario(1, 40_000), &mut drifting));
    let is_whole = |signal: &Signal| signal.jobs_since_change == signal.job - signal.changed_job + 1;
    assert!(!found.signals.is_empty());
    let services = found.signals.iter().filter(|signal| signal.quantity == Quantity::Services);
    for signal in services {
        assert!(is_whole(signal) && signal.is_beyond_demand, "{signal:?}");
        assert!(signal.says().starts_with("services exceed their demands by "), "{}", signal.says());
    }
}

#[test]
fn where_most_jobs_fail_there_is_no_chart_of_failures_and_a_warning() {
    let mut jobs = records(&scenario(1, 1_500), &mut heavy());
    jobs.iter_mut().filter(|record| record.job % 5 > 1).for_each(|record| record.attempts = 2);
    let found = watched(STRICT, 1, jobs.clone());
    assert!(found.charts.iter().all(|chart| chart.quantity != Quantity::Failures));
    assert!(
        found.warnings.iter().any(|warning| warning.contains("no chart of failures")),
        "{:?}",
        found.warnings
    );
    // What is declared needs no phase I.
    let found = watched(Options { failure_rate: Some(1e-3), ..STRICT }, 1, jobs);
    let chart = found.charts.last().unwrap();
    assert!(chart.quantity == Quantity::Failures && chart.signals > 100, "{chart:?}");
}

// Charts of sojourns, as many a dashboard has them: the moving range of neighbours, which wait together, is far too small.
#[test]
fn a_chart_of_single_sojourns_flags_most_of_a_queue_in_control() {
    for (utilization, expected) in [(0.5, 0.10), (0.8, 0.58), (0.9, 0.81)] {
        let service = 0.005 * utilization / 0.8;
        let text = sim::scenario_file::DEFAULT.replace("0.005", &service.to_string());
        let scenario = sim::scenario_file::parse(&text, "default").unwrap().with_drive(300_000, 10_000);
        let sojourns: Vec<f64> = trajectory(&scenario, Terms::IDEAL)
            .iter()
            .skip(10_000)
            .filter_map(JobRecord::sojourn_s)
            .collect();
        let ranges = sojourns.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let range = ranges.sum::<f64>() / (sojourns.len() - 1) as f64;
        let mean = crate::statistics::mean(&sojourns);
        let flagged =
            sojourns.iter().filter(|sojourn| (**sojourn - mean).abs() > 3.0 * range / 1.128).count();
        let share = flagged as f64 / sojourns.len() as f64;
        assert!((share - expected).abs() < 0.04, "ρ = {utilization}: {share}");
    }
}
