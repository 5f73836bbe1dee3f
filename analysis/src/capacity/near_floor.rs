//! Quantiles close to the least that jobs can have, to all digits.

use rayon::prelude::*;
use sim::engine::Consumers;
use sim::model::{Overheads, Scenario};
use sim::output::quantile_of_sorted;
use sim::sampling::Jobs;

use super::Target;

/// 1.645 standard errors either way hold nine of ten.
const REACH: f64 = 1.645;

/// A quantile with its relative standard error. Times are sorted, for a bin of a histogram is wider than what is asked here: by how
/// little more than the least a quantile is, which many jobs have to the digit if services are constant.
pub(super) fn quantile(
    scenario: &Scenario,
    overheads: &Overheads,
    target: Target,
    p: f64,
) -> Option<(f64, f64)> {
    let run = scenario.run();
    let (jobs, warmup) = (run.jobs() as usize, run.warmup_jobs() as usize);
    let one = |replication: u32| -> Vec<f64> {
        let mut consumers = Consumers::of(scenario, overheads, replication);
        let time_s = |job: sim::sampling::Job| {
            let timing = consumers.serve(job.due_s, job.demand_s);
            // A due time of days leaves the last digits to rounding.
            match target.metric.is_sojourn() {
                true => (timing.start_s - job.due_s) + (timing.done_s - timing.start_s),
                false => timing.start_s - job.due_s,
            }
        };
        Jobs::new(scenario, replication).map(time_s).skip(warmup).take(jobs).collect()
    };
    let replications: Vec<Vec<f64>> = (0..run.replications()).into_par_iter().map(one).collect();
    let mut all_s = replications.concat();
    all_s.sort_unstable_by(f64::total_cmp);
    let value_s = quantile_of_sorted(&all_s, p)?;
    // Of the share of jobs up to it, which replications have by chance.
    let shares: Vec<f64> = replications
        .iter()
        .map(|times_s| times_s.iter().filter(|time_s| **time_s <= value_s).count() as f64 / jobs as f64)
        .collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>();
    let reach = REACH * (spread / (shares.len() as f64 * (shares.len() as f64 - 1.0))).sqrt();
    let ends = [p - reach, p + reach].map(|p| quantile_of_sorted(&all_s, p.clamp(0.0, 1.0)));
    let width_s = ends[1]? - ends[0]?;
    Some((value_s, if value_s > 0.0 { width_s / 2.0 / REACH / value_s } else { 0.0 }))
}

#[cfg(test)]
mod tests {
    use sim::theory::mmc::Mmc;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::super::{CapacityError, staffing};
    use super::*;

    fn fewest(shape: &str, at_most_s: f64) -> Result<u32, CapacityError> {
        let target = Target { metric: "p99_sojourn".parse().unwrap(), at_most_s };
        staffing(&system(160.0, 0.005, shape, None), target, |_| ()).map(|found| found.fewest)
    }

    // By M/M/c: 23.237 ms of three, 23.048 of four, 23.028 of five.
    #[test]
    fn a_target_just_above_the_floor_takes_as_many_as_theory_says() {
        let p99_s = |servers| Mmc::new(160.0, 200.0, servers).unwrap().sojourn_quantile(0.99).unwrap();
        for (at_most_s, servers) in [(0.023_30, 3), (0.023_13, 4)] {
            assert!(p99_s(servers) < at_most_s && p99_s(servers - 1) > at_most_s);
            assert_eq!(fewest(EXPONENTIAL, at_most_s).unwrap(), servers, "{at_most_s}");
        }
    }

    // Constant services of 5 ms: with four consumers 0.8 % of the jobs wait, with three several per cent.
    #[test]
    fn a_target_at_the_floor_is_met_where_hardly_a_job_waits() {
        assert_eq!(fewest("{ kind = \"deterministic\" }", 0.005).unwrap(), 4);
    }
}
