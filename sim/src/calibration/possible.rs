//! What a calibration leaves possible.

use super::{Measured, MeasuredTerms};
use crate::model::{Overhead, Overheads};
use crate::normal;

/// How much the overheads of a run differ from those of a calibration before it that says nothing of it, relative to
/// them (a standard deviation). Measured; docs/methodology.md has how.
const MOVEMENT: f64 = 0.17;
/// What a calibration shows of its own movement counts so many times as much as [`MOVEMENT`].
const SHOWN: f64 = 2.0;
/// Fewest jobs of a term that shows it.
const FEWEST: u64 = 100;

/// Steps of the recurrences, found by search: at 48 to 256 points no two dimensions are correlated by more than a tenth.
const STEPS: [f64; 5] =
    [0.142_912_566_371, 0.244_709_424_778, 0.836_203_141_593, 0.826_712_566_371, 0.212_006_283_185];
/// And that of the mean service.
const SERVICES: f64 = 0.969_594_808_369;

/// The overheads that a calibration leaves possible for a run after it, evenly spread over their law: the mean of each
/// term is normal around the measured one, not below zero, and its single values are in proportion to it.
///
/// ```text
/// mean = m·(1 + v·u) + e·z      m: measured mean     e: its standard error     v: movement
///                               u: standard normal, one for all terms     z: one for each
/// ```
///
/// Predicting with each of them gives the law of the prediction, saturation's amplification and its skewness included.
/// The points are a Latin hypercube: each dimension takes every stratum of its law once, and which of them go together
/// is the order of an additive recurrence, which fills space evenly. Quantiles of a prediction are known with a few
/// dozen of them, where random draws would need hundreds.
///
/// # References
/// McKay, Beckman & Conover 1979, *Technometrics* 21.
pub fn possible(terms: &MeasuredTerms, points: u32) -> Vec<Overheads> {
    spread(terms, points, movement(terms))
}

/// How much the overheads of a run differ from those of the calibration before it, relative to them (a standard
/// deviation): what the machine, the broker and its disk do differently half a minute later. It is common to all terms,
/// which share their legs.
///
/// The calibration shows it by how much the means of its batches vary beyond what its single values explain: if noise
/// has the same power in every octave, as that of machines has, the means of a stretch and of the next one as long
/// differ by about as much as those of its twentieths. A calibration is short, so this is half a guess, and drawn to what was
/// seen over many runs. Of the idle path and the turnaround the steadier one tells: what only one of them shows is its
/// own, such as a single pause.
fn movement(terms: &MeasuredTerms) -> f64 {
    let shows = [&terms.idle_path, &terms.turnaround].into_iter().filter(|term| term.jobs >= FEWEST);
    let shown = shows.map(|term| term.excess_variance() / term.mean_s.powi(2)).reduce(f64::min);
    shown
        .filter(|shown| shown.is_finite())
        .map_or(MOVEMENT, |shown| ((SHOWN * shown.max(0.0) + MOVEMENT.powi(2)) / (SHOWN + 1.0)).sqrt())
}

/// By which factors the mean service may differ from the measured one, of which the relative standard error is known: normal,
/// one for each of as many points as [`possible`] has, and independent of what they are.
pub fn possible_services(relative_error: f64, points: u32) -> Vec<f64> {
    let strata = strata(points, SERVICES);
    let factor = |stratum: f64| 1.0 + relative_error * normal::quantile((stratum + 0.5) / f64::from(points));
    // A service takes some time, however little is known of it.
    strata.into_iter().map(|stratum| factor(stratum).max(0.01)).collect()
}

/// As [`possible`], with another movement: 0 for what the measurement alone leaves possible.
pub(super) fn spread(terms: &MeasuredTerms, points: u32, movement: f64) -> Vec<Overheads> {
    let strata = STEPS.map(|step| strata(points, step));
    let normal = |point: u32, dimension: usize| {
        normal::quantile((strata[dimension][point as usize] + 0.5) / f64::from(points))
    };
    let draw = |point| {
        let moved = 1.0 + movement * normal(point, 4);
        let term = |dimension: usize, term: &Measured| {
            let mean_s = term.mean_s * moved + term.standard_error_s * normal(point, dimension);
            term.overhead().with_mean(mean_s.max(0.0))
        };
        Overheads {
            idle_path: term(0, &terms.idle_path),
            turnaround: term(1, &terms.turnaround),
            hand_over: terms
                .hand_over
                .as_ref()
                .map_or(Overhead::Constant(0.0), |hand_over| term(2, hand_over)),
            overshoot: term(3, &terms.overshoot),
        }
    };
    (0..points).map(draw).collect()
}

/// The stratum of each point, 0 to points − 1: the rank of its place in the recurrence.
fn strata(points: u32, step: f64) -> Vec<f64> {
    let place = |point: &u32| (f64::from(*point) * step).fract();
    let mut order: Vec<u32> = (0..points).collect();
    order.sort_by(|a, b| place(a).total_cmp(&place(b)));
    let mut strata = vec![0.0; points as usize];
    for (stratum, point) in (0_u32..).zip(order) {
        strata[point as usize] = f64::from(stratum);
    }
    strata
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rayon::prelude::*;

    use super::super::fit::measure;
    use super::*;
    use crate::sampling::{Purpose, Stream};

    fn measured(mean_s: f64, standard_error_s: f64) -> Measured {
        Measured {
            mean_s,
            standard_error_s,
            standard_deviation_s: mean_s,
            jobs: 500,
            shape: None,
            samples_s: None,
            drift: None,
            quantiles_s: BTreeMap::new(),
        }
    }

    fn means(points: &[Overheads], of: fn(&Overheads) -> &Overhead) -> Vec<f64> {
        points.iter().map(|overheads| of(overheads).mean_s()).collect()
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
    }

    fn correlation(one: &[f64], other: &[f64]) -> f64 {
        let ((m, s), (n, t)) = (moments(one), moments(other));
        one.iter().zip(other).map(|(a, b)| (a - m) * (b - n)).sum::<f64>() / one.len() as f64 / s / t
    }

    #[test]
    fn a_few_dozen_points_have_mean_and_spread_of_their_law() {
        let terms = MeasuredTerms {
            idle_path: measured(8e-4, 0.0),
            turnaround: measured(4e-4, 4e-5),
            hand_over: None,
            overshoot: measured(1e-5, 1e-6),
        };
        let (points, movement) = (possible(&terms, 64), movement(&terms));
        let (idle, turnaround) = (means(&points, |o| &o.idle_path), means(&points, |o| &o.turnaround));
        for (values, mean_s, spread_s) in
            [(&idle, 8e-4, movement * 8e-4), (&turnaround, 4e-4, (movement * 4e-4).hypot(4e-5))]
        {
            let (mean, spread) = moments(values);
            assert!((mean / mean_s - 1.0).abs() < 0.01, "{mean}");
            assert!((spread / spread_s - 1.0).abs() < 0.05, "{spread} for {spread_s}");
        }
        // They move together, but for what the measurement of each does not know.
        let expected = movement * 4e-4 / (movement * 4e-4).hypot(4e-5);
        assert!((correlation(&idle, &turnaround) - expected).abs() < 0.05);
        assert!(points.iter().all(|overheads| overheads.hand_over == Overhead::Constant(0.0)));
    }

    #[test]
    fn what_is_measured_of_one_term_says_nothing_of_another() {
        let terms = MeasuredTerms {
            idle_path: measured(8e-4, 4e-5),
            turnaround: measured(4e-4, 4e-5),
            hand_over: Some(measured(2e-5, 4e-6)),
            overshoot: measured(1e-5, 1e-6),
        };
        let points = spread(&terms, 64, 0.0);
        let of: [fn(&Overheads) -> &Overhead; 4] =
            [|o| &o.idle_path, |o| &o.turnaround, |o| &o.hand_over, |o| &o.overshoot];
        for (n, one) in of.iter().enumerate() {
            for other in &of[..n] {
                let found = correlation(&means(&points, *one), &means(&points, *other));
                assert!(found.abs() < 0.1, "{found}");
            }
        }
    }

    #[test]
    fn what_the_services_may_be_is_spread_evenly_and_independent_of_the_terms() {
        for points in [48, 96, 256] {
            let factors = possible_services(0.02, points);
            let (mean, spread) = moments(&factors);
            assert!((mean - 1.0).abs() < 1e-9 && (spread / 0.02 - 1.0).abs() < 0.05, "{mean}, {spread}");
            for step in STEPS {
                let found = correlation(&factors, &strata(points, step));
                assert!(found.abs() < 0.1, "{found} at {points} points, {step}");
            }
        }
        assert_eq!(possible_services(0.0, 3), [1.0; 3]);
    }

    #[test]
    fn a_term_is_never_negative_and_its_values_keep_their_proportions() {
        let samples_s = Some(vec![1e-4, 2e-4, 3e-4]);
        let terms = MeasuredTerms {
            idle_path: measured(1e-4, 1e-3),
            turnaround: Measured { samples_s, ..measured(2e-4, 1e-3) },
            hand_over: Some(measured(1e-4, 1e-3)),
            overshoot: measured(1e-4, 1e-3),
        };
        for overheads in possible(&terms, 256) {
            for term in [&overheads.idle_path, &overheads.hand_over, &overheads.overshoot] {
                assert!(term.mean_s() >= 0.0);
            }
            match overheads.turnaround {
                Overhead::Samples(values) => {
                    assert!(values[0] > 0.0 && (values[2] / values[0] - 3.0).abs() < 1e-9);
                }
                other => assert_eq!(other, Overhead::Constant(0.0)),
            }
        }
    }

    /// A term of which every hundredth of a second shows a value: the machine's noise, of equal power in every octave
    /// from a quarter of a second to twenty minutes, and exponential values around it.
    fn noise(run: u32, mean_s: f64, power: f64) -> impl Iterator<Item = (f64, f64)> {
        const STEP_S: f64 = 0.01;
        let mut stream = Stream::new(31, run, Purpose::Resampling);
        let mut octaves: Vec<(f64, f64)> = (-2..=10)
            .map(|octave| ((-STEP_S / 2_f64.powi(octave)).exp(), power * normal::quantile(stream.uniform())))
            .collect();
        (0_u32..).map(move |step| {
            let mut level = 1.0;
            for (kept, value) in &mut octaves {
                *value = *kept * *value
                    + power * (1.0 - *kept * *kept).sqrt() * normal::quantile(stream.uniform());
                level += *value;
            }
            (f64::from(step) * STEP_S, -mean_s * level.max(0.0) * stream.uniform().ln())
        })
    }

    #[test]
    fn a_calibration_shows_by_how_much_the_run_after_it_will_differ() {
        const RUNS: u32 = 400;
        let mean = |seen: &[(f64, f64)]| seen.iter().map(|(_, value)| value).sum::<f64>() / seen.len() as f64;
        for power in [0.0, 0.03, 0.08] {
            let one = |run: u32| {
                // Twenty seconds of calibration, ten of pause, and a run of twenty-eight.
                let seen: Vec<(f64, f64)> = noise(run, 8e-4, power).take(5_800).collect();
                let measured = measure("idle path", "idle", seen[..2_000].iter().copied()).unwrap();
                let error = (measured.standard_deviation_s / measured.mean_s).powi(2) / 2_000.0;
                let moved =
                    (mean(&seen[3_000..]) / measured.mean_s - 1.0).powi(2) - error * (1.0 + 2.0 / 2.8);
                [measured.excess_variance() / measured.mean_s.powi(2), moved]
            };
            let found: Vec<[f64; 2]> = (0..RUNS).into_par_iter().map(one).collect();
            let [shown, moved] =
                [0, 1].map(|k| found.iter().map(|pair| pair[k]).sum::<f64>() / f64::from(RUNS));
            if power > 0.0 {
                // Of four hundred pairs the ratio is known to a tenth; a tenth of it is the pause between them.
                assert!((0.6..1.1).contains(&(shown / moved)), "{shown} for {moved}");
            } else {
                assert!(shown.abs() < 6e-4, "{shown} where nothing moves");
            }
        }
    }

    #[test]
    fn the_steadier_term_tells_the_movement_and_one_that_few_jobs_show_nothing() {
        let steady = measured(8e-4, 4e-5);
        let terms = |idle_path: Measured, turnaround: Measured| MeasuredTerms {
            idle_path,
            turnaround,
            hand_over: None,
            overshoot: measured(1e-5, 1e-5),
        };
        // Twenty batches of 25 jobs: 5 % of standard error are 20 times as much variance, less what the values have.
        let shown = 20.0 * 0.05_f64.powi(2) - 20.0 / 500.0;
        let expected = ((2.0 * shown + 0.17 * 0.17) / 3.0).sqrt();
        let found = movement(&terms(steady.clone(), measured(4e-4, 4e-4)));
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        let found = movement(&terms(measured(8e-4, 8e-4), measured(4e-4, 2e-5)));
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        let few = |term: Measured| Measured { jobs: 99, ..term };
        let found = movement(&terms(few(measured(8e-4, 0.0)), steady.clone()));
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        assert_eq!(movement(&terms(few(steady.clone()), few(steady))), MOVEMENT);
        let none = Measured { mean_s: 0.0, standard_deviation_s: 0.0, ..measured(0.0, 0.0) };
        assert_eq!(movement(&terms(none.clone(), none)), MOVEMENT);
    }
}
