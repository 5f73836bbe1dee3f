//! `sim tail`: how likely is a wait that no simulation would ever see?

use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Question, headline};
use crate::console::{Console, Failure};
use crate::model::Scenario;
use crate::output::CONFIDENCE;
use crate::rare::{self, Exact, Method, Progress, Quantity, RareError, Tail};

/// The relative half-width above which a remark is made.
const WIDE: f64 = 0.05;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    question: Question,
    /// The time that is exceeded, s
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    beyond_s: f64,
    /// Ask for the sojourn, from due to done, in place of the wait
    #[arg(long)]
    sojourn: bool,
    /// Half the width of the 95 % interval over the estimate that is enough
    #[arg(long, value_name = "FRACTION", default_value_t = 0.02, allow_negative_numbers = true)]
    relative_error: f64,
    /// Most runs, in whole blocks [default: 20 million walks or sums, or 2000 repetitions of a splitting]
    #[arg(long, value_name = "N")]
    max_runs: Option<u64>,
    /// The method [default: the one that fits the scenario]
    #[arg(long)]
    method: Option<Choice>,
    /// Threads; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// A method to be used.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Choice {
    /// Siegmund's exponential twisting: one server, single jobs, light-tailed services
    Twisting,
    /// A twisted geometric sum: one server, Poisson arrivals, heavy-tailed services
    Geometric,
    /// Asmussen and Kroese's conditional Monte Carlo, for the same: where one long service makes the wait
    Conditional,
    /// Multilevel splitting: any queue that is first come, first served
    Splitting,
}

impl From<Choice> for Method {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Twisting => Method::Twisting,
            Choice::Geometric => Method::Geometric,
            Choice::Conditional => Method::Conditional,
            Choice::Splitting => Method::Splitting,
        }
    }
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    kendall: String,
    quantity: Quantity,
    beyond_s: f64,
    method: Method,
    estimate: f64,
    low: f64,
    high: f64,
    confidence: f64,
    /// `null` if nothing was seen.
    relative_error: f64,
    runs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<usize>,
    elapsed_s: f64,
    exact: Option<Exact>,
    warnings: Vec<String>,
}

impl From<RareError> for Failure {
    fn from(error: RareError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = arguments.question.scenario()?;
    if arguments.question.calibration.is_some() {
        return Err(Failure::BadInput(
            "--calibration: a tail is estimated without overheads\n  rule: the methods are for the ideal queue\n  \
             remedy: leave it out, or look at the quantiles of `sim run --calibration`"
                .into(),
        ));
    }
    let threads = usize::from(arguments.threads.unwrap_or(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))?;
    let question = rare::Question {
        quantity: if arguments.sojourn { Quantity::Sojourn } else { Quantity::Wait },
        beyond_s: arguments.beyond_s,
        relative_error: arguments.relative_error,
        most_runs: arguments.max_runs,
        method: arguments.method.map(Method::from),
    };
    let (begun, interactive) = (Instant::now(), console.interactive);
    let err = &mut *console.err;
    let mut show = |Progress { runs, relative_error }: Progress| {
        if interactive {
            let _ = write!(err, "\r{runs} runs, ±{:.1} %   ", 100.0 * relative_error);
        }
    };
    let tail = pool.install(|| rare::tail(&scenario, &question, &mut show))?;
    let elapsed_s = begun.elapsed().as_secs_f64();
    if interactive && tail.runs > 0 {
        console.note("");
    }
    let answer = answer(&scenario, &question, tail, elapsed_s);
    for warning in &answer.warnings {
        console.note(format!("warning: {warning}"));
    }
    if arguments.question.json { console.print_json(&answer) } else { print(&scenario, &answer, console) }
}

fn answer<'a>(scenario: &'a Scenario, question: &rare::Question, tail: Tail, elapsed_s: f64) -> Answer<'a> {
    let rare::Question { quantity, beyond_s, .. } = *question;
    let mut warnings = Vec::new();
    if tail.relative_error == f64::INFINITY {
        warnings.push("no run came beyond the time asked for: the estimate says only that it is rare".into());
    } else if tail.relative_error > question.relative_error.max(WIDE) {
        warnings.push(format!(
            "the interval is ±{:.1} % wide after all {} runs; allow more with --max-runs",
            100.0 * tail.relative_error,
            tail.runs
        ));
    }
    if tail.method == Method::Conditional {
        warnings.push(
            "the interval is too narrow where many services, not a single long one, make the wait; \
             --method geometric is safe"
                .into(),
        );
    }
    Answer {
        scenario: scenario.name(),
        kendall: scenario.kendall(),
        quantity,
        beyond_s,
        method: tail.method,
        estimate: tail.probability.estimate,
        low: tail.probability.low,
        high: tail.probability.high,
        confidence: CONFIDENCE,
        relative_error: tail.relative_error,
        runs: tail.runs,
        levels: (tail.method == Method::Splitting).then_some(tail.levels),
        elapsed_s,
        exact: rare::exact(scenario, quantity, beyond_s),
        warnings,
    }
}

fn print(scenario: &Scenario, answer: &Answer<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    console.print(headline(scenario))?;
    let quantity = match answer.quantity {
        Quantity::Wait => "wait",
        Quantity::Sojourn => "sojourn",
    };
    let event = format!("P({quantity} > {} s)", answer.beyond_s);
    let Answer { estimate, low, high, .. } = answer;
    console.print(format!("\n{event:<24}{estimate:>14.4e}   (95 %: {low:.4e} – {high:.4e})"))?;
    console.print(format!("{:<24}{:>13.2} %", "relative half-width", 100.0 * answer.relative_error))?;
    if let Some(Exact { value, method }) = &answer.exact {
        console.print(format!("{:<24}{value:>14.4e}   {method}", "theory"))?;
    }
    let levels = answer.levels.map_or_else(String::new, |levels| format!(", {levels} levels"));
    let Answer { method, runs, elapsed_s, .. } = answer;
    console.print(format!("\n{}{levels}: {runs} runs in {elapsed_s:.2} s", method.name()))
}
