//! Whether successive gaps or services, or services and waits, have to do with each other.

use sim::model::Shape;

use super::{Diagnostic, OperatingPoint, Served};
use crate::statistics::{correlation, correlation_test, lag_correlations, ljung_box, mean, scv};

/// Lags of the test; more would only dilute what the first ones show.
const LAGS: usize = 10;

fn lag_one(values: &[f64]) -> f64 {
    lag_correlations(values, 1)[0]
}

/// By how much correlation r that falls geometrically with the lag multiplies the variance of long sums.
fn inflation(correlation: f64) -> f64 {
    (1.0 + correlation) / (1.0 - correlation)
}

/// Gaps as sent against independence, or against the gaps as due where these depend on each other.
pub(super) fn of_gaps(sent: &[f64], due: &[f64], law: Option<&Shape>, point: &OperatingPoint) -> Diagnostic {
    let (found, expected) = (lag_one(sent), if law.is_some() { 0.0 } else { lag_one(due) });
    // Gaps that never vary, but for what sending does to them, have no correlation by chance.
    let test = law.filter(|law| law.scv() > 0.0).and_then(|_| ljung_box(sent, LAGS));
    let scv = scv(sent);
    let row = Diagnostic {
        name: "gap_correlation",
        found,
        expected,
        p_value: test.map(|test| test.p_value),
        effect: point.effect_of_gaps(scv * inflation(found), scv * inflation(expected)),
        says: String::new(),
    };
    row.saying(|row, surprising| sentence("gaps between arrivals", row, surprising))
}

pub(super) fn of_services(served: &[Served], point: &OperatingPoint) -> Vec<Diagnostic> {
    let services: Vec<f64> = served.iter().map(|job| job.service_s).collect();
    let (found, scv, mean_s) = (lag_one(&services), scv(&services), mean(&services));
    let row = Diagnostic {
        name: "service_correlation",
        found,
        expected: 0.0,
        p_value: ljung_box(&services, LAGS).map(|test| test.p_value),
        effect: point.effect_of_services(scv * inflation(found), scv, mean_s),
        says: String::new(),
    };
    let row = row.saying(|row, surprising| sentence("services", row, surprising));
    std::iter::once(row).chain(after_wait(served, &services, point)).collect()
}

fn sentence(what: &str, row: &Diagnostic, surprising: bool) -> String {
    let verdict = match (surprising, row.p_value) {
        (true, _) => "depend on the ones before",
        (false, Some(_)) => "do not depend on the ones before",
        (false, None) => "may depend on the ones before",
    };
    let (found, expected) = (row.found, row.expected);
    format!("{what} {verdict}, {LAGS} lags together: lag-1 correlation {found:.3}, expected {expected:.3}")
}

/// Services that are longer in a longer queue, as with a processor that gets warm or a cache that spills.
fn after_wait(served: &[Served], services: &[f64], point: &OperatingPoint) -> Option<Diagnostic> {
    let waits: Vec<f64> = served.iter().map(Served::wait_s).collect();
    let (found, wait_s) = (correlation(&waits, services)?, mean(&waits));
    let slope = found * mean(services) / wait_s * (scv(services) / scv(&waits)).sqrt();
    let row = Diagnostic {
        name: "service_after_wait",
        found,
        expected: 0.0,
        p_value: correlation_test(found, services.len()).map(|test| test.p_value),
        effect: point.effect_of_slope(slope, wait_s).filter(|effect| effect.is_finite()),
        says: String::new(),
    };
    Some(row.unless_by_chance().saying(|_, surprising| match surprising {
        false => format!("services do not depend on the wait before them: correlation {found:.3}"),
        true if found > 0.0 => format!("services are longer after a long wait: correlation {found:.3}"),
        true => format!("services are shorter after a long wait: correlation {found:.3}"),
    }))
}

#[cfg(test)]
mod tests {
    use sim::engine::Recursion;
    use sim::model::Terms;

    use super::super::support::{default_scenario, named, observed, scenario, waits};
    use super::super::{SURPRISING, diagnose};

    #[test]
    fn services_that_grow_with_the_queue_are_found_with_what_they_do_to_the_wait() {
        const SLOPE: f64 = 0.003;
        let scenario = default_scenario().with_drive(200_000, 0);
        let mut records = observed(&scenario, Terms::IDEAL);
        let before = waits(&records);
        let mut queue = Recursion::new(1, Terms::IDEAL);
        for record in &mut records {
            // A look at the wait of the job, then its service by that; on average it is as long as asked.
            let wait_s = queue.clone().serve(record.due_s, 0.0).start_s - record.due_s;
            let service_s = (record.demand_s + SLOPE * (wait_s - before)).max(0.0);
            let timing = queue.serve(record.due_s, service_s);
            (record.start_s, record.done_s) = (Some(timing.start_s), Some(timing.done_s));
        }
        let rows = diagnose(&scenario, &records, 0.8);
        let after_wait = named(&rows, "service_after_wait");
        assert!(after_wait.p_value.unwrap() < SURPRISING && after_wait.says.contains("longer after"));
        // The mean service is as asked, and what is left is the correlation; its effect is more than the first order,
        // and its estimate has a standard error of 0.014.
        let truth = waits(&records) / before - 1.0;
        assert!(truth > 0.04 && (after_wait.effect.unwrap() - truth).abs() < 0.03, "{after_wait:?}: {truth}");
    }

    #[test]
    fn services_that_depend_on_the_one_before_are_found() {
        let scenario = default_scenario();
        let mut records = observed(&scenario, Terms::IDEAL);
        for n in (1..records.len()).rev() {
            records[n].demand_s = 0.8 * records[n].demand_s + 0.2 * records[n - 1].demand_s;
            records[n].done_s = Some(records[n].start_s.unwrap() + records[n].demand_s);
        }
        let rows = diagnose(&scenario, &records, 0.8);
        let row = named(&rows, "service_correlation");
        assert!(row.p_value.unwrap() < 1e-6 && row.effect.unwrap() > 0.1, "{row:?}");
        // 0.8·0.2/(0.8² + 0.2²)
        assert!((row.found - 0.235).abs() < 0.06, "{row:?}");
    }

    #[test]
    fn bursts_of_the_scenario_itself_are_no_finding() {
        let scenario = scenario("arrivals-mmpp");
        let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.6);
        let row = named(&rows, "gap_correlation");
        assert!(row.found > 0.05 && row.p_value.is_none() && row.effect == Some(0.0), "{row:?}");
    }
}
