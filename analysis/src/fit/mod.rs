//! From instants of a system, whosever it is, to a scenario file that predicts it.

pub mod columns;
mod dependence;
mod error;
mod family;
pub mod observed;
pub mod overhead;
pub mod precision;
mod sample;
mod scenario;
pub mod shape;
pub mod table;
pub mod units;

use std::path::Path;

use serde::Serialize;
use sim::calibration::MeasuredTerms;
use sim::output::{CONFIDENCE, Estimate};
use sim::theory::approximations::allen_cunneen;

pub use error::Refusal;
pub use scenario::{Files, Written, write};

use dependence::{Dependence, differing_halves};
use observed::Observed;

/// The laws of a system.
#[derive(Debug, Clone, Serialize)]
pub struct Fitted {
    /// What was seen, in words.
    pub source: String,
    /// λ, jobs/s, with the half-width of its interval.
    pub arrival_rate: Estimate,
    /// E\[S\], s, with the half-width of its interval.
    pub mean_service_s: Estimate,
    /// Number of servers.
    pub servers: u32,
    /// Shape of the interarrival time; none where arrivals were not seen.
    pub interarrival: Option<shape::Fit>,
    /// Shape of the service time.
    pub service: shape::Fit,
    /// Idle path, turnaround and so on, where they can be told.
    pub overheads: Option<MeasuredTerms>,
    /// What cannot be told from what was seen.
    pub not_identifiable: Vec<String>,
    /// What should be known before the scenario is trusted.
    pub warnings: Vec<String>,
}

/// Fits rate, mean service, shapes and overheads, and looks for what a scenario would miss.
///
/// Rate and mean are the sample's, with intervals that take the correlation of the times into account:
///
/// ```text
/// λ̂ = (n − 1)/(t_n − t_1),     relative half-width 1.96·c·√(inflation/n)
/// ```
///
/// # Errors
/// [`Refusal::Whole`] if no time passes between arrivals, or in services.
pub fn fit(path: &Path, observed: &Observed) -> Result<Fitted, Refusal> {
    let gaps: Vec<f64> = observed.arrivals_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let services = &observed.services_s;
    let has_arrivals = !observed.sojourns_s.is_empty() || observed.manifest.is_some();
    for (name, times) in [("gaps between arrivals", &gaps), ("services", services)] {
        if times.iter().sum::<f64>() <= 0.0 {
            let problem = format!("all {name} are 0 s long");
            let rule = "time passes between arrivals, and in services";
            return Err(Refusal::whole(path, problem, rule, "use a finer clock, and check --unit"));
        }
    }
    let dependences = [&gaps, services].map(|times| Dependence::of(times, observed.resolution_s));
    let [gap, mean_service_s] = [0, 1].map(|n| estimate([&gaps, services][n], &dependences[n]));
    let rate = 1.0 / gap.estimate;
    let arrival_rate = Estimate { estimate: rate, half_width: rate * gap.half_width / gap.estimate, ..gap };
    let interarrival = has_arrivals.then(|| shape::fit(&gaps, observed.resolution_s, shape::POISSON_TIE));
    let service = shape::fit(services, observed.resolution_s, shape::TIE);
    let (overheads, reason) = match overhead::terms(observed) {
        Ok(terms) => (Some(terms), None),
        Err(reason) => (None, Some(format!("overheads: {reason}"))),
    };
    let mut not_identifiable = observed.not_identifiable.clone();
    not_identifiable.extend(reason.filter(|_| has_arrivals));
    let mut fitted = Fitted {
        source: observed.source.clone(),
        arrival_rate,
        mean_service_s,
        servers: observed.servers,
        interarrival,
        service,
        overheads,
        not_identifiable,
        warnings: observed.warnings.clone(),
    };
    fitted.warn_of_clock(observed);
    fitted.warn_of_load();
    fitted.warn_of_dependence(&dependences, has_arrivals);
    fitted.warn_of_change([&gaps, services], &dependences);
    Ok(fitted)
}

/// The normal quantile for a two-sided 95 % interval.
const NORMAL_95: f64 = 1.959_963_984_540_054;

fn estimate(times: &[f64], dependence: &Dependence) -> Estimate {
    let count = times.len() as f64;
    let estimate = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - estimate).powi(2)).sum::<f64>() / (count - 1.0);
    let inflation = if dependence.matters() { dependence.inflation.max(1.0) } else { 1.0 };
    Estimate {
        estimate,
        half_width: NORMAL_95 * (variance * inflation / count).sqrt(),
        confidence: CONFIDENCE,
    }
}

impl Fitted {
    /// ρ = λ·E\[S\]/c.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate.estimate * self.mean_service_s.estimate / f64::from(self.servers)
    }

    fn warn_of_clock(&mut self, observed: &Observed) {
        for (name, mean_s) in
            [("gap", 1.0 / self.arrival_rate.estimate), ("service", self.mean_service_s.estimate)]
        {
            let share = observed.resolution_s / mean_s;
            if share > 0.05 {
                self.warnings.push(format!(
                    "the clock's steps of {} s are {:.0} % of a mean {name}: shapes are uncertain",
                    observed.resolution_s,
                    100.0 * share
                ));
            }
        }
    }

    fn warn_of_load(&mut self) {
        let rho = self.utilization();
        if rho >= 1.0 {
            self.warnings.push(format!(
                "ρ = {rho:.3}: more is offered than {} can do, and the queue grows without end: how long jobs waited \
                 depends on how long that was recorded",
                servers(self.servers)
            ));
        }
    }

    fn warn_of_dependence(&mut self, [gaps, services]: &[Dependence; 2], has_arrivals: bool) {
        if gaps.matters() && has_arrivals {
            self.warnings.push(format!(
                "gaps between arrivals depend on each other (lag 1: {:+.2}, {}): over {} arrivals their number \
                 varies {:.1} times as much as independent gaps make it, and the scenario misses that; --trace takes the \
                 arrivals as they came",
                gaps.lag1, significance(gaps.p), 20, gaps.inflation
            ));
        }
        if services.matters() {
            self.warnings.push(format!(
                "services depend on each other (lag 1: {:+.2}, {}), and the scenario draws them independently",
                services.lag1, significance(services.p)
            ));
        }
    }

    /// Says of halves that differ what that is worth in waits, by Allen and Cunneen.
    fn warn_of_change(&mut self, [gaps, services]: [&[f64]; 2], dependences: &[Dependence; 2]) {
        let halves = [(gaps, &dependences[0]), (services, &dependences[1])]
            .map(|(times, d)| differing_halves(times, d));
        if halves == [None, None] {
            return;
        }
        let [gap_s, service_s] = [1.0 / self.arrival_rate.estimate, self.mean_service_s.estimate];
        let scv = [self.interarrival.as_ref().map_or(1.0, |fit| fit.scv), self.service.scv];
        let wait = |n: usize| {
            let gap_s = halves[0].map_or(gap_s, |means| means[n]);
            let service_s = halves[1].map_or(service_s, |means| means[n]);
            let wait_s = allen_cunneen(1.0 / gap_s, service_s, self.servers, scv[0], scv[1]);
            wait_s.map_or_else(|_| "without bound".to_owned(), sim::console::milliseconds)
        };
        let rate =
            halves[0].map(|means| format!("{:.4} and {:.4} arrivals/s", 1.0 / means[0], 1.0 / means[1]));
        let service = halves[1].map(|means| {
            let [first, second] = means.map(sim::console::milliseconds);
            format!("{first} and {second} a service")
        });
        let seen: Vec<String> = rate.into_iter().chain(service).collect();
        self.warnings.push(format!(
            "the halves differ by more than chance: {}; as steady loads they would mean waits of about {} and {}, so \
             fit the part that you want to predict",
            seen.join(", "),
            wait(0),
            wait(1)
        ));
    }
}

/// So many servers in words.
pub(crate) fn servers(count: u32) -> String {
    if count == 1 { "1 server".to_owned() } else { format!("{count} servers") }
}

/// A significance in words.
fn significance(p: f64) -> String {
    if p < 1e-9 { "p < 1e-9".to_owned() } else { format!("p = {p:.1e}") }
}

/// A number rounded to so many significant digits.
pub(crate) fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().expect("what was written as a number reads as one")
}

/// Text from a file with its control characters written out, so that it cannot play tricks on a terminal.
fn visible(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}
