//! Everything with everything: tiny runs of every combination, and what must hold in each.

use sim::engine::{Replication, simulate, simulate_events, trajectory};
use sim::model::{JobRecord, Outcome, Scenario, Terms};

use crate::agreement::{Effort, mean_and_error, run, scenario};

/// Arrival processes for `servers` servers of 200 jobs/s each.
fn processes(servers: u32) -> Vec<String> {
    let rate = 150 * servers;
    let open = |more: &str| format!("rate = {rate}\n{more}");
    vec![
        open(""),
        open("process = { kind = \"renewal\", shape = { kind = \"erlang\", stages = 3 } }"),
        open("process = { kind = \"renewal\", shape = { kind = \"weibull\", shape = 0.6 } }"),
        open("process = { kind = \"mmpp\", levels = [1, 0, 3], mean_stay_s = [0.2, 0.1, 0.1] }"),
        open("process = { kind = \"piecewise\", levels = [2, 1], durations_s = [0.1, 0.3] }"),
        open("process = { kind = \"sinusoid\", amplitude = 1.0, period_s = 0.5 }"),
        open("batch = { kind = \"fixed\", mean = 3 }"),
        open(
            "process = { kind = \"mmpp\", levels = [1, 3], mean_stay_s = [0.2, 0.1] }\n\
             batch = { kind = \"geometric\", mean = 2.5 }",
        ),
        "process = { kind = \"trace\", file = \"traces/arrivals.txt\" }".to_owned(),
        format!(
            "process = {{ kind = \"finite_source\", population = {}, mean_think_s = 0.02 }}",
            4 * servers
        ),
    ]
}

pub const SHAPES: [&str; 11] = [
    "{ kind = \"deterministic\" }",
    "{ kind = \"exponential\" }",
    "{ kind = \"erlang\", stages = 4 }",
    "{ kind = \"hyperexponential\", scv = 4.0 }",
    "{ kind = \"gamma\", scv = 2.0 }",
    "{ kind = \"lognormal\", scv = 2.0 }",
    "{ kind = \"pareto\", tail = 2.5 }",
    "{ kind = \"lomax\", tail = 2.5 }",
    "{ kind = \"weibull\", shape = 0.7 }",
    "{ kind = \"uniform\", half_width = 1.0 }",
    "{ kind = \"empirical\", file = \"traces/service-times.txt\" }",
];

const TTL_S: f64 = 0.015;

/// Names of what limits a queue, with the keys that say so.
const LIMITS: [(&str, &str); 5] = [
    ("fcfs", ""),
    ("reject", "capacity = 6"),
    ("drop_head", "capacity = 6\noverflow = \"drop_head\""),
    ("patience", "patience = { mean = 0.01 }"),
    ("ttl", "patience = { mean = 0.015, shape = { kind = \"deterministic\" } }"),
];

/// The driven jobs are those of the run.
const TINY: Effort = Effort { seed: 5, jobs: 300, warmup_jobs: 100, replications: 10 };
const DRIVE: &str = "[drive]\njobs = 300\nwarmup_jobs = 100\n";

pub fn assert_sane(name: &str, replication: &Replication) {
    let r = replication;
    let fractions = [r.prob_blocked, r.prob_abandon, r.prob_dead_letter];
    assert!(fractions.iter().all(|p| (0.0..=1.0).contains(p)), "{name}: {fractions:?}");
    assert!(fractions.iter().sum::<f64>() <= 1.0 + 1e-12, "{name}: {fractions:?}");
    assert!((0.0..=1.0).contains(&r.prob_wait), "{name}: P(wait) {}", r.prob_wait);
    assert!((0.0..=1.0 + 1e-9).contains(&r.utilization), "{name}: utilization {}", r.utilization);
    let figures = [r.offered_load, r.mean_wait_s, r.mean_sojourn_s, r.wait_variance, r.sojourn_variance];
    let more = [r.mean_queue_length, r.mean_in_system, r.throughput];
    let all = figures.iter().chain(&more).chain(&r.wait_quantiles_s).chain(&r.sojourn_quantiles_s);
    assert!(all.clone().all(|figure| figure.is_finite() && *figure >= 0.0), "{name}: {r:?}");
    assert!(r.mean_sojourn_s >= r.mean_wait_s && r.mean_in_system >= r.mean_queue_length, "{name}: {r:?}");
    assert!(r.wait_quantiles_s.is_sorted() && r.sojourn_quantiles_s.is_sorted(), "{name}: {r:?}");
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-12
}

/// Two ways to the same facts: the rows of the jobs of replication 0, and its statistics.
pub fn assert_rows_agree(name: &str, scenario: &Scenario, replication: &Replication) {
    let rows: Vec<JobRecord> =
        trajectory(scenario, Terms::IDEAL).into_iter().filter(|row| !row.warmup).collect();
    let rows = &rows[..scenario.run().jobs() as usize];
    let fraction =
        |outcome| rows.iter().filter(|row| row.outcome == outcome).count() as f64 / rows.len() as f64;
    let r = replication;
    for (outcome, expected) in [
        (Outcome::Rejected, r.prob_blocked),
        (Outcome::Abandoned, r.prob_abandon),
        (Outcome::DeadLettered, r.prob_dead_letter),
        (Outcome::Unfinished, r.unfinished as f64 / rows.len() as f64),
        (Outcome::Lost, 0.0),
    ] {
        assert!(close(fraction(outcome), expected), "{name}: {outcome} {} {expected}", fraction(outcome));
    }
    let mean = |metric: fn(&JobRecord) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(metric).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert!(close(mean(JobRecord::wait_s), r.mean_wait_s), "{name}: wait {}", mean(JobRecord::wait_s));
    assert!(close(mean(JobRecord::sojourn_s), r.mean_sojourn_s), "{name}: {}", mean(JobRecord::sojourn_s));
    assert!(rows.iter().all(|row| row.wait_s().is_none_or(|wait_s| wait_s >= 0.0)), "{name}");
}

/// L = X·W, where those who left unserved stayed `lost_stay_s`; over replications, within their scatter.
fn assert_littles_law(name: &str, replications: &[Replication], lost_stay_s: f64) {
    let gap = |r: &Replication| {
        let left = r.throughput / (1.0 - r.prob_abandon - r.prob_blocked) * r.prob_abandon;
        r.mean_in_system - r.throughput * r.mean_sojourn_s - left * lost_stay_s
    };
    let gaps: Vec<f64> = replications.iter().map(gap).collect();
    let lengths: Vec<f64> = replications.iter().map(|r| r.mean_in_system).collect();
    let ((gap, error), (length, _)) = (mean_and_error(&gaps), mean_and_error(&lengths));
    // The window cuts the stays of the jobs at its edges.
    assert!(gap.abs() < 4.0 * error + 0.03 * length, "{name}: L is {length}, off by {gap} ± {error}");
}

#[test]
fn any_arrivals_any_shape_any_servers_and_any_limit_go_together() {
    for servers in [1, 3] {
        for arrivals in processes(servers) {
            for shape in SHAPES {
                for (limit, keys) in LIMITS {
                    let name = format!("{arrivals} {shape} {servers} {limit}");
                    let tables = format!(
                        "{DRIVE}[arrivals]\n{arrivals}\n[service]\nmean = 0.005\nshape = {shape}\n\
                         [queue]\nservers = {servers}\n{keys}\n"
                    );
                    let scenario = scenario(&tables, TINY);
                    let runs = simulate(&scenario, Terms::IDEAL);
                    runs.iter().for_each(|run| assert_sane(&name, run));
                    assert!(runs.iter().all(|run| run.unfinished == 0), "{name}");
                    assert_rows_agree(&name, &scenario, &runs[0]);
                    match limit {
                        "fcfs" | "reject" => assert_littles_law(&name, &runs, 0.0),
                        "ttl" => assert_littles_law(&name, &runs, TTL_S),
                        _ => {}
                    }
                }
            }
        }
    }
}

const FIGURES: [fn(&Replication) -> f64; 9] = [
    |r| r.mean_wait_s,
    |r| r.mean_sojourn_s,
    |r| r.wait_variance,
    |r| r.mean_in_system,
    |r| r.mean_queue_length,
    |r| r.utilization,
    |r| r.throughput,
    |r| r.prob_wait,
    |r| r.wait_quantiles_s[2],
];

#[test]
fn the_recursion_is_the_event_engine_for_any_arrivals_and_shape() {
    for servers in [1, 3] {
        for arrivals in processes(servers).into_iter().filter(|process| !process.contains("finite_source")) {
            for shape in SHAPES {
                let tables = format!(
                    "[arrivals]\n{arrivals}\n[service]\nmean = 0.005\nshape = {shape}\n[queue]\nservers = {servers}\n"
                );
                let scenario = scenario(&tables, Effort { replications: 2, ..TINY });
                let (runs, events) = (simulate(&scenario, Terms::IDEAL), simulate_events(&scenario, 1));
                let name = format!("{arrivals} {shape} {servers}");
                for metric in FIGURES {
                    let (one, other) = (metric(&runs[1]), metric(&events));
                    assert!((one - other).abs() <= 1e-8 * one.abs().max(1.0), "{name}: {one} {other}");
                }
            }
        }
    }
}

pub const DISCIPLINES: [&str; 9] = [
    "{ kind = \"fcfs\" }",
    "{ kind = \"lcfs\" }",
    "{ kind = \"lcfs_preemptive\" }",
    "{ kind = \"random\" }",
    "{ kind = \"processor_sharing\" }",
    "{ kind = \"sjf\" }",
    "{ kind = \"srpt\" }",
    "{ kind = \"priority\", preemptive = false }",
    "{ kind = \"priority\", preemptive = true }",
];

fn classes(servers: u32, shape: &str) -> String {
    let class = |name, priority, rate, more: &str| {
        format!(
            "[[class]]\nname = \"{name}\"\npriority = {priority}\narrivals = {{ rate = {rate}{more} }}\n\
             service = {{ mean = 0.005, shape = {shape} }}\n"
        )
    };
    class("a", 1, 40 * servers, "")
        + &class("b", 2, 50 * servers, ", batch = { kind = \"geometric\", mean = 2.0 }")
        + &class(
            "c",
            2,
            60 * servers,
            ", process = { kind = \"mmpp\", levels = [0, 1], mean_stay_s = [0.1, 0.2] }",
        )
}

/// What can trouble a queue of any order; processor sharing knows only the first two.
const TROUBLES: [&str; 8] = [
    "",
    "capacity = 7",
    "patience = { mean = 0.01 }",
    "retry = { probability = 0.2, max_attempts = 3 }\ncapacity = 7",
    "retry = { probability = 0.2, demand = \"redrawn\" }\npatience = { mean = 0.02 }",
    "breakdowns = { while = \"always\", mean_up_s = 0.1, mean_down_s = 0.01 }",
    "breakdowns = { while = \"busy\", mean_up_s = 0.1, mean_down_s = 0.01, work = \"resume\" }",
    "\n[[outage]]\nat_s = 0.5\nfor_s = 0.1\nservers = 1\n[[outage]]\nat_s = 0.55\nfor_s = 0.1\nwork = \"resume\"",
];

/// The figures of the classes add up to those of all jobs.
fn assert_classes_add_up(name: &str, all: &Replication) {
    let sum = |metric: fn(&Replication) -> f64| all.classes.iter().map(metric).sum::<f64>();
    for (figure, whole, parts) in [
        ("in system", all.mean_in_system, sum(|r| r.mean_in_system)),
        ("throughput", all.throughput, sum(|r| r.throughput)),
        ("offered load", all.offered_load, sum(|r| r.offered_load)),
        ("unfinished", all.unfinished as f64, sum(|r| r.unfinished as f64)),
    ] {
        assert!((whole - parts).abs() < 1e-6 * whole.max(1e-3), "{name}: {figure} {whole} {parts}");
    }
}

/// Who is in service is counted by jobs in classes and by time in all: in a long run the edges do not count.
#[test]
fn the_service_that_classes_get_adds_up_whatever_the_trouble() {
    let effort = Effort { jobs: 30_000, replications: 2, ..TINY };
    for (discipline, troubles) in
        [(DISCIPLINES[8], &TROUBLES[..7]), (DISCIPLINES[0], &TROUBLES[..7]), (DISCIPLINES[4], &TROUBLES[..2])]
    {
        for trouble in troubles {
            let queue = format!("[queue]\nservers = 2\ndiscipline = {discipline}\n{trouble}\n");
            let runs = run(&format!("{}{queue}", classes(2, SHAPES[1])), effort);
            for all in &runs {
                let sum = |metric: fn(&Replication) -> f64| all.classes.iter().map(metric).sum::<f64>();
                let (busy, queue) = (sum(|r| r.utilization), sum(|r| r.mean_queue_length));
                let name = format!("{discipline} {trouble}");
                assert!((all.utilization - busy).abs() < 0.003, "{name}: {} {busy}", all.utilization);
                assert!(
                    (all.mean_queue_length - queue).abs() < 0.006,
                    "{name}: {} {queue}",
                    all.mean_queue_length
                );
            }
        }
    }
}

#[test]
fn any_order_any_shape_any_servers_several_classes_and_any_trouble_go_together() {
    for servers in [1, 3] {
        for discipline in DISCIPLINES {
            for shape in SHAPES {
                for (n, trouble) in TROUBLES.iter().enumerate() {
                    if discipline.contains("processor_sharing") && n > 1 {
                        continue;
                    }
                    let name = format!("{discipline} {shape} {servers} {trouble}");
                    let queue =
                        format!("[queue]\nservers = {servers}\ndiscipline = {discipline}\n{trouble}\n");
                    let tables = format!("{DRIVE}{}{queue}", classes(servers, shape));
                    let scenario = scenario(&tables, Effort { replications: 2, ..TINY });
                    let runs = simulate(&scenario, Terms::IDEAL);
                    for run in &runs {
                        assert_sane(&name, run);
                        run.classes.iter().for_each(|class| assert_sane(&name, class));
                        assert_classes_add_up(&name, run);
                    }
                    assert_rows_agree(&name, &scenario, &runs[0]);
                }
            }
        }
    }
}

#[test]
fn any_prefetch_any_consumers_any_arrivals_and_any_shape_go_together() {
    for consumers in [1, 3] {
        for arrivals in processes(consumers).into_iter().filter(|process| !process.contains("finite_source"))
        {
            for shape in SHAPES {
                let waits = |prefetch: &str| {
                    let name = format!("{arrivals} {shape} {consumers} {prefetch}");
                    let tables = format!(
                        "{DRIVE}[arrivals]\n{arrivals}\n[service]\nmean = 0.005\nshape = {shape}\n\
                         [queue]\nservers = {consumers}\n{prefetch}\n"
                    );
                    let scenario = scenario(&tables, TINY);
                    let runs = simulate(&scenario, Terms::IDEAL);
                    runs.iter().for_each(|run| assert_sane(&name, run));
                    assert_rows_agree(&name, &scenario, &runs[0]);
                    assert_littles_law(&name, &runs, 0.0);
                    runs.iter().map(|run| run.mean_wait_s).collect::<Vec<_>>()
                };
                let (central, one) = (waits(""), waits("prefetch = 1"));
                for (central, one) in central.iter().zip(&one) {
                    assert!(close(*central, *one), "{arrivals} {shape} {consumers}: {central} {one}");
                }
                let worse: Vec<f64> =
                    waits("prefetch = 8").iter().zip(&central).map(|(w, c)| w - c).collect();
                let (mean, error) = mean_and_error(&worse);
                let name = format!("{arrivals} {shape} {consumers}");
                assert!(mean >= -4.0 * error - 1e-12, "{name}: prefetch helps by {mean} ± {error}");
                assert!(consumers > 1 || worse.iter().all(|gap| gap.abs() < 1e-9), "{name}: {worse:?}");
            }
        }
    }
}
