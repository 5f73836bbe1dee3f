//! `sim verify`: does this program keep its word on this machine?

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::threads;
use crate::console::{Console, Failure};
use crate::run_folder::Machine;
use crate::verify::{
    Coverage, FINGERPRINT, LEAST_RATIO, LOADS, MOST_DEVIATIONS, agreements, coverage, fingerprint, speed,
    statistics,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Seeds of each run whose intervals are counted
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    seeds: u32,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// One line of the scorecard.
#[derive(Serialize)]
struct Check {
    name: String,
    holds: bool,
    found: String,
    asked: String,
}

#[derive(Serialize)]
struct Scorecard {
    machine: Machine,
    seeds: u32,
    checks: Vec<Check>,
    /// What fell short, in detail.
    short: Vec<String>,
    elapsed_s: f64,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let begun = Instant::now();
    let pool = threads(arguments.threads)?;
    let mut card = Scorecard {
        machine: Machine::this(),
        seeds: arguments.seeds,
        checks: Vec::new(),
        short: Vec::new(),
        elapsed_s: 0.0,
    };
    console.progress("closed forms against simulation …");
    pool.install(|| card.compare_with_theory());
    console.progress("random numbers …");
    card.look_at_numbers();
    console.progress("speed …");
    card.measure_speed();
    for utilization in LOADS {
        console.progress(format!("coverage of intervals, ρ = {utilization}, {} seeds …", arguments.seeds));
        let done = AtomicU32::new(0);
        let count = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let counted = pool.install(|| coverage(utilization, arguments.seeds, count));
        counted.iter().for_each(|of| card.count_intervals(of));
    }
    console.clear_progress();
    card.elapsed_s = begun.elapsed().as_secs_f64();
    if arguments.json {
        console.print_json(&card)?
    } else {
        card.print(console)?
    }
    card.verdict()
}

impl Scorecard {
    fn check(&mut self, name: impl Into<String>, holds: bool, found: String, asked: impl Into<String>) {
        self.checks.push(Check { name: name.into(), holds, found, asked: asked.into() });
    }

    fn verdict(&self) -> Result<(), Failure> {
        match self.checks.iter().filter(|check| !check.holds).count() {
            0 => Ok(()),
            failed => Err(Failure::Failed(format!("{failed} of {} checks fell short", self.checks.len()))),
        }
    }

    fn compare_with_theory(&mut self) {
        let all = agreements(|| ());
        let agreed = all.iter().filter(|agreement| agreement.holds()).count();
        for of in all.iter().filter(|agreement| !agreement.holds()) {
            self.short.push(format!(
                "{}, {}: {} by theory, simulated {} ± {}",
                of.queue,
                of.metric.name(),
                of.theory,
                of.simulated,
                of.half_width
            ));
        }
        let found = format!("{agreed} of {} agree", all.len());
        self.check("closed forms and simulation", agreed == all.len(), found, "all, within their error");
    }

    fn look_at_numbers(&mut self) {
        let all = statistics();
        let passes = |deviations: f64| deviations.abs() < MOST_DEVIATIONS;
        for of in all.iter().filter(|statistic| !passes(statistic.deviations)) {
            self.short.push(format!("{} is off by {:.1} standard deviations", of.name, of.deviations));
        }
        let passed = all.iter().filter(|statistic| passes(statistic.deviations)).count();
        let found = format!("{passed} of {} statistics pass", all.len());
        self.check("random numbers", passed == all.len(), found, "all, within 4 deviations");
        let is_same = fingerprint() == FINGERPRINT;
        let found = if is_same { "the same bits" } else { "other bits" };
        self.check("results of other machines", is_same, found.into(), "the same bits");
    }

    fn measure_speed(&mut self) {
        let speed = speed();
        let found =
            format!("{:.0} M jobs/s a thread, {:.2} of a plain loop", speed.simulation / 1e6, speed.ratio());
        self.check("speed", speed.ratio() >= LEAST_RATIO, found, format!("{LEAST_RATIO} or more"));
    }

    fn count_intervals(&mut self, of: &Coverage) {
        let name = format!("95 % intervals of {}, ρ = {}", of.metric, of.utilization);
        let found = format!(
            "{:.1} % contain the truth, ±{:.1} % wide",
            100.0 * of.fraction(),
            100.0 * of.mean_half_width
        );
        let margin = 100.0 * of.margin();
        self.check(
            name,
            of.holds(),
            found,
            format!("{:.0} to {:.0} %", 95.0 - margin, (95.0 + margin).min(100.0)),
        );
    }

    fn print(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        console.print(format!(
            "{}, {} cores; {} seeds a coverage\n",
            self.machine.processor, self.machine.cores, self.seeds
        ))?;
        for Check { name, holds, found, asked } in &self.checks {
            let mark = if *holds { "pass" } else { "FAIL" };
            console.print(format!("{mark}  {name:<42}{found:<43}({asked})"))?;
        }
        for detail in &self.short {
            console.print(format!("      {detail}"))?;
        }
        let passed = self.checks.iter().filter(|check| check.holds).count();
        console.print(format!("\n{passed} of {} passed in {:.0} s", self.checks.len(), self.elapsed_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Metric;

    #[test]
    fn whatever_falls_short_fails_the_whole() {
        let mut card = Scorecard {
            machine: Machine::this(),
            seeds: 1000,
            checks: Vec::new(),
            short: Vec::new(),
            elapsed_s: 0.0,
        };
        let mut coverage = Coverage {
            utilization: 0.5,
            metric: Metric::MeanWait,
            covered: 945,
            shown: 1000,
            seeds: 1000,
            mean_half_width: 0.02,
        };
        card.count_intervals(&coverage);
        assert!(card.verdict().is_ok());
        coverage.covered = 920;
        card.count_intervals(&coverage);
        assert_eq!(card.verdict().unwrap_err().exit_code(), 1);
    }
}
