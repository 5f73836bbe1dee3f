//! What does not change, or only in one direction, when a scenario does: compared with the same random numbers.

use sim::engine::{Replication, simulate, trajectory};
use sim::model::Terms;

use super::combinations::DISCIPLINES;
use crate::agreement::{Effort, mean_and_error, run, scenario};

const EFFORT: Effort = Effort { seed: 8, jobs: 5_000, warmup_jobs: 500, replications: 30 };

fn queue(rate: f64, shape: &str, queue: &str) -> String {
    format!("[arrivals]\nrate = {rate}\n[service]\nmean = 0.005\nshape = {{ {shape} }}\n[queue]\n{queue}\n")
}

fn waits(tables: &str) -> Vec<f64> {
    run(tables, EFFORT).iter().map(|run| run.mean_wait_s).collect()
}

#[test]
fn one_more_server_shortens_the_mean_wait_of_every_replication() {
    for shape in
        ["kind = \"exponential\"", "kind = \"hyperexponential\", scv = 4", "kind = \"deterministic\""]
    {
        let by_servers: Vec<Vec<f64>> =
            (2..6).map(|servers| waits(&queue(380.0, shape, &format!("servers = {servers}")))).collect();
        for pair in by_servers.windows(2) {
            assert!(pair[0].iter().zip(&pair[1]).all(|(fewer, more)| more < fewer), "{shape}: {pair:?}");
        }
    }
}

#[test]
fn more_load_lengthens_the_mean_wait_of_every_replication() {
    let by_rate: Vec<Vec<f64>> =
        [120.0, 140.0, 160.0].map(|rate| waits(&queue(rate, "kind = \"exponential\"", ""))).into();
    for pair in by_rate.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(less, more)| more > less));
    }
}

/// The mean of a figure over replications grows, or falls, along a series of queues.
fn assert_falls(name: &str, queues: &[&str], metric: fn(&Replication) -> f64) {
    let means: Vec<f64> = queues
        .iter()
        .map(|keys| {
            let values: Vec<f64> =
                run(&queue(180.0, "kind = \"exponential\"", keys), EFFORT).iter().map(metric).collect();
            mean_and_error(&values).0
        })
        .collect();
    assert!(means.windows(2).all(|pair| pair[1] < pair[0]), "{name}: {means:?}");
}

#[test]
fn more_room_patience_or_reliability_loses_fewer_jobs() {
    assert_falls("capacity", &["capacity = 3", "capacity = 5", "capacity = 9"], |r| r.prob_blocked);
    let patience =
        ["patience = { mean = 0.005 }", "patience = { mean = 0.02 }", "patience = { mean = 0.08 }"];
    assert_falls("patience", &patience, |r| r.prob_abandon);
    let up = |up| format!("breakdowns = {{ while = \"always\", mean_up_s = {up}, mean_down_s = 0.005 }}");
    let up = [up(0.08), up(0.4), up(4.0)];
    assert_falls("breakdowns", &up.each_ref().map(String::as_str), |r| r.mean_sojourn_s);
    let attempts =
        ["1", "2", "4"].map(|n| format!("retry = {{ probability = 0.3, max_attempts = {n} }}\nservers = 2"));
    assert_falls("attempts", &attempts.each_ref().map(String::as_str), |r| r.prob_dead_letter);
}

#[test]
fn orders_that_do_not_look_at_demands_share_one_mean_wait() {
    for servers in [1, 3] {
        let with = |kind: &str| {
            let keys = format!("servers = {servers}\ndiscipline = {{ kind = \"{kind}\" }}");
            waits(&queue(150.0 * f64::from(servers), "kind = \"lognormal\", scv = 1.5", &keys))
        };
        let fcfs = with("fcfs");
        for other in ["lcfs", "random"] {
            let gaps: Vec<f64> = with(other).iter().zip(&fcfs).map(|(a, b)| a / b - 1.0).collect();
            let (mean, error) = mean_and_error(&gaps);
            assert!(error < 0.02 && mean.abs() < 4.0 * error, "{other} × {servers}: {mean} ± {error}");
        }
    }
}

#[test]
fn one_server_works_as_much_in_any_order() {
    let busy = |discipline: &str| -> Vec<f64> {
        let keys = format!("discipline = {discipline}");
        run(&queue(150.0, "kind = \"exponential\"", &keys), EFFORT)
            .iter()
            .map(|run| run.utilization)
            .collect()
    };
    let fcfs = busy(DISCIPLINES[0]);
    for discipline in DISCIPLINES {
        let gaps = busy(discipline).into_iter().zip(&fcfs).map(|(a, b)| (a - b).abs());
        assert!(gaps.fold(0.0, f64::max) < 1e-9, "{discipline}");
    }
}

#[test]
fn orders_by_size_or_class_are_first_come_first_served_among_equals() {
    let equal = |kind: &str| {
        let keys = format!("servers = 2\ndiscipline = {{ kind = \"{kind}\" }}");
        trajectory(&scenario(&queue(330.0, "kind = \"deterministic\"", &keys), EFFORT), Terms::IDEAL)
    };
    let starts = |kind: &str| equal(kind).iter().map(|row| row.start_s.unwrap()).collect::<Vec<_>>();
    let fcfs = starts("fcfs");
    for kind in ["sjf", "srpt", "priority"] {
        let gap = starts(kind).iter().zip(&fcfs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(gap < 1e-9, "{kind}: {gap}");
    }
}

const URGENT: &str =
    "[[class]]\nname = \"urgent\"\npriority = 1\narrivals = { rate = 200 }\nservice = { mean = 0.005 }\n";
const BULK: &str =
    "[[class]]\nname = \"bulk\"\npriority = 2\narrivals = { rate = 120 }\nservice = { mean = 0.007 }\n";

#[test]
fn urgent_jobs_do_not_see_what_they_interrupt() {
    let queue = "[queue]\nservers = 2\ndiscipline = { kind = \"priority\", preemptive = true }\n\
                 [[outage]]\nat_s = 1\nfor_s = 0.1\n[drive]\njobs = 2000\nwarmup_jobs = 0\n";
    let rows = |classes: &str| {
        let rows = trajectory(&scenario(&format!("{classes}{queue}"), EFFORT), Terms::IDEAL);
        rows.into_iter()
            .filter(|row| row.class == 0)
            .map(|row| (row.due_s, row.start_s, row.done_s))
            .collect::<Vec<_>>()
    };
    let (alone, among) = (rows(URGENT), rows(&format!("{URGENT}{BULK}")));
    assert_eq!(alone[..among.len()], among);
}

/// When the urgent and the bulk job are done that come at 10, of classes in this order, with an outage at 11.
fn done_after_an_outage(classes: [&str; 2], servers: u32) -> [Option<f64>; 2] {
    let class = |name| {
        let (priority, mean) = if name == "urgent" { (1, 4) } else { (2, 8) };
        format!(
            "[[class]]\nname = \"{name}\"\npriority = {priority}\narrivals = {{ rate = 0.1, process = {{ \
             kind = \"renewal\", shape = {{ kind = \"deterministic\" }} }} }}\n\
             service = {{ mean = {mean}, shape = {{ kind = \"deterministic\" }} }}\n"
        )
    };
    let queue = format!(
        "[queue]\nservers = 2\ndiscipline = {{ kind = \"priority\", preemptive = true }}\n\
         [[outage]]\nat_s = 11\nfor_s = 3\nservers = {servers}\n[drive]\njobs = 2\nwarmup_jobs = 0\n"
    );
    let tables = classes.map(class).concat() + &queue;
    let rows = trajectory(&scenario(&tables, EFFORT), Terms::IDEAL);
    ["urgent", "bulk"].map(|name| rows[classes.iter().position(|class| *class == name).unwrap()].done_s)
}

/// The first job is on server 0, the second on server 1, which is lost from 11 to 14.
#[test]
fn an_urgent_job_that_loses_its_server_takes_that_of_a_bulk_job() {
    // The urgent job starts again at 11 on server 0; the bulk job has 7 s left and goes on at 14.
    assert_eq!(done_after_an_outage(["bulk", "urgent"], 1), [Some(15.0), Some(21.0)]);
    assert_eq!(done_after_an_outage(["urgent", "bulk"], 1), [Some(14.0), Some(22.0)]);
}

#[test]
fn jobs_that_lose_their_servers_together_all_start_again() {
    for classes in [["bulk", "urgent"], ["urgent", "bulk"]] {
        assert_eq!(done_after_an_outage(classes, 2), [Some(18.0), Some(22.0)], "{classes:?}");
    }
}

#[test]
fn the_rows_of_an_overloaded_queue_end() {
    for discipline in ["lcfs", "lcfs_preemptive", "srpt"] {
        let keys =
            format!("discipline = {{ kind = \"{discipline}\" }}\n[drive]\njobs = 300\nwarmup_jobs = 0\n");
        let scenario = scenario(&queue(300.0, "kind = \"exponential\"", &keys), EFFORT);
        let rows = trajectory(&scenario, Terms::IDEAL);
        assert_eq!(rows.len(), 300, "{discipline}");
        assert!(rows.iter().any(|row| row.done_s.is_none()), "{discipline}: what never ends is unfinished");
    }
}

/// A network of one station is the queue itself.
#[test]
fn a_network_of_one_station_is_that_queue() {
    let keys = "servers = 2, capacity = 9, patience = { mean = 0.02 }";
    let alone = queue(380.0, "kind = \"exponential\"", &keys.replace(", ", "\n"));
    let station = format!("[[station]]\nname = \"s\"\nservice = {{ mean = 0.005 }}\nqueue = {{ {keys} }}\n");
    let network = format!("[arrivals]\nrate = 380\n{station}");
    let runs = |tables: &str| simulate(&scenario(tables, EFFORT), Terms::IDEAL);
    for (alone, network) in runs(&alone).iter().zip(runs(&network)) {
        let whole = Replication { stations: Vec::new(), ..network.clone() };
        assert_eq!(*alone, whole);
        assert_eq!(network.stations[0].mean_wait_s, alone.mean_wait_s);
        assert_eq!(network.stations[0].prob_abandon, alone.prob_abandon);
    }
}

/// What a job asks for at its second visit is not what another asked for at its first.
#[test]
fn demands_at_a_return_are_drawn_anew() {
    let station = "[[station]]\nname = \"s\"\nservice = { mean = 1.0 }\nqueue = { servers = 100 }\nnext = ";
    let rows = |next: &str| {
        let tables =
            format!("[drive]\njobs = 200\nwarmup_jobs = 0\n[arrivals]\nrate = 0.001\n{station}{next}\n");
        trajectory(&scenario(&tables, EFFORT), Terms::IDEAL)
    };
    let returning = rows("{ s = 0.5, exit = 0.5 }");
    // Jobs are far apart: a stay of twice, or any multiple of, the demand would be a repeated draw.
    let twice = |row: &sim::model::JobRecord| {
        let ratio = row.sojourn_s().unwrap() / row.demand_s;
        ratio > 1.5 && (ratio - 2.0).abs() < 1e-9
    };
    assert!(!returning.iter().any(twice));
    let all: Vec<f64> = returning.iter().map(|row| row.demand_s).collect();
    let extra =
        returning.iter().map(|row| row.sojourn_s().unwrap() - row.demand_s).filter(|more| *more > 1e-9);
    let repeated = extra.filter(|more| all.iter().any(|demand| (demand / more - 1.0).abs() < 1e-6)).count();
    assert_eq!(repeated, 0, "returns with a demand that another job had");
}

#[test]
fn the_row_of_a_job_in_a_network_tells_its_whole_wait() {
    let tables = "[drive]\njobs = 5000\nwarmup_jobs = 500\n[arrivals]\nrate = 100\n\
                  [[station]]\nname = \"a\"\nservice = { mean = 0.005 }\nnext = { b = 1.0 }\n\
                  [[station]]\nname = \"b\"\nservice = { mean = 0.006 }\n";
    let scenario = scenario(tables, Effort { replications: 2, ..EFFORT });
    let runs = simulate(&scenario, Terms::IDEAL);
    super::combinations::assert_rows_agree("tandem", &scenario, &runs[0]);
}
