//! Networks: tandem and Jackson.

use sim::engine::Replication;

use crate::agreement::{USUAL, assert_agrees, assert_agrees_with, group, run, usual, within};

fn station(name: &str, rate: f64, next: &str) -> String {
    format!("[[station]]\nname = \"{name}\"\nservice = {{ mean = {} }}\nnext = {{ {next} }}\n", 1.0 / rate)
}

#[test]
fn queues_in_a_row_match_theory() {
    for rate in [0.5, 40.0] {
        let records = group("tandem", |r| r.param("lam") == rate);
        let rates = records[0].list("mu");
        let next =
            |n: usize| if n + 1 < rates.len() { format!("s{} = 1.0", n + 1) } else { "exit = 1".into() };
        let stations: String =
            rates.iter().enumerate().map(|(n, rate)| station(&format!("s{n}"), *rate, &next(n))).collect();
        let runs = run(&format!("[arrivals]\nrate = {rate}\n{stations}"), USUAL);
        assert_agrees_with(&records, 3, &runs, |r| match r.metric.as_str() {
            "var_W_total" => within(0.02, |r| r.sojourn_variance),
            _ => usual(r),
        });
    }
}

#[test]
fn a_jackson_network_matches_theory() {
    let records = group("jackson", |_| true);
    let (external, rates) = (records[0].list("external"), records[0].list("mu"));
    let routing = records[0].list("routing");
    let total: f64 = external.iter().sum();
    let stations: String = (0..3)
        .map(|n| {
            let row = &routing[3 * n..3 * n + 3];
            let mut next: Vec<String> = (0..3).map(|to| format!("s{to} = {}", row[to])).collect();
            next.push(format!("exit = {}", 1.0 - row.iter().sum::<f64>()));
            station(&format!("s{n}"), rates[n], &next.join(", "))
        })
        .collect();
    let first: Vec<String> = (0..3).map(|n| format!("s{n} = {}", external[n] / total)).collect();
    let arrivals = format!("[arrivals]\nrate = {total}\nfirst = {{ {} }}\n", first.join(", "));
    let runs = run(&(arrivals + &stations), USUAL);
    assert_agrees_with(&records, 7, &runs, |r| {
        if r.metric == "W_system" {
            return within(0.01, |r| r.mean_sojourn_s);
        }
        let (metric, number) = r.metric.split_once('_')?;
        let station = number.parse::<usize>().ok()? - 1;
        match metric {
            "lam" => within(0.01, move |r: &Replication| r.stations[station].throughput),
            "L" => within(0.01, move |r: &Replication| r.stations[station].mean_in_system),
            _ => None,
        }
    });
    let system: f64 = records.iter().filter(|r| r.metric.starts_with("L_")).map(|r| r.value).sum();
    assert_agrees("in all", &runs, system, 0.01, |r| r.mean_in_system);
}

/// A job that returns at once with probability p to a single station is served a geometric number of times.
#[test]
fn a_station_that_feeds_itself_matches_theory() {
    let tables = format!("[arrivals]\nrate = 0.35\n{}", station("a", 1.0, "a = 0.5, exit = 0.5"));
    let runs = run(&tables, USUAL);
    assert_agrees("sojourn", &runs, 1.0 / (0.5 - 0.35), 0.01, |r| r.mean_sojourn_s);
    assert_agrees("utilization", &runs, 0.7, 0.01, |r| r.utilization);
}
