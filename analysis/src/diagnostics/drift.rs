//! Whether services, or what they take longer than asked, change in the course of a run.

use super::{Diagnostic, OperatingPoint, SURPRISING, Served, milliseconds};
use crate::statistics::{batch_means, half_split, trend};

/// Batches of a run, as with the terms of a calibration.
const BATCHES: usize = 20;

pub(super) fn diagnose(served: &[Served], point: &OperatingPoint) -> Vec<Diagnostic> {
    let services = served.iter().map(|job| job.service_s).collect();
    let overshoots = served.iter().map(Served::overshoot_s).collect();
    let rows = [
        drift("service_drift", "services", services, point),
        drift("overshoot_drift", "the time that services took longer than asked", overshoots, point),
    ];
    rows.into_iter().flatten().collect()
}

/// A slope or a step: the smaller of two p-values, doubled since there were two to choose from.
fn drift(name: &'static str, what: &str, values: Vec<f64>, point: &OperatingPoint) -> Option<Diagnostic> {
    let means = batch_means(&values, BATCHES);
    let (trend, step) = (trend(&means)?, half_split(&means)?);
    let p_value = (2.0 * trend.test.p_value.min(step.p_value)).min(1.0);
    let change_s = trend.change;
    let sentence = if p_value >= SURPRISING {
        format!("{what} did not change in the course of the run, as far as can be seen")
    } else {
        let verb = if change_s > 0.0 { "grew" } else { "shrank" };
        format!("{what} {verb} by {} in the course of the run", milliseconds(change_s.abs()))
    };
    let row = Diagnostic {
        name,
        found: change_s,
        expected: 0.0,
        p_value: Some(p_value),
        effect: point.effect_of_drift(change_s),
        says: sentence,
    };
    Some(row.unless_by_chance())
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::support::{default_scenario, named, observed, waits};
    use super::super::{SURPRISING, diagnose};

    /// A run whose services get longer than asked, from nothing to `growth_s` at its end.
    fn warming(growth_s: f64, jobs: u64) -> (Vec<sim::model::JobRecord>, sim::model::Scenario) {
        let scenario = default_scenario().with_drive(jobs, 0);
        let mut records = observed(&scenario, Terms::IDEAL);
        let count = records.len() as f64;
        for (n, record) in records.iter_mut().enumerate() {
            *record.done_s.as_mut().unwrap() += growth_s * n as f64 / count;
        }
        (records, scenario)
    }

    #[test]
    fn an_overshoot_that_grows_is_found_with_what_it_does_to_the_wait() {
        let (records, scenario) = warming(0.4e-3, 200_000);
        // 0.2 ms more on average.
        let rows = diagnose(&scenario, &records, 160.0 * 0.0052);
        let drift = named(&rows, "overshoot_drift");
        let truth = waits(&records) / waits(&observed(&scenario, Terms::IDEAL)) - 1.0;
        assert!(drift.p_value.unwrap() < 1e-6 && (drift.found / 0.38e-3 - 1.0).abs() < 1e-3, "{drift:?}");
        assert!(truth > 0.15 && (drift.effect.unwrap() - truth).abs() < 0.04, "{drift:?} for {truth}");
        assert!(drift.says.ends_with("grew by 0.380 ms in the course of the run"), "{}", drift.says);
    }

    #[test]
    fn a_drift_that_ends_beyond_saturation_has_no_steady_effect() {
        let (records, scenario) = warming(3e-3, 4_800);
        let drift = diagnose(&scenario, &records, 0.9);
        assert_eq!(named(&drift, "overshoot_drift").effect, None);
    }

    #[test]
    fn a_constant_overshoot_does_not_drift() {
        let scenario = default_scenario();
        let rows =
            diagnose(&scenario, &observed(&scenario, Terms { overshoot_s: 0.1e-3, ..Terms::IDEAL }), 0.82);
        let drift = named(&rows, "overshoot_drift");
        assert!(
            drift.found.abs() < 1e-9 && drift.effect.is_none_or(|effect| effect.abs() < 1e-6),
            "{drift:?}"
        );
        assert!(named(&rows, "service_drift").p_value.unwrap() > SURPRISING);
    }
}
