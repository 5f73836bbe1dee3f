//! From the prediction to the observation, one overhead at a time.

use serde::Serialize;
use sim::calibration::{Measured, MeasuredTerms, Origin, fit_run};
use sim::model::{Overhead, Overheads};
use sim::output::{quantile_of_sorted, sorted};

use super::Figures;
use crate::pair::{Pair, Series, Timetable};

/// What one overhead, other in the run than in the calibration, does to the prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correction {
    /// `idle path`, `turnaround`, `hand-over` or `overshoot`; `the rest` is what no overhead explains.
    pub term: &'static str,
    /// As calibrated, s; none for the rest.
    pub calibrated_s: Option<f64>,
    /// Standard error of that, s.
    pub standard_error_s: Option<f64>,
    /// As fitted on the judged run, s.
    pub found_s: Option<f64>,
    /// How far the prediction moves if this overhead is as found, those above it being so already, s. All of them add
    /// up to observed − predicted.
    pub share: Figures,
}

impl Correction {
    /// How the overhead differs, and not what it does: for a run that has no waits to explain.
    pub fn without_shares(self) -> Self {
        Correction { share: Figures::default(), ..self }
    }
}

/// Why a prediction of the very same jobs is off: the overheads are exchanged one after another for those of the run.
/// Empty where the run does not tell its own, or has jobs of its own.
pub fn corrections(pair: &Pair) -> Vec<Correction> {
    if !pair.shares_jobs || !pair.predicted_scenario.is_plain_fcfs() {
        return Vec::new();
    }
    let Ok(found) = fit_run(pair.judged(), pair.observed.scenario.effective_prefetch(), Origin::Due) else {
        return Vec::new();
    };
    let mut overheads = pair.terms.overheads();
    let mut before = Figures::of_series(&pair.predicted);
    let mut corrections = Vec::new();
    for (term, calibrated, found) in in_turn(&pair.terms, &found) {
        *term.of(&mut overheads) = found.overhead();
        let table = Timetable::of_scenario(&pair.predicted_scenario, overheads.clone());
        let after = Figures::of_series(&pair.judged_of(&table));
        corrections.push(Correction {
            term: term.name(),
            calibrated_s: Some(calibrated.mean_s),
            standard_error_s: Some(calibrated.standard_error_s),
            found_s: Some(found.mean_s),
            share: after.less(&before),
        });
        before = after;
    }
    corrections.push(Correction {
        term: "the rest",
        calibrated_s: None,
        standard_error_s: None,
        found_s: None,
        share: Figures::of_series(&pair.seen).less(&before),
    });
    corrections
}

/// The overheads that both sides have.
fn in_turn<'t>(
    calibrated: &'t MeasuredTerms,
    found: &'t MeasuredTerms,
) -> impl Iterator<Item = (Term, &'t Measured, &'t Measured)> {
    [Term::IdlePath, Term::Turnaround, Term::HandOver, Term::Overshoot]
        .into_iter()
        .filter_map(|term| Some((term, term.measured(calibrated)?, term.measured(found)?)))
}

#[derive(Debug, Clone, Copy)]
enum Term {
    IdlePath,
    Turnaround,
    HandOver,
    Overshoot,
}

impl Term {
    fn name(self) -> &'static str {
        match self {
            Term::IdlePath => "idle path",
            Term::Turnaround => "turnaround",
            Term::HandOver => "hand-over",
            Term::Overshoot => "overshoot",
        }
    }

    fn of(self, overheads: &mut Overheads) -> &mut Overhead {
        match self {
            Term::IdlePath => &mut overheads.idle_path,
            Term::Turnaround => &mut overheads.turnaround,
            Term::HandOver => &mut overheads.hand_over,
            Term::Overshoot => &mut overheads.overshoot,
        }
    }

    fn measured(self, terms: &MeasuredTerms) -> Option<&Measured> {
        match self {
            Term::IdlePath => Some(&terms.idle_path),
            Term::Turnaround => Some(&terms.turnaround),
            Term::HandOver => terms.hand_over.as_ref(),
            Term::Overshoot => Some(&terms.overshoot),
        }
    }
}

impl Figures {
    fn of_series(series: &Series) -> Self {
        let of = |times: &[f64]| {
            let p99 = quantile_of_sorted(&sorted(times.to_vec()), 0.99);
            (p99.map(|_| times.iter().sum::<f64>() / times.len() as f64), p99)
        };
        let ((mean_wait_s, p99_wait_s), (mean_sojourn_s, p99_sojourn_s)) =
            (of(&series.wait_s), of(&series.sojourn_s));
        Figures { mean_wait_s, p99_wait_s, mean_sojourn_s, p99_sojourn_s }
    }

    fn less(&self, other: &Figures) -> Self {
        let both = self.values().into_iter().zip(other.values());
        let mut differences = both.map(|(value, other)| Some(value? - other?));
        Figures::of_values(std::array::from_fn(|_| differences.next().flatten()))
    }
}
