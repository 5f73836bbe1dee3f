//! Sizes, coverages and powers, measured; too slow for every day.
//!
//! ```text
//! cargo test --release -p analysis --lib autocorrelated::verification -- --ignored --nocapture
//! ```
#![allow(clippy::print_stdout, reason = "the tables are what these tests are for")]

use std::time::Instant;

use sim::output::{quantile_of_sorted, sorted};

use super::test_bed::{Bed, Queue};
use super::*;
use crate::compare::Verdict;

const STATISTICS: [Statistic; 4] =
    [Statistic::Mean, Statistic::Quantile(0.5), Statistic::Quantile(0.9), Statistic::Quantile(0.99)];
/// Replicates of long runs start here, of observations a little later.
const TRUTH: u32 = 4_000_000;
const OUTER: u32 = 3_000_000;

/// Relative errors and D in the long run, from 60 million jobs.
fn truth(bed: &Bed) -> ([f64; 4], f64) {
    const RUNS: u32 = 30;
    let (mut predicted, mut observed, mut distance) = ([0.0; 4], [0.0; 4], 0.0);
    for run in 0..RUNS {
        let columns = bed.run(TRUTH + run, 2_000_000).map(sorted);
        for (sums, values) in [(&mut predicted, &columns[0]), (&mut observed, &columns[1])] {
            sums[0] += values.iter().sum::<f64>() / values.len() as f64;
            for (sum, p) in sums[1..].iter_mut().zip([0.5, 0.9, 0.99]) {
                *sum += quantile_of_sorted(values, p).unwrap();
            }
        }
        distance += sup_of_sorted(&columns[0], &columns[1]) / f64::from(RUNS);
    }
    (std::array::from_fn(|k| observed[k] / predicted[k] - 1.0), distance)
}

fn percent(count: u32, of: u32) -> f64 {
    100.0 * f64::from(count) / f64::from(of)
}

/// Coverage of nominal 90 % intervals of the relative error of a pair, acceptance of an error at the margin, and
/// coverage of the upper bound D + c (nominal 95 %).
#[test]
#[ignore = "takes minutes; run in release"]
fn intervals_of_pairs_cover_the_truth() {
    println!(
        "| rho | n | runs | VIF | short | mean | p50 | p90 | p99 | s.e. of mean | at the margin | D + c |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for utilization in [0.5, 0.8] {
        let bed = Bed::new(utilization);
        let (errors, sup) = truth(&bed);
        println!("truth at {utilization}: {errors:.5?}, D = {sup:.5}");
        for (jobs, runs) in [(4_800, 1_000), (20_000, 1_000), (100_000, 500)] {
            let (mut covered, mut short, mut accepted, mut bounded) = ([0; 4], 0, 0, 0);
            let (mut vif, mut spread) = (Vec::new(), 0.0);
            for run in 0..runs {
                let [predicted, observed] = bed.run(OUTER + run, jobs);
                let memory = Memory::of_pair(&predicted, &observed);
                let blocks = Blocks::of_pair(&predicted, &observed);
                let found = blocks.relative_errors(&STATISTICS, 0.0, &memory, u64::from(run));
                for (k, error) in found.iter().enumerate() {
                    let interval = error.interval(0.9);
                    covered[k] += u32::from((interval.low..=interval.high).contains(&errors[k]));
                }
                accepted += u32::from(judge(&found[0], errors[0].abs()) == Verdict::Valid);
                short += u32::from(memory.is_short);
                spread += found[0].standard_error / f64::from(runs);
                vif.push(memory.vif);
                let distance = Distance::of(&blocks, &memory, 0.95, u64::from(run));
                bounded += u32::from(distance.sup + distance.sup_critical >= sup);
            }
            let vif = quantile_of_sorted(&sorted(vif), 0.5).unwrap();
            let [mean, p50, p90, p99] = covered.map(|count| percent(count, runs));
            println!(
                "| {utilization} | {jobs} | {runs} | {vif:.0} | {:.0} % | {mean:.1} % | {p50:.1} % | {p90:.1} % | \
                 {p99:.1} % | {:.2} % | {:.1} % | {:.1} % |",
                percent(short, runs),
                100.0 * spread,
                percent(accepted, runs),
                percent(bounded, runs),
            );
        }
    }
}

/// Simultaneous coverage of the band (nominal 95 %) for sojourns of M/M/1, whose law is exponential.
#[test]
#[ignore = "takes minutes; run in release"]
fn the_band_covers_the_law() {
    println!("| rho | n | band covers |\n|---|---|---|");
    for (utilization, jobs) in [(0.5, 20_000), (0.8, 20_000), (0.8, 100_000)] {
        const RUNS: u32 = 500;
        let queue = Queue::mm1(utilization);
        let rate = (1.0 - utilization) / 0.02;
        let covers = |run: &u32| {
            let sojourns = queue.run(OUTER + run, jobs).sojourn_s;
            let band = Band::of(&Blocks::of_one(&sojourns), &Memory::of_one(&sojourns), 0.95, 1);
            let law = band.at_s.iter().map(|at_s| -(-at_s * rate).exp_m1());
            law.zip(band.low.iter().zip(&band.high)).all(|(f, (low, high))| *low <= f && f <= *high)
        };
        let covered = (0..RUNS).filter(covers).count() as u32;
        println!("| {utilization} | {jobs} | {:.1} % |", percent(covered, RUNS));
    }
}

/// Sizes at 5 % and critical values of unpaired comparisons, and power against a turnaround of 0.5 ms.
#[test]
#[ignore = "takes minutes; run in release"]
fn unpaired_comparisons_have_their_size_and_power() {
    const OUTERS: u32 = 2_000;
    println!(
        "| rho | rates | times | mean | p50 | p90 | p99 | D | W1 | crit D | crit W1 | power D | power mean |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let jobs = 20_000;
    for (utilization, estimated) in [(0.5, false), (0.5, true), (0.8, false), (0.8, true)] {
        let queue = Queue::mm1(utilization);
        let chance = Bootstrap::with_replicates(&queue, jobs, estimated, 1_999);
        let other = Queue::with_turnaround(utilization, 0.0005);
        for (name, judge) in [
            ("waits", Bootstrap::waits as fn(&Bootstrap, &Sample) -> Findings),
            ("sojourns", Bootstrap::sojourns),
        ] {
            let (mut rejected, mut powers) = ([0; 6], [0; 2]);
            let (mut sups, mut areas) = (Vec::new(), Vec::new());
            for run in 0..OUTERS {
                let Findings { mean, quantiles: [p50, p90, p99], sup, wasserstein } =
                    judge(&chance, &queue.run(OUTER + run, jobs));
                for (count, finding) in rejected.iter_mut().zip([mean, p50, p90, p99, sup, wasserstein]) {
                    *count += u32::from(finding.p_value <= 0.05);
                }
                sups.push(sup.value);
                areas.push(wasserstein.value);
                if run % 4 == 0 {
                    let found = judge(&chance, &other.run(OUTER + run, jobs));
                    powers[0] += u32::from(found.sup.p_value <= 0.05);
                    powers[1] += u32::from(found.mean.p_value <= 0.05);
                }
            }
            let scale = (jobs as f64).sqrt() * (1.0 - utilization);
            let critical = |values| scale * quantile_of_sorted(&sorted(values), 0.95).unwrap();
            let sizes = rejected.map(|count| format!("{:.1} %", percent(count, OUTERS))).join(" | ");
            println!(
                "| {utilization} | {} | {name} | {sizes} | {:.3} | {:.3} | {:.3} | {:.3} |",
                if estimated { "estimated" } else { "given" },
                critical(sups),
                critical(areas) * (1.0 - utilization) / 0.02,
                4.0 * percent(powers[0], OUTERS) / 100.0,
                4.0 * percent(powers[1], OUTERS) / 100.0,
            );
        }
    }
}

/// All statistics of one kind of time for a million jobs.
#[test]
#[ignore = "measures time; run in release"]
fn a_million_jobs_take_seconds() {
    let [predicted, observed] = Bed::new(0.8).run(OUTER, 1_000_000);
    let start = Instant::now();
    let lap = |what: &str| println!("{:6.3} s after {what}", start.elapsed().as_secs_f64());
    let memory = Memory::of_pair(&predicted, &observed);
    lap("the memory of the pair");
    let blocks = Blocks::of_pair(&predicted, &observed);
    lap("the blocks");
    blocks.relative_errors(&STATISTICS, 0.005, &memory, 1);
    lap("the relative errors");
    Distance::of(&blocks, &memory, 0.95, 1);
    lap("the distance");
    Band::of(&blocks, &Memory::of_one(&observed), 0.95, 1);
    lap("the band");
    let start = Instant::now();
    Bootstrap::new(&Queue::mm1(0.8), 1_000_000, true).sojourns(&Queue::mm1(0.8).run(OUTER, 1_000_000));
    println!("{:6.3} s for the parametric bootstrap", start.elapsed().as_secs_f64());
}
