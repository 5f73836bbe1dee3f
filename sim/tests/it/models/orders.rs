//! Orders of service: priorities, and disciplines by age, by lot and by size.

use sim::engine::Replication;

use crate::agreement::{Effort, Reading, USUAL, assert_agrees_with, group, run, within};
use crate::oracle::Record;

/// One class for each rate of the record, the first with priority 1.
fn classes(record: &Record, preemptive: bool) -> String {
    let shape = match record.text("service") {
        "D" => "{ kind = \"deterministic\" }",
        _ => "{ kind = \"exponential\" }",
    };
    let class = |(n, (rate, mean)): (usize, (&f64, &f64))| {
        format!(
            "[[class]]\nname = \"c{n}\"\npriority = {}\narrivals = {{ rate = {rate} }}\n\
             service = {{ mean = {mean}, shape = {shape} }}\n",
            n + 1
        )
    };
    let (rates, means) = (record.list("lam"), record.list("mean_service"));
    let classes: String = rates.iter().zip(&means).enumerate().map(class).collect();
    format!("{classes}[queue]\ndiscipline = {{ kind = \"priority\", preemptive = {preemptive} }}\n")
}

/// A metric of the class whose number, from 1, ends the record's name.
fn of_class(record: &Record) -> Option<Reading> {
    let (metric, class) = record.metric.split_once("_class")?;
    let class = class.parse::<usize>().ok()? - 1;
    match metric {
        "Wq" => within(0.01, move |r: &Replication| r.classes[class].mean_wait_s),
        "W" => within(0.01, move |r: &Replication| r.classes[class].mean_sojourn_s),
        _ => None,
    }
}

const SETS: [(&str, f64); 3] = [("M", 2.0), ("M", 3.0), ("D", 2.0)];

#[test]
fn priorities_without_preemption_match_theory() {
    for (service, count) in SETS {
        let chosen = |r: &Record| r.text("service") == service && r.list("lam").len() as f64 == count;
        let records = group("priority_np", chosen);
        let runs = run(&classes(&records[0], false), USUAL);
        assert_agrees_with(&records, 2 * count as usize, &runs, of_class);
    }
}

#[test]
fn priorities_with_preemption_match_theory() {
    for (service, count) in SETS {
        let chosen = |r: &Record| r.text("service") == service && r.list("lam").len() as f64 == count;
        let records = group("priority_pr", chosen);
        let runs = run(&classes(&records[0], true), USUAL);
        assert_agrees_with(&records, count as usize, &runs, of_class);
    }
}

fn discipline(model: &str) -> (&'static str, &'static str) {
    let (queue, order) = model.split_once("/1-").unwrap();
    let shape = match queue {
        "M/H2" => "{ kind = \"hyperexponential\", scv = 4.0 }",
        _ => "{ kind = \"exponential\" }",
    };
    let order = match order {
        "PS" => "processor_sharing",
        "LCFS-PR" => "lcfs_preemptive",
        "LCFS" => "lcfs",
        "ROS" => "random",
        "SRPT" => "srpt",
        "SJF" => "sjf",
        other => panic!("no discipline {other}"),
    };
    (order, shape)
}

#[test]
fn disciplines_match_theory() {
    for (model, load, jobs, count) in [
        ("M/M/1-PS", 0.8, 40_000, 2),
        ("M/M/1-LCFS-PR", 0.8, 40_000, 2),
        ("M/M/1-LCFS", 0.8, 40_000, 2),
        ("M/M/1-ROS", 0.8, 40_000, 1),
        ("M/M/1-SRPT", 0.8, 15_000, 1),
        ("M/M/1-SJF", 0.8, 15_000, 1),
        ("M/M/1-PS", 0.5, 15_000, 2),
        ("M/H2/1-SRPT", 0.7, 15_000, 1),
        ("M/H2/1-PS", 0.7, 15_000, 1),
    ] {
        let records = group("disciplines", |r| r.model == model && r.param("lam") == load);
        let (order, shape) = discipline(model);
        let tables = format!(
            "[arrivals]\nrate = {load}\n[service]\nmean = 1\nshape = {shape}\n\
             [queue]\ndiscipline = {{ kind = \"{order}\" }}\n"
        );
        let runs = run(&tables, Effort { jobs, ..USUAL });
        assert_agrees_with(&records, count, &runs, |r| match r.metric.as_str() {
            "W" => within(0.01, |r| r.mean_sojourn_s),
            "Wq" => within(0.01, |r| r.mean_wait_s),
            "var_W" => within(0.03, |r| r.sojourn_variance),
            "E[Wq^2]" => within(0.04, |r| r.wait_variance + r.mean_wait_s.powi(2)),
            _ => None,
        });
    }
}
