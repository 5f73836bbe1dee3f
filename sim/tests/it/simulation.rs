//! Simulation against closed forms and reference values: |z| < 4 with a standard error that is small.

use sim::engine::{simulate, sustainable_rate};
use sim::model::{Scenario, Terms};
use sim::output::PROBABILITIES;
use sim::scenario_file;
use sim::theory::predict;

use crate::agreement::assert_agrees;
use crate::oracle::records;
use crate::reference::{prefetch_1, prefetch_1_terms};

fn scenario(arrivals: &str, service: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"test\"\n[arrivals]\nrate = 80\nprocess = {arrivals}\n[service]\nmean = 0.01\n\
         shape = {service}\n[run]\nseed = 11\njobs = 60_000\nwarmup_jobs = 6_000\nreplications = 160\n"
    );
    scenario_file::parse(&text, "test").unwrap()
}

#[test]
fn every_metric_of_the_mm1_queue_matches_theory() {
    let scenario = scenario("{ kind = \"poisson\" }", "{ kind = \"exponential\" }");
    let theory = predict(&scenario, None).unwrap();
    let runs = simulate(&scenario, Terms::IDEAL);
    assert_agrees("utilization", &runs, theory.utilization.unwrap(), 0.01, |r| r.utilization);
    assert_agrees("offered load", &runs, theory.offered_load, 0.01, |r| r.offered_load);
    assert_agrees("throughput", &runs, theory.throughput.unwrap(), 0.01, |r| r.throughput);
    assert_agrees("mean wait", &runs, theory.mean_wait_s.unwrap(), 0.01, |r| r.mean_wait_s);
    assert_agrees("mean sojourn", &runs, theory.mean_sojourn_s.unwrap(), 0.01, |r| r.mean_sojourn_s);
    assert_agrees("queue length", &runs, theory.mean_queue_length.unwrap(), 0.01, |r| r.mean_queue_length);
    assert_agrees("in system", &runs, theory.mean_in_system.unwrap(), 0.01, |r| r.mean_in_system);
    assert_agrees("P(wait)", &runs, theory.prob_wait.unwrap(), 0.01, |r| r.prob_wait);
    for (n, (_, p)) in PROBABILITIES.iter().enumerate() {
        let (wait, sojourn) = (theory.wait_quantiles_s[p].unwrap(), theory.sojourn_quantiles_s[p].unwrap());
        let width = if *p == "0.999" { 0.02 } else { 0.01 };
        assert_agrees(p, &runs, wait, width, |r| r.wait_quantiles_s[n]);
        assert_agrees(p, &runs, sojourn, width, |r| r.sojourn_quantiles_s[n]);
    }
}

#[test]
fn the_mean_wait_of_every_service_shape_matches_theory() {
    for shape in [
        "{ kind = \"deterministic\" }",
        "{ kind = \"erlang\", stages = 3 }",
        "{ kind = \"hyperexponential\", scv = 3.0 }",
        "{ kind = \"uniform\", half_width = 1.0 }",
    ] {
        let scenario = scenario("{ kind = \"poisson\" }", shape);
        let expected = predict(&scenario, None).unwrap().mean_wait_s.unwrap();
        assert_agrees(shape, &simulate(&scenario, Terms::IDEAL), expected, 0.01, |r| r.mean_wait_s);
    }
}

#[test]
fn a_short_window_in_the_middle_of_a_busy_queue_matches_theory() {
    let text = "schema = 1\nname = \"window\"\n[arrivals]\nrate = 90\n[service]\nmean = 0.01\n\
                [run]\nseed = 2\njobs = 200\nwarmup_jobs = 20_000\nreplications = 2000\n";
    let scenario = scenario_file::parse(text, "test").unwrap();
    let runs = simulate(&scenario, Terms::IDEAL);
    assert_agrees("throughput", &runs, 90.0, 0.01, |r| r.throughput);
    assert_agrees("utilization", &runs, 0.9, 0.01, |r| r.utilization);
    assert_agrees("in system", &runs, 9.0, 0.03, |r| r.mean_in_system);
}

#[test]
fn constant_arrivals_and_services_never_wait() {
    let renewal = "{ kind = \"renewal\", shape = { kind = \"deterministic\" } }";
    let runs = simulate(&scenario(renewal, "{ kind = \"deterministic\" }"), Terms::IDEAL);
    assert!(runs.iter().all(|run| run.mean_wait_s == 0.0 && run.prob_wait == 0.0));
}

#[test]
fn a_consumer_at_prefetch_1_matches_the_reference_values() {
    let all = records("rabbit_prefetch1");
    for rate in [40.0, 25.0] {
        let records: Vec<_> = all.iter().filter(|record| record.param("lam") == rate).collect();
        let first = records.first().expect("both rates have records");
        let runs = simulate(&prefetch_1(first), prefetch_1_terms(first));
        for record in &records {
            let quantile = |name: &str| PROBABILITIES.iter().position(|(_, p)| *p == name).unwrap();
            match record.metric.as_str() {
                "mean_publish_to_done" => {
                    assert_agrees(&record.id, &runs, record.value, 0.01, |r| r.mean_sojourn_s)
                }
                "done_p50" => assert_agrees(&record.id, &runs, record.value, 0.01, |r| {
                    r.sojourn_quantiles_s[quantile("0.5")]
                }),
                "done_p90" => assert_agrees(&record.id, &runs, record.value, 0.01, |r| {
                    r.sojourn_quantiles_s[quantile("0.9")]
                }),
                "done_p99" => assert_agrees(&record.id, &runs, record.value, 0.01, |r| {
                    r.sojourn_quantiles_s[quantile("0.99")]
                }),
                _ => {}
            }
        }
    }
}

#[test]
fn the_sustainable_rate_is_exact_without_overheads_and_at_prefetch_1() {
    let scenario = scenario("{ kind = \"poisson\" }", "{ kind = \"exponential\" }");
    assert!((sustainable_rate(&scenario, Terms::IDEAL) - 100.0).abs() < 1e-6);
    let terms = Terms { turnaround_s: 4e-4, overshoot_s: 1e-4, ..Terms::IDEAL };
    let rate = sustainable_rate(&scenario.clone().with_prefetch(1), terms);
    assert!((rate - 1.0 / 0.0105).abs() < 1e-6, "{rate}");
    let hidden = sustainable_rate(&scenario.with_prefetch(2), terms);
    assert!(hidden > rate && hidden < 1.0 / 0.0101, "{hidden}");
}
