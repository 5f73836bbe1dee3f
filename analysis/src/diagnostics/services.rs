//! Services: how long they are, how much they vary, and whether their law is the scenario's.

use sim::model::{Scenario, Shape};
use sim::theory::law::Law;

use super::{Diagnostic, OperatingPoint, Served, milliseconds};
use crate::statistics::{Test, anderson_darling, kolmogorov, mean, scv, variation};

pub(super) fn diagnose(scenario: &Scenario, served: &[Served], point: &OperatingPoint) -> Vec<Diagnostic> {
    let services: Vec<f64> = served.iter().map(|job| job.service_s).collect();
    let overshoot_s = mean(&served.iter().map(Served::overshoot_s).collect::<Vec<_>>());
    // The queue as it would be if services took what was asked for.
    let asked = point.longer(-overshoot_s);
    let mut rows = vec![length(scenario, served, &services, &asked), overshoot(overshoot_s, &asked)];
    // Of two arms together neither has the law of the scenario.
    if scenario.is_single() && scenario.experiment().is_none() {
        let (shape, mean_s) = (scenario.service().shape(), scenario.service().mean());
        rows.push(scatter(shape, mean_s, &services, point));
        rows.extend(law(shape, mean_s + overshoot_s, mean_s, &services));
    }
    rows
}

fn length(scenario: &Scenario, served: &[Served], services: &[f64], asked: &OperatingPoint) -> Diagnostic {
    let of_class = |job: &Served| scenario.mean_service_of(job.class as usize, 0);
    let expected = mean(&served.iter().map(of_class).collect::<Vec<_>>());
    let demand = mean(&served.iter().map(|job| job.demand_s).collect::<Vec<_>>());
    let (found, count) = (mean(services), services.len() as f64);
    // A tail so heavy that there is no variance leaves the mean without a normal law.
    let has_variance = scenario.classes().len() > 1 || scenario.service().shape().scv().is_finite();
    let error = found * (scv(services) / count).sqrt();
    let test = (has_variance && error > 0.0).then(|| Test::normal((found - expected) / error));
    let row = Diagnostic {
        name: "mean_service",
        found,
        expected,
        p_value: test.map(|test| test.p_value),
        effect: asked.effect_of_longer(found - expected),
        says: String::new(),
    };
    row.saying(|_, surprising| {
        format!(
            "services took {} on average where the scenario says {}{}; {} were asked for",
            milliseconds(found),
            milliseconds(expected),
            if surprising { ", more than chance explains" } else { "" },
            milliseconds(demand)
        )
    })
}

fn overshoot(overshoot_s: f64, asked: &OperatingPoint) -> Diagnostic {
    Diagnostic {
        name: "overshoot",
        found: overshoot_s,
        expected: 0.0,
        p_value: None,
        effect: asked.effect_of_longer(overshoot_s),
        says: format!("services took {} longer than they were asked for", milliseconds(overshoot_s)),
    }
}

fn scatter(shape: &Shape, mean_s: f64, services: &[f64], point: &OperatingPoint) -> Diagnostic {
    let (found, expected) = (scv(services), shape.scv());
    let test = matches!(shape, Shape::Exponential {}).then(|| variation(services)).flatten();
    let row = Diagnostic {
        name: "service_variation",
        found,
        expected,
        p_value: test.map(|test| test.p_value),
        effect: point.effect_of_services(found, expected, mean_s),
        says: String::new(),
    };
    row.saying(|_, surprising| match (surprising, test) {
        (true, _) => format!("services vary otherwise than they should: c² = {found:.2} instead of 1"),
        (false, Some(_)) => format!("services vary as they should: c² = {found:.2}"),
        (false, None) => format!("c² of the services is {found:.2}, expected {expected:.2}"),
    })
}

/// Whether the services have the law of the scenario, moved by their mean overshoot.
///
/// Left out for a deterministic shape, which has no continuous law, and for measured values, of which only a summary
/// is known.
fn law(shape: &Shape, mean_s: f64, asked_s: f64, services: &[f64]) -> Option<Diagnostic> {
    let (statistic, test) = match shape {
        Shape::Deterministic {} | Shape::Empirical(_) => return None,
        Shape::Exponential {} => ("A²", anderson_darling(services)?),
        shape => {
            let (law, shift_s) = (Law::new(shape, asked_s).ok()?, mean_s - asked_s);
            ("distance", kolmogorov(services, |service_s| 1.0 - law.tail(service_s - shift_s))?)
        }
    };
    let row = Diagnostic {
        name: "service_shape",
        found: test.statistic,
        expected: 0.0,
        p_value: Some(test.p_value),
        effect: None,
        says: String::new(),
    };
    Some(row.saying(|row, surprising| {
        let verdict =
            if surprising { "have another law than they should" } else { "have the law they should" };
        format!("services {verdict}: {statistic} = {:.3}", row.found)
    }))
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::support::{default_scenario, named, observed, scenario, waits};
    use super::super::{SURPRISING, diagnose};

    #[test]
    fn an_overshoot_is_found_with_what_it_does_to_the_wait() {
        let scenario = default_scenario().with_drive(200_000, 0);
        let terms = Terms { overshoot_s: 0.2e-3, ..Terms::IDEAL };
        let (punctual, records) = (observed(&scenario, Terms::IDEAL), observed(&scenario, terms));
        let rows = diagnose(&scenario, &records, 160.0 * 0.0052);
        let overshoot = named(&rows, "overshoot");
        let truth = waits(&records) / waits(&punctual) - 1.0;
        assert!((overshoot.found - 0.2e-3).abs() < 1e-12);
        assert!(truth > 0.2 && (overshoot.effect.unwrap() - truth).abs() < 0.03, "{overshoot:?} for {truth}");
        let length = named(&rows, "mean_service");
        assert!(length.p_value.unwrap() < SURPRISING && (length.found - 0.0052).abs() < 3e-5, "{length:?}");
    }

    #[test]
    fn services_that_vary_less_than_they_should_are_found_with_what_that_does_to_the_wait() {
        let expected = default_scenario().with_drive(200_000, 0);
        let erlang = scenario("service-erlang").with_drive(200_000, 0);
        assert_eq!((erlang.utilization(), erlang.arrivals()), (0.8, expected.arrivals()));
        let (before, after) = (observed(&expected, Terms::IDEAL), observed(&erlang, Terms::IDEAL));
        let rows = diagnose(&expected, &after, 0.8);
        let truth = waits(&after) / waits(&before) - 1.0;
        let variation = named(&rows, "service_variation");
        assert!((variation.found - erlang.service().shape().scv()).abs() < 0.01, "{variation:?}");
        assert!(
            truth < -0.2 && (variation.effect.unwrap() - truth).abs() < 0.03,
            "{variation:?} for {truth}"
        );
        assert!(variation.p_value.unwrap() < SURPRISING);
        assert_eq!(named(&rows, "service_shape").p_value, Some(0.001));
    }

    #[test]
    fn other_shapes_are_compared_with_their_own_law() {
        let terms = Terms { overshoot_s: 0.1e-3, ..Terms::IDEAL };
        for name in ["service-erlang", "service-lognormal", "service-weibull", "service-uniform"] {
            let scenario = scenario(name);
            let records = observed(&scenario, terms);
            let rows = diagnose(&scenario, &records, 0.82);
            assert!(named(&rows, "service_shape").p_value.unwrap() > SURPRISING, "{name}: {rows:?}");
            let wrong = diagnose(&default_scenario(), &records, 0.82);
            assert!(named(&wrong, "service_shape").p_value.unwrap() < SURPRISING, "{name}");
        }
        for name in ["service-deterministic", "service-empirical"] {
            let scenario = scenario(name);
            let rows = diagnose(&scenario, &observed(&scenario, terms), 0.8);
            assert!(rows.iter().all(|row| row.name != "service_shape"), "{name}");
        }
    }

    #[test]
    fn a_tail_without_variance_has_no_effect_that_an_approximation_knows() {
        let scenario = scenario("service-pareto");
        let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.8);
        let variation = named(&rows, "service_variation");
        assert_eq!(variation.effect.is_none(), scenario.service().shape().scv().is_infinite());
        assert!(named(&rows, "overshoot").effect.unwrap().abs() < 1e-9);
    }
}
