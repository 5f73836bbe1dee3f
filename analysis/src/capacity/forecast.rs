//! A figure of the model, with what it might be.

use serde::Serialize;
use sim::estimate::{Estimates, Metric, Sample};
use sim::model::Scenario;
use sim::normal;
use sim::output::Interval;

use super::heavy_traffic::HeavyTraffic;
use super::length::Length;
use super::near_floor;
use super::system::Possible;
use super::{System, Target, figures};

/// Replications, and measured jobs of each.
const REPLICATIONS: u32 = 16;
const JOBS: u64 = 100_000;
/// Measured jobs of a replication at most: what they do not tell is not told.
const MOST_JOBS: u64 = 5_000_000;
/// Jobs with which each system that the calibration leaves possible is tried, and the most where it remembers long.
const TRIED_JOBS: u64 = 60_000;
const MOST_TRIED_JOBS: u64 = 200_000;

/// What is more than a target by rounding is not more.
const ROUNDING: f64 = 1.0 + 1e-9;

/// A figure with its 90 % interval and the chance that it misses a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// By simulation of the calibrated model, s; none without a steady state, or where nothing tells.
    pub value_s: Option<f64>,
    /// Lower end of its 90 % interval: what the calibration leaves possible, and what the simulation does not know.
    pub low_s: Option<f64>,
    /// Upper end; none where more than one in twenty of the possible queues has no steady state.
    pub high_s: Option<f64>,
    /// Probability that the figure is more than the target; where it is not told itself, that so many jobs are late in spite of the
    /// simulation; none where nothing tells.
    pub chance_of_missing: Option<f64>,
    /// Whether the target is met, by the calibrated model.
    pub meets: bool,
    /// Whether no run is long enough, and the figure is that of heavy traffic.
    pub is_approximate: bool,
}

impl Forecast {
    /// The figure if no run is long enough to tell it.
    const UNTOLD: Forecast = Forecast {
        value_s: None,
        low_s: None,
        high_s: None,
        chance_of_missing: None,
        meets: false,
        is_approximate: false,
    };

    /// The figure if the queue has no steady state.
    const HOPELESS: Forecast = Forecast { chance_of_missing: Some(1.0), ..Forecast::UNTOLD };

    /// Simulates a scenario of the system.
    pub(super) fn of(system: &System, scenario: &Scenario, target: Target) -> Self {
        Forecast::around(Simulated::of(system, scenario, target), system, scenario, target)
    }

    /// What has been simulated, with what it might be; each system that is possible is tried with the same jobs, so that the ratios
    /// to the calibrated one are known far better than the values.
    pub(super) fn around(
        simulated: Option<Simulated>,
        system: &System,
        scenario: &Scenario,
        target: Target,
    ) -> Self {
        let servers = scenario.queue().servers();
        if scenario.arrival_rate() >= system.sustainable_rate(servers) {
            return Forecast::HOPELESS;
        }
        let Some(simulated) = simulated else { return Forecast::UNTOLD };
        let Simulated { meets, is_approximate, chance_of_missing, .. } = simulated;
        let Some((value_s, error)) = simulated.value_s.zip(simulated.error) else {
            return Forecast { meets, chance_of_missing, ..Forecast::UNTOLD };
        };
        let figures_s = match is_approximate {
            true => approximate_figures(system, scenario, target),
            false => possible_figures(system, scenario, target, value_s),
        };
        let law = Law { figures_s, error };
        Forecast {
            value_s: Some(value_s),
            low_s: law.quantile(0.05),
            high_s: law.quantile(0.95),
            chance_of_missing: Some(law.tail(target.at_most_s * ROUNDING)),
            meets,
            is_approximate,
        }
    }
}

/// The figure of each possible system, s; infinite where it has no steady state.
fn possible_figures(system: &System, scenario: &Scenario, target: Target, value_s: f64) -> Vec<f64> {
    let Some(length) = Length::of(system, scenario, TRIED_JOBS) else { return Vec::new() };
    let scenario = length.at_most(MOST_TRIED_JOBS).of_run(scenario.clone(), 1);
    let (rate, servers) = (scenario.arrival_rate(), scenario.queue().servers());
    let is_steady: Vec<bool> =
        system.possible().iter().map(|possible| rate < possible.sustainable_rate(servers)).collect();
    let steady = system.possible().iter().zip(&is_steady).filter(|(_, is_steady)| **is_steady);
    let models: Vec<_> = std::iter::once((scenario.clone(), system.overheads()))
        .chain(steady.map(|(possible, _)| possible.model(&scenario)))
        .collect();
    let mut found = figures(&models, target).into_iter().peekable();
    let calibrated = found.next().unwrap_or(0.0);
    let figure = |is_steady: &bool| match (is_steady, found.next_if(|_| *is_steady)) {
        (true, Some(figure)) if calibrated > 0.0 => value_s * (figure / calibrated),
        // Where hardly a job waits the figure is 0, and its ratio to others no number.
        (true, Some(figure)) => value_s + figure,
        _ => f64::INFINITY,
    };
    is_steady.iter().map(figure).collect()
}

/// The same in heavy traffic; 0 where a system is so far from saturation that hardly a job waits, beside these.
fn approximate_figures(system: &System, scenario: &Scenario, target: Target) -> Vec<f64> {
    let figure = |possible: &Possible| {
        let capacity = possible.sustainable_rate(scenario.queue().servers());
        let (scenario, overheads) = possible.model(scenario);
        match HeavyTraffic::of(&scenario, &overheads, capacity) {
            Some(found) => found.figure(target.metric),
            None if scenario.arrival_rate() >= capacity => f64::INFINITY,
            None => 0.0,
        }
    };
    system.possible().iter().map(figure).collect()
}

/// The law of a figure: as likely around each of some, with a relative standard error.
struct Law {
    figures_s: Vec<f64>,
    error: f64,
}

impl Law {
    /// The probability of more than `at_most_s`.
    fn tail(&self, at_most_s: f64) -> f64 {
        let more = |figure_s: &f64| match self.error > 0.0 && *figure_s > 0.0 && figure_s.is_finite() {
            true => normal::tail((at_most_s / figure_s).ln() / self.error),
            false => f64::from(u8::from(*figure_s > at_most_s)),
        };
        self.figures_s.iter().map(more).sum::<f64>() / self.figures_s.len() as f64
    }

    /// The figure that is exceeded with probability 1 − `p`, s; none if that is infinite.
    fn quantile(&self, p: f64) -> Option<f64> {
        let finite = self.figures_s.iter().copied().filter(|figure_s| figure_s.is_finite());
        let (mut low, mut high) = (0.0, finite.fold(0.0, f64::max) * (6.0 * self.error).exp());
        if self.tail(high) > 1.0 - p {
            return None;
        }
        // To the last bit, or nearly.
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.tail(middle) > 1.0 - p { low = middle } else { high = middle }
        }
        Some(high)
    }
}

/// What the calibrated model says by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simulated {
    /// The figure, s; none if no run is long enough to tell it.
    value_s: Option<f64>,
    /// Its relative standard error.
    error: Option<f64>,
    /// Whether the target is met. A quantile far below it need not be told for that: a share of the jobs is enough.
    pub(super) meets: bool,
    /// Whether no run is long enough, and the figure is that of heavy traffic.
    is_approximate: bool,
    /// Probability that it is not, where the figure is not told.
    chance_of_missing: Option<f64>,
}

impl Simulated {
    /// Many replications, or theory of heavy traffic where no run is long enough; none without a steady state, or where that
    /// does not tell either.
    pub(super) fn of(system: &System, scenario: &Scenario, target: Target) -> Option<Self> {
        let Some(length) = Length::of(system, scenario, JOBS) else {
            return Simulated::approximately(system, scenario, target);
        };
        let sample = |length: Length| {
            Sample::of(&length.of_run(scenario.clone(), REPLICATIONS), &system.overheads()).ok()
        };
        // The service is known, and how long it was in a simulation is chance.
        let (metric, service_s) = match target.metric {
            Metric::MeanSojourn => (Metric::MeanWait, system.mean_occupied_s(scenario)),
            metric => (metric, 0.0),
        };
        // With a long memory the figure is far from the floor, and so many times would fill the memory of the machine.
        let near_floor_s = target.near_floor_s(system).filter(|_| length.jobs() <= 2 * JOBS);
        if let Some(((p, _), floor_s)) = metric.probability().zip(near_floor_s) {
            let scenario = length.of_run(scenario.clone(), REPLICATIONS);
            let found = near_floor::quantile(&scenario, &system.overheads(), target, p, floor_s)?;
            return Some(Simulated::told(Some(found), found.0 <= target.at_most_s * ROUNDING));
        }
        let mut found = sample(length)?;
        let mut figure = Estimates::of(&found).get(metric);
        // How many jobs a quantile takes is known after a first look.
        let each = figure.needed_jobs.map(|needed| needed.saturating_mul(2) / u64::from(REPLICATIONS));
        if let Some(jobs) = each.filter(|jobs| *jobs <= MOST_JOBS) {
            found = sample(length.with_jobs(jobs))?;
            figure = Estimates::of(&found).get(metric);
        }
        let interval = figure.interval().map(|interval| Interval {
            estimate: interval.estimate + service_s,
            low: interval.low + service_s,
            high: interval.high + service_s,
        });
        let Some(interval) = interval else {
            if let Some(approximate) = Simulated::approximately(system, scenario, target) {
                return Some(approximate);
            }
            // Where nothing is left to chance no number of jobs is enough for an interval, and none is needed.
            let figures =
                || found.replications().iter().map(|replication| metric.of(replication) + service_s);
            let [least_s, most_s] = [figures().fold(f64::INFINITY, f64::min), figures().fold(0.0, f64::max)];
            if most_s <= least_s * ROUNDING {
                return Some(Simulated::told(Some((most_s, 0.0)), most_s <= target.at_most_s * ROUNDING));
            }
            let (meets, chance) = target.judged_by(found.replications());
            return Some(Simulated { chance_of_missing: Some(chance), ..Simulated::told(None, meets) });
        };
        let told = Some((interval.estimate, relative_error(&interval)));
        Some(Simulated::told(told, interval.estimate <= target.at_most_s))
    }

    /// What heavy traffic has instead; none where it does not tell.
    fn approximately(system: &System, scenario: &Scenario, target: Target) -> Option<Self> {
        let capacity = system.sustainable_rate(scenario.queue().servers());
        let found = HeavyTraffic::of(scenario, &system.overheads(), capacity)?;
        let value_s = found.figure(target.metric);
        let meets = value_s <= target.at_most_s;
        Some(Simulated { is_approximate: true, ..Simulated::told(Some((value_s, found.error())), meets) })
    }

    /// A figure with its relative standard error, if it is told, and whether it meets the target.
    fn told(figure: Option<(f64, f64)>, meets: bool) -> Self {
        let (value_s, error) = figure.unzip();
        Simulated { value_s, error, meets, is_approximate: false, chance_of_missing: None }
    }
}

/// Of a 95 % interval, which is two standard errors either way; of a quantile that is 0 in all replications there is none.
fn relative_error(interval: &Interval) -> f64 {
    let error = (interval.high - interval.low) / 2.0 / 1.96 / interval.estimate;
    if interval.estimate > 0.0 { error } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    fn forecast(system: &System, metric: &str, at_most_s: f64) -> Forecast {
        Forecast::of(system, &system.scenario, Target { metric: metric.parse().unwrap(), at_most_s })
    }

    // M/M/1: p99.9 of the sojourn is ln(1000)/(μ − λ).
    #[test]
    fn where_no_run_is_long_enough_heavy_traffic_tells() {
        for (rate, at_most_s, meets) in [(198.0, 10.0, true), (198.0, 1.0, false), (199.8, 100.0, true)] {
            let found = forecast(&system(rate, 0.005, EXPONENTIAL, None), "p99.9_sojourn", at_most_s);
            assert!(found.is_approximate && found.meets == meets, "{found:?}");
            assert!(
                (found.value_s.unwrap() * (200.0 - rate) / 1000_f64.ln() - 1.0).abs() < 1e-3,
                "{found:?}"
            );
            assert_eq!(found.chance_of_missing, Some(f64::from(u8::from(!meets))), "{found:?}");
        }
    }

    // Bursts of minutes are remembered for so long that a quantile far out is not told, and successive arrivals depend on each
    // other, which heavy traffic does not know.
    #[test]
    fn a_target_far_away_is_met_though_the_figure_is_not_told() {
        let bursts =
            "rate = 100.0\nprocess = { kind = \"mmpp\", levels = [1.0, 4.0], mean_stay_s = [400.0, 200.0] }";
        let text = format!("schema = 1\nname = \"test\"\n[arrivals]\n{bursts}\n[service]\nmean = 0.005\n");
        let scenario = sim::scenario_file::parse(&text, "test").unwrap();
        let path = std::path::Path::new("test");
        let system = System::of_scenario(scenario, path, None, &super::super::WhatIf::default());
        for (at_most_s, meets) in [(1000.0, true), (0.05, false)] {
            let found = forecast(&system, "p99.9_sojourn", at_most_s);
            let chance = f64::from(u8::from(!meets));
            assert_eq!((found.value_s, found.meets), (None, meets), "{found:?}");
            assert!((found.chance_of_missing.unwrap() - chance).abs() < 1e-3, "{found:?}");
        }
    }

    // 5.4 ms a job; what saturates the consumer at 182/s is 5.49 ms, six tenths of a standard error more.
    #[test]
    fn systems_without_a_steady_state_are_among_what_is_possible() {
        // 0.4 ms of turnaround, give or take a third, and nothing else.
        let terms = (Terms { turnaround_s: 4e-4, ..Terms::IDEAL }, 1.0 / 3.0);
        let found = |rate| forecast(&system(rate, 0.005, EXPONENTIAL, Some(terms)), "mean_sojourn", 2.0);
        let near = found(182.0);
        assert!(near.meets && near.low_s.is_some() && near.high_s.is_none(), "{near:?}");
        // One in four has none, and some more are too long.
        let chance = near.chance_of_missing.unwrap();
        assert!((0.25..0.45).contains(&chance), "{near:?}");
        let far = found(100.0);
        assert!(far.high_s.is_some() && far.chance_of_missing.unwrap() < 1e-6, "{far:?}");
        assert_eq!(found(190.0), Forecast::HOPELESS);
    }

    #[test]
    fn a_law_of_possible_figures_has_tail_and_quantiles_of_the_mixture() {
        let point = Law { figures_s: vec![0.02], error: 0.01 };
        assert!((point.tail(0.02) - 0.5).abs() < 1e-12);
        // Of a normal logarithm: 0.02·exp(±1.645 %).
        let [low, high] = [0.05, 0.95].map(|p| point.quantile(p).unwrap());
        assert!((low / 0.02 - (-0.016_448_5_f64).exp()).abs() < 1e-6, "{low}");
        assert!((high / 0.02 - 0.016_448_5_f64.exp()).abs() < 1e-6, "{high}");
        let exact = Law { figures_s: vec![0.01, 0.02, 0.03, f64::INFINITY], error: 0.0 };
        assert_eq!([0.005, 0.02, 0.5].map(|at| exact.tail(at)), [1.0, 0.5, 0.25]);
        assert_eq!([exact.quantile(0.7), exact.quantile(0.95)], [Some(0.03), None]);
        let nothing = Law { figures_s: vec![0.0; 3], error: 0.0 };
        assert_eq!((nothing.tail(0.1), nothing.quantile(0.95)), (0.0, Some(0.0)));
    }
}
