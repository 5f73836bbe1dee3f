//! Do simulation and theory, which share no code, agree on this machine?

use rayon::prelude::*;

use super::queue::scenario;
use crate::estimate::{Estimates, Metric, Sample};
use crate::model::{Overheads, Terms};
use crate::theory::{Prediction, predict};

/// What simulation and theory say of one figure of one queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The queue.
    pub queue: &'static str,
    /// The figure.
    pub metric: Metric,
    /// What theory says.
    pub theory: f64,
    /// What simulation says.
    pub simulated: f64,
    /// Half the 95 % interval of the simulation.
    pub half_width: f64,
}

impl Agreement {
    /// Whether theory lies within 2.2 half-widths (4.6 standard errors, one in five thousand by chance), and the
    /// interval is narrow enough, 5 %, for that to mean something.
    pub fn holds(&self) -> bool {
        let narrow = self.half_width <= 0.05 * self.theory;
        narrow && (self.simulated - self.theory).abs() <= 2.2 * self.half_width
    }
}

/// Queues of every engine and most families of closed forms, by the tables of their scenarios.
const QUEUES: [(&str, &str); 14] = [
    ("M/M/1", "[arrivals]\nrate = 0.8\n[service]\nmean = 1.0"),
    ("M/D/1", "[arrivals]\nrate = 0.8\n[service]\nmean = 1.0\nshape = { kind = \"deterministic\" }"),
    ("M/E4/1", "[arrivals]\nrate = 0.8\n[service]\nmean = 1.0\nshape = { kind = \"erlang\", stages = 4 }"),
    (
        "M/H2/1",
        "[arrivals]\nrate = 0.6\n[service]\nmean = 1.0\nshape = { kind = \"hyperexponential\", scv = 3.0 }",
    ),
    (
        "D/M/1",
        "[arrivals]\nrate = 0.8\nprocess = { kind = \"renewal\", shape = { kind = \"deterministic\" } }\n\
         [service]\nmean = 1.0",
    ),
    (
        "G/M/1",
        "[arrivals]\nrate = 0.7\nprocess = { kind = \"renewal\", shape = { kind = \"gamma\", scv = 0.5 } }\n\
         [service]\nmean = 1.0",
    ),
    (
        "batches",
        "[arrivals]\nrate = 0.6\nbatch = { kind = \"geometric\", mean = 3.0 }\n[service]\nmean = 1.0",
    ),
    ("M/M/4", "[arrivals]\nrate = 3.2\n[service]\nmean = 1.0\n[queue]\nservers = 4"),
    ("M/M/2/6", "[arrivals]\nrate = 2.2\n[service]\nmean = 1.0\n[queue]\nservers = 2\ncapacity = 6"),
    (
        "M/M/3+M",
        "[arrivals]\nrate = 3.0\n[service]\nmean = 1.0\n[queue]\nservers = 3\npatience = { mean = 2.0 }",
    ),
    (
        "sharing",
        "[arrivals]\nrate = 0.7\n[service]\nmean = 1.0\nshape = { kind = \"erlang\", stages = 2 }\n\
         [queue]\ndiscipline = { kind = \"processor_sharing\" }",
    ),
    (
        "M/M/2//8",
        "[arrivals]\nprocess = { kind = \"finite_source\", population = 8, mean_think_s = 4.0 }\n\
         [service]\nmean = 1.0\n[queue]\nservers = 2",
    ),
    (
        "priorities",
        "[queue]\ndiscipline = { kind = \"priority\", preemptive = true }\n\
         [[class]]\nname = \"urgent\"\npriority = 1\narrivals = { rate = 0.3 }\nservice = { mean = 1.0 }\n\
         [[class]]\nname = \"bulk\"\npriority = 2\narrivals = { rate = 0.4 }\nservice = { mean = 1.0 }",
    ),
    (
        "tandem",
        "[arrivals]\nrate = 0.7\n[[station]]\nname = \"one\"\nservice = { mean = 1.0 }\nnext = { two = 1.0 }\n\
         [[station]]\nname = \"two\"\nservice = { mean = 0.9 }\nnext = { exit = 1.0 }",
    ),
];

/// Every figure of every queue for which theory has an exact value; `each` is called after each queue.
pub fn agreements(each: impl Fn() + Sync) -> Vec<Agreement> {
    let of_queue = |(queue, tables): &(&'static str, &'static str)| {
        let scenario = scenario(tables).with_seed(4).with_run(40_000, 2_000, 24);
        let prediction = predict(&scenario, None).expect("theory knows the queue");
        let sample = Sample::of(&scenario, &Overheads::from(Terms::IDEAL)).expect("these are replications");
        let estimates = Estimates::of(&sample);
        each();
        let exact = known(&prediction).into_iter();
        let agreement = |(metric, theory): (Metric, f64)| {
            let interval = estimates.get(metric).interval().expect("the run is long enough");
            let half_width = 0.5 * (interval.high - interval.low);
            Agreement { queue, metric, theory, simulated: interval.estimate, half_width }
        };
        exact.map(agreement).collect::<Vec<_>>()
    };
    QUEUES.par_iter().flat_map_iter(of_queue).collect()
}

/// The figures that are exact and positive; of quantiles one, as each takes an inversion.
fn known(prediction: &Prediction) -> Vec<(Metric, f64)> {
    let figures = [
        (Metric::MeanWait, "mean_wait_s", prediction.mean_wait_s),
        (Metric::MeanSojourn, "mean_sojourn_s", prediction.mean_sojourn_s),
        (Metric::MeanInSystem, "mean_in_system", prediction.mean_in_system),
        (Metric::Utilization, "utilization", prediction.utilization),
        (Metric::ProbWait, "prob_wait", prediction.prob_wait),
        (Metric::ProbBlocked, "prob_blocked", prediction.prob_blocked),
        (Metric::ProbAbandon, "prob_abandon", prediction.prob_abandon),
        (Metric::SojournQuantile(1), "sojourn_quantiles_s", prediction.sojourn_quantiles_s["0.9"]),
    ];
    let exact = |name: &str| prediction.method.get(name).is_some_and(|method| method.starts_with("exact"));
    figures
        .into_iter()
        .filter_map(|(metric, name, value)| {
            value.filter(|value| *value > 0.0 && exact(name)).map(|v| (metric, v))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_simulated_as_theory_says() {
        let agreements = agreements(|| ());
        for agreement in &agreements {
            assert!(agreement.holds(), "{agreement:?}");
        }
        let queues = QUEUES.iter().filter(|(queue, _)| agreements.iter().any(|of| of.queue == *queue));
        assert_eq!((queues.count(), agreements.len() > 60), (QUEUES.len(), true), "{}", agreements.len());
    }

    #[test]
    fn a_wrong_value_and_a_wide_interval_are_no_agreement() {
        let right = Agreement {
            queue: "M/M/1",
            metric: Metric::MeanWait,
            theory: 4.0,
            simulated: 4.1,
            half_width: 0.1,
        };
        assert!(right.holds());
        assert!(!Agreement { simulated: 4.3, ..right.clone() }.holds());
        assert!(!Agreement { simulated: 4.3, half_width: 0.5, ..right }.holds());
    }
}
