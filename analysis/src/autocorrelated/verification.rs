//! Sizes, powers and coverages, held against what they are meant to be.
//!
//! A part of it runs with all tests. The whole, `make size`, prints the tables of docs/methodology.md, too.
#![allow(clippy::print_stdout, reason = "the tables are what these tests are for")]

use rayon::prelude::*;
use sim::model::{Shape, Terms};
use sim::normal;
use sim::output::{quantile_of_sorted, sorted};
use sim::theory::{law::Law, mm1::Mm1, prefetch1::Prefetch1};

use super::test_bed::{Bed, Queue};
use super::*;
use crate::compare::Verdict;

const STATISTICS: [Statistic; 4] =
    [Statistic::Mean, Statistic::Quantile(0.5), Statistic::Quantile(0.9), Statistic::Quantile(0.99)];
/// Replicates of long runs start here, and of observations there: neither were looked at when the methods were made.
const TRUTH: u32 = 14_000_000;
const OUTER: u32 = 13_000_000;
/// Standard errors that chance may put between a share and its law, in one of some hundred comparisons.
const ALLOWED: f64 = 3.5;
/// What a power may be off by from one by normal laws, since means of few independent stretches are skew.
const SKEW: f64 = 0.08;

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share {
    count: usize,
    of: usize,
}

impl Share {
    fn of(events: impl ExactSizeIterator<Item = bool>) -> Self {
        let of = events.len();
        Share { count: events.filter(|happened| *happened).count(), of }
    }

    fn value(self) -> f64 {
        self.count as f64 / self.of as f64
    }

    /// What chance may add to a share of `p`, or take from it.
    fn chance(self, p: f64) -> f64 {
        ALLOWED * (p * (1.0 - p) / self.of as f64).sqrt()
    }

    #[track_caller]
    fn at_least(self, p: f64, what: &str) {
        assert!(self.value() >= p - self.chance(p), "{what}: {self}, where {:.1} % are meant", 100.0 * p);
    }

    #[track_caller]
    fn at_most(self, p: f64, what: &str) {
        assert!(self.value() <= p + self.chance(p), "{what}: {self}, where {:.1} % are meant", 100.0 * p);
    }

    /// As many as an approximation says, give or take what that is off by, too.
    #[track_caller]
    fn is_about(self, p: f64, off: f64, what: &str) {
        assert!(
            (self.value() - p).abs() <= off + self.chance(p),
            "{what}: {self}, where {:.1} % are meant",
            100.0 * p
        );
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} %", 100.0 * self.value())
    }
}

/// The four statistics of a long run.
fn figures(values: &[f64]) -> [f64; 4] {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let quantile = |p| quantile_of_sorted(values, p).unwrap();
    [mean, quantile(0.5), quantile(0.9), quantile(0.99)]
}

/// Relative errors and D in the long run, from so many runs of two million jobs.
fn truth(bed: &Bed, runs: u32) -> ([f64; 4], f64) {
    let one = |run: u32| {
        let [predicted, observed] = bed.run(TRUTH + run, 2_000_000).map(sorted);
        (figures(&predicted), figures(&observed), sup_of_sorted(&predicted, &observed))
    };
    let found: Vec<_> = (0..runs).into_par_iter().map(one).collect();
    let errors = std::array::from_fn(|k| {
        let observed: f64 = found.iter().map(|run| run.1[k]).sum();
        let predicted: f64 = found.iter().map(|run| run.0[k]).sum();
        observed / predicted - 1.0
    });
    (errors, found.iter().map(|run| run.2).sum::<f64>() / f64::from(runs))
}

/// What the comparison of one pair found.
struct PairFound {
    errors: Vec<RelativeError>,
    /// D + c.
    bound: f64,
    is_short: bool,
}

fn compare_pair(bed: &Bed, run: u32, jobs: usize) -> PairFound {
    let [predicted, observed] = bed.run(OUTER + run, jobs);
    let memory = Memory::of_pair(&predicted, &observed);
    let blocks = Blocks::of_pair(&predicted, &observed);
    let distance = Distance::of(&blocks, &memory, 0.95, u64::from(run));
    PairFound {
        errors: blocks.relative_errors(&STATISTICS, 0.0, &memory, u64::from(run)),
        bound: distance.sup + distance.sup_critical,
        is_short: memory.is_short,
    }
}

/// Coverage of nominal 90 % intervals of the relative errors of a pair, how often an error at the margin is called valid
/// (5 % at most) and one of twice the margin invalid, and coverage of the upper bound D + c (nominal 95 %).
fn verify_pairs(utilization: f64, truth_runs: u32, cases: &[(usize, u32)]) {
    let bed = Bed::new(utilization);
    let (errors, sup) = truth(&bed, truth_runs);
    println!("\nIn the long run the errors at ρ = {utilization} are {errors:.4?} and D = {sup:.4}.\n");
    println!(
        "| ρ | jobs | runs | mean | p50 | p90 | p99 | s.e. of the mean's | its true one | valid at the margin | \
         invalid at half of it | by theory | D + c | short |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for &(jobs, runs) in cases {
        let found: Vec<PairFound> =
            (0..runs).into_par_iter().map(|run| compare_pair(&bed, run, jobs)).collect();
        let share = |of: &dyn Fn(&PairFound) -> bool| Share::of(found.iter().map(of));
        let covered: [Share; 4] = std::array::from_fn(|k| {
            share(&|run| {
                let interval = run.errors[k].interval(0.9);
                (interval.low..=interval.high).contains(&errors[k])
            })
        });
        let judged = |margin: f64, verdict: Verdict| share(&|run| judge(&run.errors[0], margin) == verdict);
        let accepted = judged(errors[0].abs(), Verdict::Valid);
        let refused = judged(errors[0].abs() / 2.0, Verdict::Invalid);
        let bounded = share(&|run| run.bound >= sup);
        let count = f64::from(runs);
        let claimed = found.iter().map(|run| run.errors[0].standard_error).sum::<f64>() / count;
        let actual =
            (found.iter().map(|run| (run.errors[0].value - errors[0]).powi(2)).sum::<f64>() / count).sqrt();
        let power = power_of_pairs(errors[0], errors[0].abs() / 2.0, actual, &found);
        let [mean, p50, p90, p99] = covered;
        println!(
            "| {utilization} | {jobs} | {runs} | {mean} | {p50} | {p90} | {p99} | {:.2} % | {:.2} % | {accepted} | \
             {refused} | {:.1} % | {bounded} | {} |",
            100.0 * claimed,
            100.0 * actual,
            100.0 * power,
            share(&|run| run.is_short),
        );
        let at = format!("{jobs} jobs at {utilization}");
        for (share, name) in covered.iter().zip(["mean", "p50", "p90", "p99"]) {
            share.at_least(0.9, &format!("the interval of the {name}, {at}"));
        }
        // Wide intervals would hold, too.
        assert!((0.8..1.3).contains(&(claimed / actual)), "{claimed} for {actual}, {at}");
        accepted.at_most(0.05, &format!("valid at the margin, {at}"));
        refused.is_about(power, SKEW, &format!("invalid at half of the error, {at}"));
        bounded.at_least(0.95, &format!("D + c, {at}"));
    }
}

/// How often an error above the margin is called invalid, if its estimates are normal on the logarithm:
///
/// ```text
/// Φ((ln(1 + e) − ln(1 + margin))·(1 + e)/s.e. − r),      r standard errors reaches the 95 % interval downwards
/// ```
///
/// The standard error is the true one, and r that of the runs: Student's t, less what the skewness takes off.
fn power_of_pairs(error: f64, margin: f64, standard_error: f64, found: &[PairFound]) -> f64 {
    let distance = (error.ln_1p() - margin.ln_1p()) * (1.0 + error) / standard_error;
    let of_run = |run: &PairFound| {
        let RelativeError { value, standard_error, .. } = run.errors[0];
        let reach =
            (value.ln_1p() - run.errors[0].interval(0.95).low.ln_1p()) * (1.0 + value) / standard_error;
        normal::tail(reach - distance)
    };
    found.iter().map(of_run).sum::<f64>() / found.len() as f64
}

#[test]
fn intervals_of_pairs_cover_the_truth() {
    verify_pairs(0.5, 4, &[(4_800, 800)]);
    verify_pairs(0.8, 8, &[(20_000, 300)]);
}

#[test]
#[ignore = "takes minutes: make size"]
fn intervals_of_pairs_cover_the_truth_at_any_length() {
    for utilization in [0.5, 0.8] {
        verify_pairs(utilization, 30, &[(4_800, 2_000), (20_000, 2_000), (100_000, 1_000)]);
    }
}

/// Simultaneous coverage of the band (nominal 95 %) for sojourns of M/M/1, whose law is exponential.
#[test]
#[ignore = "takes minutes: make size"]
fn the_band_covers_the_law() {
    const RUNS: u32 = 1_000;
    println!("\n| ρ | jobs | the 95 % band covers the law |\n|---|---|---|");
    for (utilization, jobs) in [(0.5, 20_000), (0.8, 20_000), (0.8, 100_000)] {
        let queue = Queue::mm1(utilization);
        let rate = (1.0 - utilization) / 0.02;
        let covers = |run: u32| {
            let sojourns = queue.run(OUTER + run, jobs).sojourn_s;
            let band = Band::of(&Blocks::of_one(&sojourns), &Memory::of_one(&sojourns), 0.95, 1);
            let law = band.at_s.iter().map(|at_s| -(-at_s * rate).exp_m1());
            law.zip(band.low.iter().zip(&band.high)).all(|(f, (low, high))| *low <= f && f <= *high)
        };
        let covered: Vec<bool> = (0..RUNS).into_par_iter().map(covers).collect();
        let covered = Share::of(covered.into_iter());
        println!("| {utilization} | {jobs} | {covered} |");
        covered.at_least(0.95, &format!("the band of {jobs} jobs at {utilization}"));
    }
}

/// Sizes at 5 %, and power against a turnaround of 0.5 ms, of comparisons of runs that share no jobs.
fn verify_unpaired(cases: &[(f64, bool)], jobs: usize, runs: u32, replicates: u32) {
    println!("\n| ρ | rates | times | mean | p50 | p90 | p99 | D | W1 | power of D | power of the mean |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for &(utilization, estimated) in cases {
        let queue = Queue::mm1(utilization);
        let chance = Bootstrap::with_replicates(&queue, jobs, estimated, replicates);
        let other = Queue::with_turnaround(utilization, 0.0005);
        for (name, judge) in [
            ("waits", Bootstrap::waits as fn(&Bootstrap, &Sample) -> Findings),
            ("sojourns", Bootstrap::sojourns),
        ] {
            let rejections = |queue: &Queue, runs: u32| -> [Share; 6] {
                let judged = |run: u32| {
                    let Findings { mean, quantiles: [p50, p90, p99], sup, wasserstein } =
                        judge(&chance, &queue.run(OUTER + run, jobs));
                    [mean, p50, p90, p99, sup, wasserstein].map(|finding| finding.p_value <= 0.05)
                };
                let found: Vec<[bool; 6]> = (0..runs).into_par_iter().map(judged).collect();
                std::array::from_fn(|k| Share::of(found.iter().map(|rejected| rejected[k])))
            };
            let (sizes, powers) = (rejections(&queue, runs), rejections(&other, runs / 4));
            let rates = if estimated { "estimated" } else { "given" };
            let shown = sizes.map(|share| share.to_string()).join(" | ");
            println!("| {utilization} | {rates} | {name} | {shown} | {} | {} |", powers[4], powers[0]);
            // The law of chance is itself known from so many replicates.
            let error = (0.05 * 0.95 * (1.0 / f64::from(runs) + 1.0 / f64::from(replicates))).sqrt();
            for (size, statistic) in sizes.iter().zip(["mean", "p50", "p90", "p99", "D", "W1"]) {
                let off = (size.value() - 0.05).abs();
                assert!(
                    off <= ALLOWED * error,
                    "{statistic} of {name} at {utilization}, rates {rates}: {size}"
                );
            }
            // What is injected is found, by D as often as by the mean or more, and by that as theory has it.
            let what = format!("power of the mean of {name} at {utilization}, rates {rates}");
            let theory = power_of_mean(utilization, jobs, name);
            if estimated {
                powers[0].at_least(theory - SKEW, &what);
            } else {
                powers[0].is_about(theory, SKEW, &what);
            }
            powers[4].at_least(powers[0].value(), &format!("D beside the {what}"));
        }
    }
}

/// How often the mean of an M/M/1 queue gives away a turnaround of 0.5 ms, if means are normal and rates are given:
///
/// ```text
/// Φ((μ₁ − μ₀ − 1.96·σ₀)/σ₁)      μ: means, exact      σ₀: exact      σ₁: of the M/M/1 queue that is as busy
/// ```
///
/// Means whose rates are estimated vary less, so more is found.
fn power_of_mean(utilization: f64, jobs: usize, name: &str) -> f64 {
    let rate = utilization / 0.02;
    let terms = Terms { turnaround_s: 0.0005, idle_path_s: 0.00025, ..Terms::IDEAL };
    let service = Law::new(&Shape::Exponential {}, 0.02).unwrap();
    let other = Prefetch1::new(rate, service, terms).unwrap();
    let [queue, as_busy] = [0.02, 0.0205].map(|mean_s| Mm1::new(rate, 1.0 / mean_s).unwrap());
    let (shift_s, variances) = match name {
        "waits" => {
            (other.mean_wait() - queue.mean_wait(), [&queue, &as_busy].map(Mm1::mean_wait_run_variance))
        }
        _ => (
            other.mean_sojourn() - queue.mean_sojourn(),
            [&queue, &as_busy].map(Mm1::mean_sojourn_run_variance),
        ),
    };
    let [error, of_other] = variances.map(|variance| (variance / jobs as f64).sqrt());
    normal::tail((normal::quantile(0.975) * error - shift_s) / of_other)
}

#[test]
fn unpaired_comparisons_have_their_size() {
    verify_unpaired(&[(0.5, true), (0.8, true)], 5_000, 1_500, 1_499);
}

#[test]
#[ignore = "takes minutes: make size"]
fn unpaired_comparisons_have_their_size_and_power_at_any_rates() {
    verify_unpaired(&[(0.5, false), (0.5, true), (0.8, false), (0.8, true)], 20_000, 6_000, 5_999);
}
