//! Which closed forms apply to a scenario, and what they say.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{TheoryError, mg1, mm1::Mm1};
use crate::model::{ArrivalProcess, Scenario, Shape, Terms};
use crate::output::PROBABILITIES;

/// What theory says of a scenario; `None` where it has no closed form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Name of the scenario.
    pub scenario: String,
    /// Kendall's name.
    pub kendall: String,
    /// For each group of metrics, `exact` or the approximation's name, and the formula.
    pub method: BTreeMap<&'static str, &'static str>,
    /// Fraction of time in service, λ·E(S + o).
    pub utilization: f64,
    /// ρ′, which counts the time between jobs; at prefetch 2 and more its lower bound λ·E(S + o + h).
    pub effective_utilization: f64,
    /// λ·E\[S\], erlangs.
    pub offered_load: f64,
    /// Mean wait, s.
    pub mean_wait_s: Option<f64>,
    /// Mean sojourn, s.
    pub mean_sojourn_s: Option<f64>,
    /// Mean number waiting.
    pub mean_queue_length: Option<f64>,
    /// Mean number present.
    pub mean_in_system: Option<f64>,
    /// Departures per second.
    pub throughput: f64,
    /// P(wait > 0); with overheads the probability of more than the idle path.
    pub prob_wait: Option<f64>,
    /// P(refused).
    pub prob_blocked: f64,
    /// P(left before service).
    pub prob_abandon: f64,
    /// Quantiles of the wait, s.
    pub wait_quantiles_s: BTreeMap<&'static str, Option<f64>>,
    /// Quantiles of the sojourn, s.
    pub sojourn_quantiles_s: BTreeMap<&'static str, Option<f64>>,
    /// Per class; empty with a single class.
    pub classes: BTreeMap<String, Prediction>,
    /// Per station; empty with a single station.
    pub stations: BTreeMap<String, Prediction>,
}

/// What theory says of a scenario, with overheads if a calibration gave some.
///
/// - Without overheads: M/M/1 exactly, M/G/1 means by Pollaczek–Khinchine.
/// - With overheads and prefetch 1: a job occupies the consumer for S + o + t and waits the idle path
///   besides, so means are those of an M/G/1 (exact for constant terms).
/// - Otherwise the values are `None`, and [`engine`](crate::engine) has to answer.
///
/// # Errors
/// [`TheoryError::Unstable`] if ρ, or ρ′ with overheads, is 1 or more. At prefetch 2 and more ρ′ is
/// judged by its lower bound λ·E(S + o + h).
pub fn predict(scenario: &Scenario, terms: Option<Terms>) -> Result<Prediction, TheoryError> {
    let ideal = terms.is_none();
    let terms = terms.unwrap_or(Terms::IDEAL);
    let between = match scenario.effective_prefetch() {
        1 => terms.turnaround_s,
        _ => terms.hand_over_s,
    };
    let occupancy_s = scenario.service().mean() + terms.overshoot_s + between;
    let arrival_rate = scenario.arrivals().rate();
    let utilization = arrival_rate * occupancy_s;
    if utilization >= 1.0 {
        return Err(TheoryError::Unstable { utilization, arrival_rate, capacity: 1.0 / occupancy_s });
    }
    let mut prediction = unknown(scenario, terms, utilization);
    let poisson = matches!(scenario.arrivals().process(), ArrivalProcess::Poisson {});
    let memoryless = matches!(scenario.service().shape(), Shape::Exponential {});
    if ideal && poisson && memoryless {
        fill_mm1(&mut prediction, Mm1::new(arrival_rate, 1.0 / scenario.service().mean())?)?;
    } else if poisson && (ideal || scenario.effective_prefetch() == 1) {
        // Constant overheads add to the mean and leave the variance alone.
        let scv = scenario.service().shape().scv() * (scenario.service().mean() / occupancy_s).powi(2);
        let mean_wait_s = terms.idle_path_s + mg1::mean_wait(arrival_rate, occupancy_s, scv)?;
        let mean_sojourn_s = mean_wait_s + scenario.service().mean() + terms.overshoot_s;
        prediction.mean_wait_s = Some(mean_wait_s);
        prediction.mean_sojourn_s = Some(mean_sojourn_s);
        prediction.mean_queue_length = Some(arrival_rate * mean_wait_s);
        prediction.mean_in_system = Some(arrival_rate * mean_sojourn_s);
        prediction.prob_wait = Some(utilization);
        prediction.method.insert(
            "means",
            if ideal {
                "exact (Pollaczek–Khinchine)"
            } else {
                "exact for constant overheads (Pollaczek–Khinchine, prefetch 1)"
            },
        );
    }
    Ok(prediction)
}

fn unknown(scenario: &Scenario, terms: Terms, effective_utilization: f64) -> Prediction {
    let quantiles = || PROBABILITIES.iter().map(|(_, name)| (*name, None)).collect();
    Prediction {
        scenario: scenario.name().to_owned(),
        kendall: scenario.kendall(),
        method: BTreeMap::from([("means", "none"), ("quantiles", "none")]),
        utilization: scenario.arrivals().rate() * (scenario.service().mean() + terms.overshoot_s),
        effective_utilization,
        offered_load: scenario.offered_load(),
        mean_wait_s: None,
        mean_sojourn_s: None,
        mean_queue_length: None,
        mean_in_system: None,
        throughput: scenario.arrivals().rate(),
        prob_wait: None,
        prob_blocked: 0.0,
        prob_abandon: 0.0,
        wait_quantiles_s: quantiles(),
        sojourn_quantiles_s: quantiles(),
        classes: BTreeMap::new(),
        stations: BTreeMap::new(),
    }
}

fn fill_mm1(prediction: &mut Prediction, queue: Mm1) -> Result<(), TheoryError> {
    prediction.mean_wait_s = Some(queue.mean_wait());
    prediction.mean_sojourn_s = Some(queue.mean_sojourn());
    prediction.mean_queue_length = Some(queue.mean_queue_length());
    prediction.mean_in_system = Some(queue.mean_in_system());
    prediction.prob_wait = Some(queue.prob_wait());
    for (p, name) in PROBABILITIES {
        prediction.wait_quantiles_s.insert(name, Some(queue.wait_quantile(p)?));
        prediction.sojourn_quantiles_s.insert(name, Some(queue.sojourn_quantile(p)?));
    }
    prediction.method = BTreeMap::from([("means", "exact (M/M/1)"), ("quantiles", "exact (M/M/1)")]);
    Ok(())
}
