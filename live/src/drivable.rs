//! Which scenarios a real pipeline can be driven with.

use sim::model::{ArrivalProcess, Discipline, Scenario};

/// The part of a scenario that only `sim` can carry out, by its key, or `None` if there is none.
///
/// Every open arrival process and every shape is driven; the queue is one FCFS line, with any number of consumers.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    let queue = scenario.queue();
    let obstacles = [
        (scenario.is_network(), "[[station]]"),
        (scenario.classes().len() > 1, "[[class]]"),
        (
            matches!(scenario.arrivals().process(), ArrivalProcess::FiniteSource { .. }),
            "arrivals.process finite_source",
        ),
        (!matches!(queue.discipline(), Discipline::Fcfs {}), "queue.discipline other than fcfs"),
        (queue.capacity().is_some(), "queue.capacity"),
        (queue.patience().is_some(), "queue.patience"),
        (queue.retry().is_some(), "queue.retry"),
        (queue.breakdowns().is_some(), "queue.breakdowns"),
        (!scenario.outages().is_empty(), "[[outage]]"),
    ];
    let (_, key) = obstacles.into_iter().find(|(there, _)| *there)?;
    Some(format!(
        "{}: {key} is simulated, not driven\n  rule: this version drives one class of jobs through one fcfs queue\n  remedy: `sim run` predicts it; to drive, remove {key}",
        scenario.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(change: &str, to: &str) -> Scenario {
        let text = sim::scenario_file::DEFAULT.replace("prefetch   = 1 ", "").replace(change, to);
        sim::scenario_file::parse(&text, "test").unwrap()
    }

    #[test]
    fn what_only_a_simulation_can_do_is_refused_by_name() {
        for (from, to, key) in [
            ("servers    = 1", "capacity = 9", "queue.capacity"),
            ("servers    = 1", "patience = { mean = 1 }", "queue.patience"),
            ("{ kind = \"fcfs\" }", "{ kind = \"srpt\" }", "queue.discipline"),
        ] {
            assert!(obstacle(&scenario(from, to)).unwrap().contains(key), "{key}");
        }
    }

    #[test]
    fn every_open_arrival_process_is_driven() {
        let mmpp = "{ kind = \"mmpp\", levels = [1, 3], mean_stay_s = [1, 1] }";
        assert_eq!(obstacle(&scenario("{ kind = \"poisson\" }", mmpp)), None);
    }
}
