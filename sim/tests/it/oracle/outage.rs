use sim::theory::fluid::FluidOutage;
use sim::theory::outage::Outage;

use super::{Record, check};

#[test]
fn outage_matches_theory() {
    check("outage", compute);
}

#[test]
fn outage_fluid_matches_theory() {
    check("outage_fluid", compute_fluid);
}

fn compute(record: &Record) -> Option<f64> {
    let (lambda, mu, outage_s) = (record.param("lam"), record.param("mu"), record.param("outage"));
    let t = record.param("t_after_restart");
    Some(match record.metric.as_str() {
        "E[N]" => Outage::new(lambda, mu, outage_s).unwrap().after_restart(t).unwrap().mean_in_system(),
        "fluid_backlog" => FluidOutage::new(lambda, mu, outage_s).unwrap().backlog(t),
        _ => return None,
    })
}

fn compute_fluid(record: &Record) -> Option<f64> {
    let outage =
        FluidOutage::new(record.param("lam"), record.param("capacity"), record.param("outage_s")).unwrap();
    let slo = record.param("slo_s");
    Some(match record.metric.as_str() {
        "peak_backlog" => outage.peak_backlog(),
        "drain_time" => outage.drain_time(),
        "affected_messages" => outage.affected_jobs(),
        "max_delay" => outage.max_delay(),
        "mean_delay_of_affected" => outage.mean_delay(),
        "messages_over_slo" => outage.jobs_over(slo),
        "time_until_slo_met_after_restart" => outage.last_over(slo)?,
        _ => return None,
    })
}
