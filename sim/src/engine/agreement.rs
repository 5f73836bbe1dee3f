//! The recursions and the event engine tell the same story, job by job and to the last bit.

use proptest::prelude::*;

use super::{fcfs, simulate, simulate_events, trajectory};
use crate::model::{Overheads, Scenario, Terms};
use crate::scenario_file;

const PROCESSES: [&str; 8] = [
    "rate = 90",
    "rate = 90\nprocess = { kind = \"renewal\", shape = { kind = \"erlang\", stages = 3 } }",
    "rate = 90\nprocess = { kind = \"renewal\", shape = { kind = \"deterministic\" } }",
    "rate = 90\nprocess = { kind = \"renewal\", shape = { kind = \"hyperexponential\", scv = 5.0 } }",
    "rate = 90\nprocess = { kind = \"mmpp\", levels = [0.2, 3.0], mean_stay_s = [0.3, 0.1] }",
    "rate = 90\nprocess = { kind = \"piecewise\", levels = [1.0, 0.0, 4.0], durations_s = [0.2, 0.1, 0.1] }",
    "rate = 90\nprocess = { kind = \"sinusoid\", amplitude = 0.9, period_s = 0.5 }",
    "rate = 90\nbatch = { kind = \"geometric\", mean = 3.0 }",
];

const SHAPES: [&str; 9] = [
    "{ kind = \"exponential\" }",
    "{ kind = \"deterministic\" }",
    "{ kind = \"erlang\", stages = 4 }",
    "{ kind = \"hyperexponential\", scv = 3.0 }",
    "{ kind = \"gamma\", scv = 2.0 }",
    "{ kind = \"lognormal\", scv = 2.0 }",
    "{ kind = \"pareto\", tail = 2.5 }",
    "{ kind = \"weibull\", shape = 0.7 }",
    "{ kind = \"uniform\", half_width = 1.0 }",
];

/// Any plain FCFS queue without prefetch, with 400 driven jobs.
fn scenario() -> impl Strategy<Value = Scenario> {
    (0..PROCESSES.len(), 0..SHAPES.len(), 1_u32..6, 0_u32..20, any::<u32>()).prop_map(
        |(process, shape, servers, backlog, seed)| {
            let mean = 0.009 * f64::from(servers);
            let text = format!(
                "schema = 1\nname = \"random\"\n[arrivals]\n{}\n[service]\nmean = {mean}\nshape = {}\n\
                 [queue]\nservers = {servers}\n[initial]\njobs = {backlog}\n\
                 [run]\nseed = {seed}\njobs = 300\nwarmup_jobs = 40\n[drive]\njobs = 400\nwarmup_jobs = 0\n",
                PROCESSES[process], SHAPES[shape],
            );
            scenario_file::parse(&text, "random").unwrap()
        },
    )
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn recursion_and_events_start_and_end_every_job_at_the_same_instant(scenario in scenario()) {
        let recursion = fcfs::trajectory(&scenario, &Overheads::from(Terms::IDEAL));
        let events = trajectory::by_events(&scenario);
        prop_assert_eq!(recursion.len(), events.len());
        for (recursion, event) in recursion.iter().zip(&events) {
            prop_assert_eq!((recursion.due_s, recursion.demand_s), (event.due_s, event.demand_s));
            prop_assert_eq!((recursion.start_s, recursion.done_s), (event.start_s, event.done_s));
        }
    }

    #[test]
    fn recursion_and_events_see_the_same_statistics(scenario in scenario()) {
        let recursion = simulate(&scenario, Terms::IDEAL).swap_remove(0);
        let events = simulate_events(&scenario, 0);
        let pairs = [
            (recursion.utilization, events.utilization),
            (recursion.offered_load, events.offered_load),
            (recursion.mean_wait_s, events.mean_wait_s),
            (recursion.mean_sojourn_s, events.mean_sojourn_s),
            (recursion.mean_in_system, events.mean_in_system),
            (recursion.throughput, events.throughput),
        ];
        for (n, (recursion, event)) in pairs.into_iter().enumerate() {
            prop_assert!(close(recursion, event), "metric {}: {} by recursion, {} by events", n, recursion, event);
        }
        prop_assert!((recursion.mean_queue_length - events.mean_queue_length).abs() < 1e-8);
        let (one, other) = (recursion.wait_variance, events.wait_variance);
        prop_assert!((one - other).abs() <= 1e-6 * one + 1e-15, "variances {} and {}", one, other);
    }
}
