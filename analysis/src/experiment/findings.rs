//! Everything that one run says of its two arms.

use serde::Serialize;
use sim::run_folder::Run;

use super::sample::split;
use super::{
    Adjusted, Allocation, Calibration, ExperimentError, Failures, Outlook, Peeking, QuantileEffect, Ranks,
    Ratio, Sample, Shuffle, adjust, allocation, calibrate, failures, mann_whitney, outlook, peek,
    quantile_effects, ratio, welch,
};
use crate::statistics::{Test, mean};

/// Re-randomisations of the run's own services.
const TIMES: u32 = 1_000;
/// Successive jobs that are assigned together: short enough for hundreds of stretches, without which the share of
/// findings would be a matter of these few stretches.
const STRETCH: usize = 10;
/// Values that are re-randomised at most: more show nothing else, and take their time.
const MOST: usize = 100_000;

/// What the jobs of two arms in one run show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// 1 − confidence of every interval.
    pub alpha: f64,
    /// Jobs of each arm beside what was planned.
    pub allocation: Allocation,
    /// Mean service of A, s.
    pub mean_service_a_s: f64,
    /// Mean service of B, s.
    pub mean_service_b_s: f64,
    /// Mean service, B over A.
    pub services: Ratio,
    /// The same at equal demands: what jobs would have demanded as A is known before. Never less precise, and not misled by an arm
    /// that loses jobs for what they demand, so this is what decides.
    pub adjusted: Adjusted,
    /// Welch's test of equal means.
    pub welch: Test,
    /// Which is shorter more often.
    pub ranks: Ranks,
    /// What B does to quantiles.
    pub quantile_effects: Vec<QuantileEffect>,
    /// Which arm's jobs fail more often.
    pub failures: Failures,
    /// What one may say who looked all the time.
    pub always_valid: Peeking,
    /// Experiments without an effect, on A's services, job by job.
    pub a_a: Calibration,
    /// The same at equal demands, which is the test that decides.
    pub a_a_adjusted: Calibration,
    /// The same with stretches of successive jobs.
    pub a_a_stretches: Calibration,
    /// The same with sojourns: what goes wrong if they are taken for independent.
    pub a_a_sojourns: Calibration,
    /// What it would do to sojourns if every job were B.
    pub outlook: Outlook,
}

impl Findings {
    /// What a run says; `mixing` is the effect at which the always-valid p-value is best.
    ///
    /// # Errors
    /// [`ExperimentError`] if the run has no two arms.
    pub fn of(run: &Run, alpha: f64, mixing: f64) -> Result<(Sample, Self), ExperimentError> {
        let sample = Sample::of(run)?;
        let planned_share = run.scenario.experiment().map_or(0.5, |experiment| experiment.share());
        let services = sample.services();
        let [a, b] = &services;
        let numbered = |arm: bool| -> Vec<(u64, f64)> {
            let jobs = sample.job.iter().zip(&sample.service_s).zip(&sample.is_b);
            jobs.filter(|(_, is_b)| **is_b == arm).map(|((job, service_s), _)| (*job, *service_s)).collect()
        };
        let demands = sample.arms(&sample.base_demand_s);
        let share = b.len() as f64 / (a.len() + b.len()) as f64;
        let by = |stretch| Shuffle { times: TIMES, share, stretch, seed: run.manifest.seed };
        let first = |values: &[f64]| values[..values.len().min(MOST)].to_vec();
        let a_a = |values: &[f64], stretch: usize| {
            let values = first(values);
            calibrate(&values, by(stretch), alpha, |is_b| {
                let [a, b] = split(&values, is_b);
                ratio(&a, &b, alpha).p_value
            })
        };
        let (x, y) = (first(&demands[0]), first(a));
        let a_a_adjusted = calibrate(&y, by(1), alpha, |is_b| {
            adjust(&split(&x, is_b), &split(&y, is_b), alpha).ratio.p_value
        });
        let adjusted = adjust(&demands, &services, alpha);
        let findings = Findings {
            alpha,
            allocation: allocation(sample.jobs[0], sample.jobs[1], planned_share),
            mean_service_a_s: mean(a),
            mean_service_b_s: mean(b),
            services: ratio(a, b, alpha),
            adjusted,
            welch: welch(a, b),
            ranks: mann_whitney(a, b),
            quantile_effects: quantile_effects(a, b, alpha),
            failures: failures(sample.jobs, sample.failed),
            always_valid: peek(&numbered(false), &numbered(true), mixing, alpha),
            a_a: a_a(a, 1),
            a_a_adjusted,
            a_a_stretches: a_a(a, STRETCH),
            a_a_sojourns: a_a(&sample.sojourn_s, STRETCH),
            outlook: outlook(run, &adjusted.ratio),
        };
        Ok((sample, findings))
    }

    /// Whether a difference was found, at equal demands.
    pub fn is_found(&self) -> bool {
        self.adjusted.ratio.p_value < self.alpha && !self.allocation.mismatch
    }

    /// Whether one arm's jobs fail more often.
    pub fn fails_unevenly(&self) -> bool {
        self.failures.p_value < self.alpha
    }
}
