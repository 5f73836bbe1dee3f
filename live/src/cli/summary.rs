//! What a run has shown, in figures: for the manifest, for people, and as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use sim::cli::headline;
use sim::console::{Console, Failure, milliseconds};
use sim::model::{JobRecord, Scenario};
use sim::output::{PROBABILITIES, quantile_of_sorted, sorted};
use sim::run_folder::{Ledger, LiveSummary, RunFolder, Verdict};

use crate::processor::ProcessorShares;
use crate::validity::{judge, rate};

/// What is known when a run is over.
pub(super) struct Facts<'a> {
    pub scenario: &'a Scenario,
    pub records: &'a [JobRecord],
    pub ledger: Ledger,
    /// What became of the processors' time.
    pub processors: ProcessorShares,
    /// How far a time between two hosts may be off, s.
    pub clock_uncertainty_s: f64,
    /// What went wrong besides.
    pub trouble: &'a [String],
}

/// The JSON answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    scenario: &'a str,
    run: String,
    broker: &'a str,
    queue_type: &'a str,
    #[serde(flatten)]
    summary: &'a LiveSummary,
    mean_overshoot_s: Option<f64>,
    mean_wait_s: Option<f64>,
    wait_quantiles_s: BTreeMap<String, f64>,
    mean_sojourn_s: Option<f64>,
    sojourn_quantiles_s: BTreeMap<String, f64>,
}

impl<'a> Facts<'a> {
    /// The figures for the manifest.
    pub fn summary(&self) -> LiveSummary {
        let records = self.records;
        LiveSummary {
            ledger: self.ledger,
            validity: judge(self.scenario, records, &self.ledger, self.processors, self.trouble),
            offered_rate: rate(records.iter().map(|record| record.due_s)),
            achieved_rate: rate(records.iter().filter_map(|record| record.sent_s)),
            stolen: self.processors.stolen,
            busy: self.processors.busy,
            clock_uncertainty_s: self.clock_uncertainty_s,
            lateness_s: lateness(records.iter()),
            api_latency_s: api_latency(records.iter()),
        }
    }

    /// The figures for whoever asked; `at` is the broker with its queue type.
    pub fn answer(
        &self,
        folder: &RunFolder,
        (broker, queue_type): (&'a str, &'a str),
        summary: &'a LiveSummary,
    ) -> Answer<'a> {
        let waits = || measured(self.records.iter()).filter_map(JobRecord::wait_s);
        let sojourns = || measured(self.records.iter()).filter_map(JobRecord::sojourn_s);
        Answer {
            scenario: self.scenario.name(),
            run: folder.path().display().to_string(),
            broker,
            queue_type,
            summary,
            mean_overshoot_s: mean(
                measured(self.records.iter())
                    .filter_map(|record| Some(record.service_s()? - record.demand_s)),
            ),
            mean_wait_s: mean(waits()),
            wait_quantiles_s: quantiles(waits()),
            mean_sojourn_s: mean(sojourns()),
            sojourn_quantiles_s: quantiles(sojourns()),
        }
    }
}

/// Quantiles of sent − due, s.
pub(super) fn lateness<'r>(records: impl Iterator<Item = &'r JobRecord>) -> BTreeMap<String, f64> {
    quantiles(records.filter_map(|record| Some(record.sent_s? - record.due_s)))
}

/// Quantiles of response − due of the measured jobs, s.
pub(super) fn api_latency<'r>(records: impl Iterator<Item = &'r JobRecord>) -> BTreeMap<String, f64> {
    quantiles(measured(records).filter_map(|record| Some(record.responded_s? - record.due_s)))
}

fn measured<'r>(records: impl Iterator<Item = &'r JobRecord>) -> impl Iterator<Item = &'r JobRecord> {
    records.filter(|record| !record.warmup)
}

fn quantiles(values: impl Iterator<Item = f64>) -> BTreeMap<String, f64> {
    let values = sorted(values.collect());
    let named = |(p, name): (f64, &str)| Some((name.to_owned(), quantile_of_sorted(&values, p)?));
    PROBABILITIES.into_iter().filter_map(named).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// What a histogram log that cannot be written means for the command.
pub(super) fn unlogged(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}\n  remedy: check its permissions and free space", path.display()))
}

/// Quantiles on one line.
pub(super) fn list(quantiles: &BTreeMap<String, f64>) -> String {
    let shown = quantiles.iter().map(|(p, value)| format!("{p}: {}", milliseconds(*value)));
    shown.collect::<Vec<_>>().join("   ")
}

impl Answer<'_> {
    /// Prints the figures; a run that is not valid is a failure.
    ///
    /// # Errors
    /// [`Failure::NotValid`] with all reasons.
    pub fn report(&self, scenario: &Scenario, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
        if json {
            console.print_json(self)?;
        } else {
            self.print(scenario, console)?;
        }
        let validity = &self.summary.validity;
        match validity.verdict {
            Verdict::Valid => Ok(()),
            Verdict::Invalid => {
                Err(Failure::NotValid(format!("the run is not valid\n  {}", validity.reasons.join("\n  "))))
            }
        }
    }

    fn print(&self, scenario: &Scenario, console: &mut Console<'_>) -> Result<(), Failure> {
        let Answer { summary, .. } = self;
        let time = |value: Option<f64>| value.map_or_else(|| "–".into(), milliseconds);
        // Only times between two hosts depend on how well their clocks are known.
        let across = match summary.clock_uncertainty_s {
            0.0 => String::new(),
            uncertainty_s => format!("   ± {} between clocks", milliseconds(uncertainty_s)),
        };
        let ledger = &summary.ledger;
        console.print(headline(scenario))?;
        console.print(format!("on {}, {} queue\n", self.broker, self.queue_type))?;
        console.print(format!(
            "offered, achieved   {:.2}/s, {:.2}/s",
            summary.offered_rate, summary.achieved_rate
        ))?;
        console.print(format!("lateness            {}", list(&summary.lateness_s)))?;
        console.print(format!(
            "processors          {:.0} % busy, {:.2} % stolen",
            100.0 * summary.busy,
            100.0 * summary.stolen
        ))?;
        console.print(format!("confirmed response  {}", list(&summary.api_latency_s)))?;
        console.print(format!("service overshoot   {} on average", time(self.mean_overshoot_s)))?;
        console.print(format!("mean wait           {}{across}", time(self.mean_wait_s)))?;
        console.print(format!("wait quantiles      {}{across}", list(&self.wait_quantiles_s)))?;
        console.print(format!("mean sojourn        {}{across}", time(self.mean_sojourn_s)))?;
        console.print(format!("sojourn quantiles   {}{across}", list(&self.sojourn_quantiles_s)))?;
        console.print(format!(
            "ledger              attempted {}, confirmed {}, consumed {}; lost {}, unexpected {}, duplicated {}, \
             recovered {}, dead-lettered {}, unfinished {}",
            ledger.attempted,
            ledger.confirmed,
            ledger.consumed,
            ledger.lost,
            ledger.unexpected,
            ledger.duplicated,
            ledger.recovered,
            ledger.dead_lettered,
            ledger.unfinished
        ))?;
        let verdict = match summary.validity.verdict {
            Verdict::Valid => "valid: the load was what it was meant to be",
            Verdict::Invalid => "NOT VALID",
        };
        console.print(format!("run                 {verdict}\nrun folder          {}\n", self.run))?;
        console.print("next: cargo run --release -p analysis    (compares this run with its prediction)")
    }
}
