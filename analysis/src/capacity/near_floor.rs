//! Quantiles close to the least that jobs can have, to all digits.

use rayon::prelude::*;
use sim::engine::Consumers;
use sim::model::{Overheads, Scenario};
use sim::output::quantile_of_sorted;
use sim::sampling::{Job, Jobs};

use super::Target;

/// 1.645 standard errors either way hold nine of ten.
const REACH: f64 = 1.645;

/// Consumers more than twice as many with which no job waits.
const SPARE: u32 = 50;

/// A quantile with its relative standard error.
///
/// ```text
/// floor · q/q₀,     q: of these consumers, q₀: of so many that no job waits for another one, with the same jobs
/// ```
///
/// with the known `floor_s` of the latter, so that the luck of the services cancels. Times are sorted, for a bin of a histogram is
/// wider than what is asked here: by how little more than the floor a quantile is.
pub(super) fn quantile(
    scenario: &Scenario,
    overheads: &Overheads,
    target: Target,
    p: f64,
    floor_s: f64,
) -> Option<(f64, f64)> {
    let many = scenario.clone().with_servers(2 * scenario.queue().servers() + SPARE);
    let [few, free] = [scenario, &many].map(|scenario| Times::of(scenario, overheads, target));
    let ([value_s, free_s], all_s) = ([few.quantile(p)?, free.quantile(p)?], &few.sorted_s);
    // Of the shares of jobs up to it, by which replications differ once they have the same jobs.
    let shares = few.shares(value_s).into_iter().zip(free.shares(free_s)).map(|(few, free)| few - free);
    let shares: Vec<f64> = shares.collect();
    let count = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / count;
    let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>();
    let reach = REACH * (spread / (count * (count - 1.0))).sqrt();
    let ends = [p - reach, p + reach].map(|p| quantile_of_sorted(all_s, p.clamp(0.0, 1.0)));
    let width_s = ends[1]? - ends[0]?;
    let error = if value_s > 0.0 { width_s / 2.0 / REACH / value_s } else { 0.0 };
    // Without a floor there is nothing to compare with.
    let value_s = if free_s > 0.0 { floor_s * (value_s / free_s) } else { value_s };
    Some((value_s, error))
}

/// Times of the jobs of each replication, and of all of them.
struct Times {
    replications_s: Vec<Vec<f64>>,
    sorted_s: Vec<f64>,
}

impl Times {
    fn of(scenario: &Scenario, overheads: &Overheads, target: Target) -> Self {
        let run = scenario.run();
        let (jobs, warmup) = (run.jobs() as usize, run.warmup_jobs() as usize);
        let one = |replication: u32| -> Vec<f64> {
            let mut consumers = Consumers::of(scenario, overheads, replication);
            let time_s = |job: Job| {
                let timing = consumers.serve(job.due_s, job.demand_s);
                let until_s = if target.metric.is_sojourn() { timing.done_s } else { timing.start_s };
                until_s - job.due_s
            };
            Jobs::new(scenario, replication).map(time_s).skip(warmup).take(jobs).collect()
        };
        let replications_s: Vec<Vec<f64>> = (0..run.replications()).into_par_iter().map(one).collect();
        let mut sorted_s = replications_s.concat();
        sorted_s.sort_unstable_by(f64::total_cmp);
        Times { replications_s, sorted_s }
    }

    fn quantile(&self, p: f64) -> Option<f64> {
        quantile_of_sorted(&self.sorted_s, p)
    }

    /// Share of the jobs of each replication that take no longer.
    fn shares(&self, at_most_s: f64) -> Vec<f64> {
        let share = |times_s: &Vec<f64>| {
            times_s.iter().filter(|time_s| **time_s <= at_most_s).count() as f64 / times_s.len() as f64
        };
        self.replications_s.iter().map(share).collect()
    }
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
        for (at_most_s, servers) in [(0.023_26, 3), (0.023_2, 4), (0.023_06, 4), (0.023_03, 5)] {
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
