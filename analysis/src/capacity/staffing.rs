//! How many consumers.

use std::collections::BTreeMap;

use serde::Serialize;
use sim::model::Shape;
use sim::theory::mmc::Mmc;

use super::forecast::Simulated;
use super::{CapacityError, Forecast, System, Target};

/// Consumers that are tried at most.
const MOST: u32 = 20_000;

/// A number of consumers and what it achieves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Candidate {
    /// Consumers.
    pub servers: u32,
    /// ρ′: how much of their time they are taken, overheads included.
    pub effective_utilization: f64,
    /// The figure of the target.
    #[serde(flatten)]
    pub forecast: Forecast,
}

/// The fewest consumers that meet a target, and their neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Staffing {
    /// Fewest consumers whose estimate meets the target.
    pub fewest: u32,
    /// From one fewer to two more.
    pub consumers: Vec<Candidate>,
}

/// The fewest consumers that meet a target at the system's rate.
///
/// Erlang's formula with the time that a job occupies a consumer for its service says where to look; simulation of the
/// calibrated model decides, from there up or down, until one number meets the target and one fewer does not. `say` is told
/// which number is tried.
///
/// # Errors
/// [`CapacityError::TooMany`] if 20,000 consumers do not meet it.
/// # References
/// Erlang 1917; Halfin & Whitt 1981, *Operations Research* 29.
pub fn staffing(
    system: &System,
    target: Target,
    mut say: impl FnMut(u32),
) -> Result<Staffing, CapacityError> {
    let rate = system.scenario.arrival_rate();
    let mut known: BTreeMap<u32, Option<Simulated>> = BTreeMap::new();
    let mut simulated = |servers: u32| {
        let simulate = || {
            say(servers);
            Simulated::of(system, &system.with(rate, servers), target)
        };
        *known.entry(servers).or_insert_with(simulate)
    };
    let mut meets = |servers: u32| simulated(servers).is_some_and(|found| found.meets);
    let too_many = || {
        let Target { metric, at_most_s } = target;
        CapacityError::TooMany { most: MOST, metric, at_most_s, rate }
    };
    let mut fewest = first_guess(system, target)?;
    if fewest > MOST {
        return Err(too_many());
    }
    if meets(fewest) {
        while fewest > 1 && meets(fewest - 1) {
            fewest -= 1;
        }
    } else {
        // Steps that double find the first one that does, bisection the fewest.
        let (mut fails, mut step) = (fewest, 1);
        loop {
            fewest = fails + step;
            if fewest > MOST {
                return Err(too_many());
            }
            if meets(fewest) {
                break;
            }
            (fails, step) = (fewest, 2 * step);
        }
        while fewest - fails > 1 {
            let middle = fails + (fewest - fails) / 2;
            if meets(middle) { fewest = middle } else { fails = middle }
        }
    }
    let shown = fewest.saturating_sub(1).max(1)..=fewest + 2;
    let candidate = |servers: u32| {
        let forecast = Forecast::around(simulated(servers), system, &system.with(rate, servers), target);
        Candidate { servers, effective_utilization: rate / system.sustainable_rate(servers), forecast }
    };
    Ok(Staffing { fewest, consumers: shown.map(candidate).collect() })
}

/// Where M/M/c with the rate of these consumers meets the target, or the fewest that carry the load where services are
/// not exponential enough for that.
fn first_guess(system: &System, target: Target) -> Result<u32, CapacityError> {
    let rate = system.scenario.arrival_rate();
    let each = system.sustainable_rate(1);
    let least = ((rate / each).floor() as u32).saturating_add(1);
    let exponential = matches!(system.scenario.service().shape(), Shape::Exponential {});
    if !exponential {
        return Ok(least);
    }
    let within = |servers: u32| {
        let queue = Mmc::new(rate, each, servers).ok()?;
        let value_s = match target.metric.probability() {
            Some((p, _)) if target.metric.is_sojourn() => queue.sojourn_quantile(p).ok()?,
            Some((p, _)) => queue.wait_quantile(p).ok()?,
            None if target.metric.is_sojourn() => queue.mean_sojourn(),
            None => queue.mean_wait(),
        };
        Some(value_s <= target.at_most_s)
    };
    // Beyond twice the load and some more nobody waits: what is not met there, overheads decide.
    let most = least.saturating_mul(2).saturating_add(50).min(MOST);
    Ok((least..=most).find(|servers| within(*servers) == Some(true)).unwrap_or(least))
}

#[cfg(test)]
mod tests {
    use sim::estimate::Metric;
    use sim::model::Terms;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    fn fewest(system: &System, at_most_s: f64) -> u32 {
        let found = staffing(system, Target { metric: Metric::MeanWait, at_most_s }, |_| ()).unwrap();
        assert!(!found.consumers[0].forecast.meets && found.consumers[1].forecast.meets, "{found:?}");
        found.fewest
    }

    // A millisecond of work and four of turnaround vary less than five of work: of four consumers M/M/4 has 7.4 ms, and
    // these have half of that.
    #[test]
    fn fewer_do_where_theory_has_too_many() {
        let terms = (Terms { turnaround_s: 0.004, ..Terms::IDEAL }, 0.0);
        assert_eq!(fewest(&system(700.0, 0.001, EXPONENTIAL, Some(terms)), 0.005), 4);
    }

    // M/M/c with 5,000 erlangs: 5,001 have a p99 of 43 ms, and one fewer never settles.
    #[test]
    fn thousands_of_consumers_are_told_by_heavy_traffic() {
        let target = Target { metric: "p99_sojourn".parse().unwrap(), at_most_s: 0.05 };
        let found = staffing(&system(1e6, 0.005, EXPONENTIAL, None), target, |_| ()).unwrap();
        let [_, enough, ..] = found.consumers[..] else { panic!("{found:?}") };
        assert_eq!((found.fewest, enough.forecast.is_approximate), (5_001, true), "{found:?}");
        assert!(enough.forecast.chance_of_missing == Some(0.0), "{found:?}");
    }

    // Four carry the load; of six these have some 0.9 ms, of five 3 ms: the first step from five is to seven.
    #[test]
    fn what_lies_between_two_steps_is_found() {
        let uneven = "{ kind = \"hyperexponential\", scv = 4.0 }";
        assert_eq!(fewest(&system(700.0, 0.005, uneven, None), 0.002), 6);
    }
}
