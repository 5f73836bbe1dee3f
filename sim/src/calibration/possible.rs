//! What a calibration leaves possible.

use statrs::function::erf::erf_inv;

use super::{Measured, MeasuredTerms};
use crate::model::Terms;

/// How much a term moves between a calibration and the run it is for, relative to the term (a standard deviation):
/// what the machine, the broker and its disk do differently a minute later. Measured; docs/methodology.md has how.
const MOVEMENT: f64 = 0.10;

/// The terms that a calibration leaves possible for a run after it, evenly spread over their law: each normal around
/// its mean, not below zero, with
///
/// ```text
/// σ² = (standard error)² + (MOVEMENT · mean)²
/// ```
///
/// Predicting with each of them gives the law of the prediction, saturation's amplification and its skewness included.
/// The points are a Latin hypercube: each term takes every stratum of its law once, and which of them go together is
/// the order of an additive recurrence, which fills space evenly. Quantiles of a prediction are known with a few dozen
/// of them, where random draws would need hundreds.
///
/// # References
/// McKay, Beckman & Conover 1979, *Technometrics* 21; Niederreiter 1992, *Random Number Generation and Quasi-Monte
/// Carlo Methods*, chapter 3.
pub fn possible(terms: &MeasuredTerms, points: u32) -> Vec<Terms> {
    spread(terms, points, MOVEMENT)
}

/// As [`possible`], with another movement: 0 for what the measurement alone leaves possible.
pub(super) fn spread(terms: &MeasuredTerms, points: u32, movement: f64) -> Vec<Terms> {
    /// Powers of 1/φ, with φ the root of φ⁵ = φ + 1.
    const STEPS: [f64; 4] =
        [0.856_674_883_854_502_9, 0.733_891_856_627_126_1, 0.628_706_718_594_209_7, 0.538_597_253_884_867_7];
    let strata = STEPS.map(|step| strata(points, step));
    let at = |point: u32, dimension: usize, term: Option<&Measured>| {
        let term = term?;
        let uniform = (strata[dimension][point as usize] + 0.5) / f64::from(points);
        let normal = std::f64::consts::SQRT_2 * erf_inv(2.0 * uniform - 1.0);
        let uncertainty_s = term.standard_error_s.hypot(movement * term.mean_s);
        Some((term.mean_s + normal * uncertainty_s).max(0.0))
    };
    let draw = |point| Terms {
        idle_path_s: at(point, 0, Some(&terms.idle_path)).unwrap_or(0.0),
        turnaround_s: at(point, 1, Some(&terms.turnaround)).unwrap_or(0.0),
        hand_over_s: at(point, 2, terms.hand_over.as_ref()).unwrap_or(0.0),
        overshoot_s: at(point, 3, Some(&terms.overshoot)).unwrap_or(0.0),
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

    use super::*;

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

    #[test]
    fn a_few_dozen_points_have_mean_spread_and_independence_of_their_law() {
        let terms = MeasuredTerms {
            idle_path: measured(8e-4, 0.0),
            turnaround: measured(4e-4, 4e-5),
            hand_over: None,
            overshoot: measured(1e-5, 1e-6),
        };
        let points = possible(&terms, 64);
        let moments = |of: fn(&Terms) -> f64| {
            let mean = points.iter().map(of).sum::<f64>() / 64.0;
            (mean, (points.iter().map(|terms| (of(terms) - mean).powi(2)).sum::<f64>() / 64.0).sqrt())
        };
        let (idle, turnaround) = (moments(|terms| terms.idle_path_s), moments(|terms| terms.turnaround_s));
        assert!((idle.0 / 8e-4 - 1.0).abs() < 0.01 && (idle.1 / 8e-5 - 1.0).abs() < 0.05, "{idle:?}");
        let spread_s = 4e-5 * 2.0_f64.sqrt();
        assert!((turnaround.0 / 4e-4 - 1.0).abs() < 0.01, "{turnaround:?}");
        assert!((turnaround.1 / spread_s - 1.0).abs() < 0.05, "{turnaround:?}");
        let product = |terms: &Terms| (terms.idle_path_s - idle.0) * (terms.turnaround_s - turnaround.0);
        let correlation = points.iter().map(product).sum::<f64>() / 64.0 / idle.1 / turnaround.1;
        assert!(correlation.abs() < 0.1, "{correlation}");
        assert!(points.iter().all(|terms| terms.hand_over_s == 0.0));
    }

    #[test]
    fn a_term_is_never_negative() {
        let terms = MeasuredTerms {
            idle_path: measured(1e-4, 1e-3),
            turnaround: measured(1e-4, 1e-3),
            hand_over: Some(measured(1e-4, 1e-3)),
            overshoot: measured(1e-4, 1e-3),
        };
        let all =
            |terms: &Terms| [terms.idle_path_s, terms.turnaround_s, terms.hand_over_s, terms.overshoot_s];
        assert!(possible(&terms, 256).iter().flat_map(all).all(|term_s| term_s >= 0.0));
    }
}
