//! What it would do to sojourns if every job were B.

use rayon::prelude::*;
use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::engine::drive_fcfs;
use sim::model::{Experiment, Overheads, Scenario, Terms};
use sim::run_folder::Run;

use super::Ratio;

/// Mean sojourns if all jobs were A, and if all were B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sojourns {
    /// All A, s.
    pub a_s: f64,
    /// All B, s.
    pub b_s: f64,
    /// B over A.
    pub ratio: f64,
    /// The ratio if services were as short as their interval allows.
    pub low: f64,
    /// The ratio if they were as long as it allows.
    pub high: f64,
}

/// The change in sojourns that a change in services makes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outlook {
    /// Of the ideal queue, by theory: E\[T\] with the scenario's rate; `None` without a closed form.
    pub ideal: Option<Sojourns>,
    /// Of the run's own jobs with its own overheads, by the recursion; `None` where the run does not tell them.
    pub calibrated: Option<Sojourns>,
}

/// What a ratio of services does to mean sojourns in the queue of this run.
///
/// Near saturation a little less work is a lot less waiting: for M/M/1 a reduction d makes sojourns
///
/// ```text
/// (1 − d)(1 − ρ)/(1 − (1 − d)ρ)
/// ```
///
/// times as long, 0.59 for d = 12 % at ρ = 0.8. The calibrated answer replays the run's jobs, all with A's demands and
/// all with B's, through the recursion with the overheads that the run shows.
///
/// # References
/// Kleinrock 1975, *Queueing Systems I*.
pub fn outlook(run: &Run, services: &Ratio) -> Outlook {
    let prefetch = run.scenario.effective_prefetch();
    let fitted = fit_run(run.jobs.iter(), prefetch, Origin::Due).ok().map(|terms| terms.overheads());
    let replay = |factor, overheads: &Overheads| Some(replayed(&uniform(&run.scenario, factor), overheads));
    Outlook {
        ideal: sojourns(services, |factor| ideal(&run.scenario, factor)),
        calibrated: fitted.and_then(|overheads| sojourns(services, |factor| replay(factor, &overheads))),
    }
}

fn sojourns(services: &Ratio, mean: impl Fn(f64) -> Option<f64> + Sync) -> Option<Sojourns> {
    let factors = [1.0, services.estimate, services.low, services.high];
    let means: Vec<Option<f64>> = factors.par_iter().map(|factor| mean(*factor)).collect();
    let (a_s, b_s) = means[0].zip(means[1])?;
    // A factor with which the queue grows without end has no sojourn: any length is possible.
    let relative = |mean: Option<f64>| mean.map_or(f64::INFINITY, |mean| mean / a_s);
    Some(Sojourns { a_s, b_s, ratio: b_s / a_s, low: relative(means[2]), high: relative(means[3]) })
}

/// The same jobs, all of one factor.
pub(super) fn uniform(scenario: &Scenario, factor: f64) -> Scenario {
    scenario.clone().with_experiment(Experiment::new(1.0, factor.clamp(0.01, 100.0)))
}

fn ideal(scenario: &Scenario, factor: f64) -> Option<f64> {
    let theory = sim::theory::predict(&uniform(scenario, factor).without_prefetch(), None);
    theory.ok()?.mean_sojourn_s
}

/// Mean sojourn of the measured driven jobs, s.
pub(super) fn replayed(scenario: &Scenario, overheads: &Overheads) -> f64 {
    let (mut sum_s, mut jobs) = (0.0, 0_u64);
    drive_fcfs(scenario, overheads.clone(), |job, timing, _| {
        if job.index >= scenario.drive().warmup_jobs() {
            sum_s += timing.done_s - job.due_s;
            jobs += 1;
        }
    });
    sum_s / jobs as f64
}

/// Mean sojourn of the measured driven jobs without any overhead, s.
pub(super) fn replayed_ideally(scenario: &Scenario) -> f64 {
    replayed(&scenario.clone().without_prefetch(), &Overheads::from(Terms::IDEAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ideal_outlook_matches_theory() {
        let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap();
        let services = Ratio { estimate: 0.88, low: 0.86, high: 0.90, p_value: 0.0 };
        let found = sojourns(&services, |factor| ideal(&scenario, factor)).unwrap();
        let amplified = |kept: f64| kept * 0.2 / (1.0 - kept * 0.8);
        for (found, factor) in [(found.ratio, 0.88), (found.low, 0.86), (found.high, 0.90)] {
            assert!((found - amplified(factor)).abs() < 1e-9, "{found} for {}", amplified(factor));
        }
    }
}
