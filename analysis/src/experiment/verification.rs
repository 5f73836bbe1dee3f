//! Size and power of every way to compare two arms, at honest numbers of jobs.

use sim::model::{Arm, Experiment, Shape};
use sim::sampling::{Arms, Purpose, Sampler, Stream};

use super::*;
use crate::statistics::{Test, mean};

const ALPHA: f64 = 0.05;

/// Values of both arms: exponential, B shorter by so much.
fn draw(of_each: usize, reduction: f64, stream: &mut Stream) -> [Vec<f64>; 2] {
    let sampler = Sampler::new(Shape::Exponential {}, 1.0);
    [1.0, 1.0 - reduction].map(|factor| (0..of_each).map(|_| factor * sampler.sample(stream)).collect())
}

/// Share of experiments whose p-value is below α.
fn found(times: u32, of_each: usize, reduction: f64, p_value: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    let mut stream = Stream::new(20_261_126, 0, Purpose::Resampling);
    let finds = |_: &u32| {
        let [a, b] = draw(of_each, reduction, &mut stream);
        p_value(&a, &b) < ALPHA
    };
    f64::from((0..times).filter(finds).count() as u32) / f64::from(times)
}

fn assert_rate(name: &str, rate: f64, expected: f64, times: u32) {
    let error = (expected * (1.0 - expected) / f64::from(times)).sqrt();
    assert!(error < 0.01 && (rate - expected).abs() < 3.0 * error, "{name}: {rate} for {expected} ± {error}");
}

#[test]
fn nothing_is_found_in_five_of_a_hundred_experiments_without_a_difference() {
    assert_rate("ratio", found(4_000, 500, 0.0, |a, b| ratio(a, b, ALPHA).p_value), ALPHA, 4_000);
    assert_rate("Welch", found(4_000, 500, 0.0, |a, b| welch(a, b).p_value), ALPHA, 4_000);
    assert_rate("ranks", found(4_000, 500, 0.0, |a, b| mann_whitney(a, b).test.p_value), ALPHA, 4_000);
}

#[test]
fn the_planned_number_of_jobs_has_the_planned_power() {
    let design = Design { reduction: 0.12, alpha: ALPHA, power: 0.8, scv: 1.0, share: 0.5 };
    let plan = design.plan();
    let power =
        |of_each: f64, p_value: fn(&[f64], &[f64]) -> f64| found(2_000, of_each as usize, 0.12, p_value);
    let logarithms = |a: &[f64], b: &[f64]| {
        let [a, b] = [a, b].map(|arm| arm.iter().map(|value| value.ln()).collect::<Vec<_>>());
        welch(&a, &b).p_value
    };
    assert_rate("ratio", power(plan.ratio_of_means, |a, b| ratio(a, b, ALPHA).p_value), 0.8, 2_000);
    assert_rate("Welch", power(plan.welch, |a, b| welch(a, b).p_value), 0.8, 2_000);
    assert_rate("logarithms", power(plan.logarithms_if_exponential, logarithms), 0.8, 2_000);
    let ranks = power(plan.mann_whitney_if_exponential, |a, b| mann_whitney(a, b).test.p_value);
    assert_rate("ranks", ranks, 0.8, 2_000);
}

#[test]
fn intervals_of_quantile_effects_hold_what_is_true() {
    let mut stream = Stream::new(5, 0, Purpose::Resampling);
    let (times, mut held) = (1_500_u32, [0.0; 3]);
    for _ in 0..times {
        let [a, b] = draw(2_000, 0.12, &mut stream);
        let effects = quantile_effects(&a, &b, 0.10);
        assert_eq!(effects.len(), 3);
        for (held, effect) in held.iter_mut().zip(&effects) {
            let truth = 0.12 * (1.0 - effect.probability).ln();
            *held += f64::from(u8::from(effect.low_s <= truth && truth <= effect.high_s));
        }
    }
    for held in held {
        assert_rate("quantile", held / f64::from(times), 0.90, times);
    }
}

#[test]
fn a_quantile_without_longer_values_beyond_it_is_left_out() {
    let values: Vec<f64> = (0..200).map(f64::from).collect();
    let shown: Vec<f64> =
        quantile_effects(&values, &values, 0.05).iter().map(|effect| effect.probability).collect();
    assert_eq!(shown, [0.5, 0.9]);
}

#[test]
fn a_covariate_takes_away_what_it_explains_and_moves_nothing() {
    let (mut stream, sampler) =
        (Stream::new(6, 0, Purpose::Resampling), Sampler::new(Shape::Exponential {}, 1.0));
    let (mut estimates, mut reductions, mut held) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..1_500 {
        // Half of the variance of Y is that of X.
        let mut arm = |factor: f64| -> (Vec<f64>, Vec<f64>) {
            (0..400)
                .map(|_| {
                    let x = sampler.sample(&mut stream);
                    (x, factor * (x + sampler.sample(&mut stream)))
                })
                .unzip()
        };
        let ((x_a, y_a), (x_b, y_b)) = (arm(1.0), arm(0.9));
        let found = adjust(&[x_a, x_b], &[y_a, y_b], 0.10);
        estimates.push(found.ratio.estimate);
        reductions.push(found.variance_reduction);
        held += f64::from(u8::from(found.ratio.low <= 0.9 && 0.9 <= found.ratio.high));
    }
    let (center, variance) = moments(&estimates);
    assert!((center - 0.9).abs() < 3.0 * (variance / 1_500.0).sqrt() + 2e-4, "{center}");
    assert!((mean(&reductions) - 0.5).abs() < 0.01, "{}", mean(&reductions));
    assert_rate("adjusted", held / 1_500.0, 0.90, 1_500);
    // The plain ratio of the same data has twice the variance: 2·0.5·0.81/400.
    let plain = 0.9_f64.powi(2) * 2.0 * 0.5 / 400.0;
    assert!((variance / (0.5 * plain) - 1.0).abs() < 0.12, "{variance} for {}", 0.5 * plain);
}

/// Experiments without an effect by the ratio of means, half of the values B, 1,000 times.
fn by_ratio(values: &[f64], stretch: usize, times: u32, seed: u64) -> Calibration {
    by_ratio_with(values, Shuffle { times, share: 0.5, stretch, seed })
}

fn by_ratio_with(values: &[f64], shuffle: Shuffle) -> Calibration {
    calibrate(values, shuffle, ALPHA, |is_b| {
        let [a, b] = sample::split(values, is_b);
        ratio(&a, &b, ALPHA).p_value
    })
}

// A hundred and twenty heavy-tailed services beside four thousand: the normal approximation is not good enough there, and good
// enough between halves.
#[test]
fn arms_are_re_randomised_in_the_sizes_that_they_have() {
    let mut stream = Stream::new(11, 0, Purpose::Resampling);
    let sampler = Sampler::new(Shape::Hyperexponential { scv: 10.0 }, 1.0);
    let values: Vec<f64> = (0..4_000).map(|_| sampler.sample(&mut stream)).collect();
    let of = |share| by_ratio_with(&values, Shuffle { times: 1_000, share, stretch: 1, seed: 3 });
    assert!(of(0.5).holds(ALPHA), "{:?}", of(0.5));
    assert!(!of(0.03).holds(ALPHA), "{:?}", of(0.03));
}

#[test]
fn the_band_of_a_picture_leaves_zero_out_in_alpha_of_experiments_without_an_effect() {
    let mut stream = Stream::new(13, 0, Purpose::Resampling);
    let times = 2_000;
    let leaves = |_: &u32| {
        let [a, b] = draw(400, 0.0, &mut stream).map(sim::output::sorted);
        let mut effects = (1..100).filter_map(|n| quantile_effect::band(&a, &b, f64::from(n) / 100.0, ALPHA));
        effects.any(|effect| effect.low_s > 0.0 || effect.high_s < 0.0)
    };
    let rate = f64::from((0..times).filter(leaves).count() as u32) / f64::from(times);
    // The limit errs a little on the safe side, and so does a grid.
    assert!((0.02..=0.05 + 3.0 * (0.05 * 0.95 / 2_000.0_f64).sqrt()).contains(&rate), "{rate}");
}

fn peeked(reduction: f64, times: u32, of_each: usize) -> Vec<Peeking> {
    let mut stream = Stream::new(8, 0, Purpose::Resampling);
    let numbered = |arm: Vec<f64>| (0..).zip(arm).collect::<Vec<(u64, f64)>>();
    let one = |_| {
        let [a, b] = draw(of_each, reduction, &mut stream).map(numbered);
        peek(&a, &b, 0.1, ALPHA)
    };
    (0..times).map(one).collect()
}

#[test]
fn who_looks_after_every_job_is_not_fooled_more_often_than_alpha() {
    let fooled =
        peeked(0.0, 1_000, 5_000).iter().filter(|found| found.p_value < ALPHA).count() as f64 / 1_000.0;
    assert!(fooled <= ALPHA + 2.0 * (ALPHA * (1.0 - ALPHA) / 1_000.0_f64).sqrt(), "{fooled}");
    // The negative fixture: a test for one look, taken after every hundred pairs, is.
    let mut stream = Stream::new(9, 0, Purpose::Resampling);
    let naive = |_: &u32| {
        let [a, b] = draw(5_000, 0.0, &mut stream);
        (1..=50).any(|look| welch(&a[..100 * look], &b[..100 * look]).p_value < ALPHA)
    };
    let naive = f64::from((0..400).filter(naive).count() as u32) / 400.0;
    assert!(naive > 0.25, "{naive}");
}

#[test]
fn who_looks_after_every_job_finds_what_is_there() {
    let found = peeked(0.12, 300, 5_000);
    let decided: Vec<f64> =
        found.iter().filter_map(|found| Some(found.decided_after_pairs? as f64)).collect();
    assert!(decided.len() > 290, "{}", decided.len());
    // One look with 80 % power takes 960 of each; to look all the time takes less than twice that on average.
    assert!(mean(&decided) < 1_920.0, "{}", mean(&decided));
}

#[test]
fn re_randomised_values_have_uniform_p_values_and_dependent_ones_in_stretches_have_not() {
    let mut stream = Stream::new(10, 0, Purpose::Resampling);
    let [services, _] = draw(4_000, 0.0, &mut stream);
    for stretch in [1, 10] {
        let found = by_ratio(&services, stretch, 1_000, 3);
        assert!(found.holds(0.05), "{stretch}: {found:?}");
    }
    // Twenty stretches of ten have findings other than 5 % by chance, and are not called dependent for that.
    let doubted = (0..300).filter(|seed| {
        let [services, _] = draw(200, 0.0, &mut stream);
        !by_ratio(&services, 10, 20, *seed).holds(0.05)
    });
    let doubted = doubted.count();
    assert!(doubted <= 3, "{doubted}");
    // Sojourns at a utilization of 0.8.
    let mut queue = sim::engine::Recursion::new(1, sim::model::Terms::IDEAL);
    let gaps = Sampler::new(Shape::Exponential {}, 1.25);
    let mut due = 0.0;
    let sojourns: Vec<f64> = services
        .iter()
        .map(|service| {
            due += gaps.sample(&mut stream);
            queue.serve(due, *service).done_s - due
        })
        .collect();
    let found = by_ratio(&sojourns, 10, 1_000, 3);
    assert!(found.rejected > 0.4 && !found.holds(0.05), "{found:?}");
    assert!(found.dependence.is_some_and(|dependence| dependence.inflation > 4.0), "{found:?}");
}

// B's jobs are 0.88 times as long, each of them: what they demand explains nearly everything, with a slope for each arm.
#[test]
fn an_effect_in_proportion_is_explained_by_a_slope_for_each_arm() {
    let (mut stream, sampler) =
        (Stream::new(12, 0, Purpose::Resampling), Sampler::new(Shape::Exponential {}, 1.0));
    let noise = Sampler::new(Shape::Exponential {}, 0.01);
    let (mut held, mut widths) = (0.0, Vec::new());
    for _ in 0..1_000 {
        let mut arm = |factor: f64| -> (Vec<f64>, Vec<f64>) {
            (0..200)
                .map(|_| {
                    let x = sampler.sample(&mut stream);
                    (x, factor * x + noise.sample(&mut stream))
                })
                .unzip()
        };
        let ((x_a, y_a), (x_b, y_b)) = (arm(1.0), arm(0.88));
        let found = adjust(&[x_a, x_b], &[y_a, y_b], 0.10);
        let truth = 0.89 / 1.01;
        held += f64::from(u8::from(found.ratio.low <= truth && truth <= found.ratio.high));
        widths.push(found.ratio.high - found.ratio.low);
    }
    assert_rate("slopes", held / 1_000.0, 0.90, 1_000);
    // 1.645·√(2·0.01²/200), and hardly more: with one slope it was several times that.
    assert!((mean(&widths) / (2.0 * 1.645 * 0.001) - 1.0).abs() < 0.15, "{}", mean(&widths));
}

// Half of B is lost, and it is the half that demands most: what B would have been there is told by a slope, which is known the less
// the farther that is from what is left.
#[test]
fn an_arm_that_loses_its_long_jobs_is_found_no_more_often_than_alpha() {
    let (mut stream, sampler) =
        (Stream::new(14, 0, Purpose::Resampling), Sampler::new(Shape::Exponential {}, 1.0));
    let noise = Sampler::new(Shape::Exponential {}, 0.1);
    let mut arm = || -> Vec<(f64, f64)> {
        let mut jobs: Vec<(f64, f64)> = (0..1_000)
            .map(|_| {
                let x = sampler.sample(&mut stream);
                (x, x + noise.sample(&mut stream))
            })
            .collect();
        jobs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        jobs
    };
    let finds = |_: &u32| {
        let (a, mut b) = (arm(), arm());
        b.truncate(500);
        let ((x_a, y_a), (x_b, y_b)) = (a.into_iter().unzip(), b.into_iter().unzip());
        adjust(&[x_a, x_b], &[y_a, y_b], ALPHA).ratio.p_value < ALPHA
    };
    let rate = f64::from((0..2_000).filter(finds).count() as u32) / 2_000.0;
    assert_rate("lost", rate, ALPHA, 2_000);
}

// One pause among four thousand services decides where it falls, and the test finds too seldom, which is safe.
#[test]
fn outliers_make_a_test_find_too_seldom() {
    let mut stream = Stream::new(15, 0, Purpose::Resampling);
    let mut values: Vec<f64> = (0..4_000).map(|_| 1.0 + 1e-3 * stream.uniform()).collect();
    values[1_234] = 100.0;
    let found = by_ratio(&values, 1, 1_000, 3);
    assert!(found.is_safe(ALPHA) && !found.holds(ALPHA), "{found:?}");
}

#[test]
fn hashed_arms_of_equal_services_differ_by_chance_alone() {
    let sampler = Sampler::new(Shape::Exponential {}, 1.0);
    let rejects = |seed: &u64| {
        let arms = Arms::new(Experiment::new(0.5, 0.88).unwrap(), *seed, 0);
        let mut stream = Stream::new(*seed, 0, Purpose::Services);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for job in 0..600 {
            let of_arm = if arms.of(job) == Arm::B { &mut b } else { &mut a };
            of_arm.push(sampler.sample(&mut stream));
        }
        ratio(&a, &b, ALPHA).p_value < ALPHA
    };
    let rate = f64::from((0..4_000).filter(rejects).count() as u32) / 4_000.0;
    assert_rate("hashed", rate, ALPHA, 4_000);
}

#[test]
fn a_test_says_nothing_of_nothing() {
    assert!(by_ratio(&[2.5e-3; 2_003], 1, 100, 1).holds(ALPHA));
    assert_eq!(welch(&[1.0; 60], &[1.0; 60]), Test { statistic: 0.0, p_value: 1.0 });
}
