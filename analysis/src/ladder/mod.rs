//! The ladder: from the textbook to the observation, changing one thing at a time.

mod overheads;
mod replay;

use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::model::Terms;
use sim::theory::{Prediction, predict};

pub use overheads::{Correction, corrections};

use crate::pair::Pair;
use replay::Replay;

/// Figures that each rung has, s; `None` where it has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Figures {
    /// Mean wait.
    pub mean_wait_s: Option<f64>,
    /// 99 % quantile of the wait.
    pub p99_wait_s: Option<f64>,
    /// Mean sojourn.
    pub mean_sojourn_s: Option<f64>,
    /// 99 % quantile of the sojourn.
    pub p99_sojourn_s: Option<f64>,
}

impl Figures {
    /// The figures with the names they have in tables.
    pub fn named(&self) -> [(&'static str, Option<f64>); 4] {
        [
            ("mean wait", self.mean_wait_s),
            ("p99 wait", self.p99_wait_s),
            ("mean sojourn", self.mean_sojourn_s),
            ("p99 sojourn", self.p99_sojourn_s),
        ]
    }

    fn of_values(values: [Option<f64>; 4]) -> Self {
        let [mean_wait_s, p99_wait_s, mean_sojourn_s, p99_sojourn_s] = values;
        Figures { mean_wait_s, p99_wait_s, mean_sojourn_s, p99_sojourn_s }
    }

    fn values(&self) -> [Option<f64>; 4] {
        [self.mean_wait_s, self.p99_wait_s, self.mean_sojourn_s, self.p99_sojourn_s]
    }

    fn of_theory(theory: Option<&Prediction>) -> Self {
        let p99 = |quantiles: &std::collections::BTreeMap<&str, Option<f64>>| *quantiles.get("0.99")?;
        theory.map_or_else(Figures::default, |theory| Figures {
            mean_wait_s: theory.mean_wait_s,
            p99_wait_s: p99(&theory.wait_quantiles_s),
            mean_sojourn_s: theory.mean_sojourn_s,
            p99_sojourn_s: p99(&theory.sojourn_quantiles_s),
        })
    }
}

/// One rung; the difference to the rung before is what its one change explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rung {
    /// `textbook`, `fitted_rates`, `measured_arrivals`, `measured_services`, `dispatch` or `observed`.
    pub rung: &'static str,
    /// What the rung says.
    #[serde(flatten)]
    pub figures: Figures,
    /// How far that is from the last rung below it that has an answer, s: its share of the gap between textbook and
    /// observation. The shares of all rungs add up to the gap.
    pub share: Figures,
}

impl Rung {
    /// What the rung changes, in words.
    pub fn change(&self) -> &'static str {
        match self.rung {
            "textbook" => "the formula with the scenario's rates",
            "fitted_rates" => "the same formula with the rates of this run",
            "measured_arrivals" => "the arrivals as they were, services drawn from the law",
            "measured_services" => "the services as they were",
            "dispatch" => "the overheads of this run between jobs, and how the broker deals",
            _ => "what the model leaves unexplained",
        }
    }
}

/// Climbs the ladder for the judged jobs of a pair; waits count from the due time on every rung.
///
/// | rung | arrivals | services | overheads |
/// |---|---|---|---|
/// | `textbook` | law, nominal rate | law, nominal mean | none |
/// | `fitted_rates` | law, rate of the run | law, mean of the run | none |
/// | `measured_arrivals` | as sent | law, mean of the run (mean of up to 200 draws) | none |
/// | `measured_services` | as sent | as measured | none |
/// | `dispatch` | as sent | as measured | fitted on this run |
/// | `observed` | | | |
///
/// Several consumers share one central line up to `measured_services`; from `dispatch` on the broker deals jobs
/// out to them, as many to each as the prefetch allows.
pub fn ladder(pair: &Pair) -> Vec<Rung> {
    let scenario = &pair.observed.scenario;
    let replay = Replay::of(pair);
    let (arrival_rate, mean_service) = replay.rates();
    let textbook = predict(&scenario.clone().without_prefetch(), None).ok();
    let fitted = replay::with_rates(scenario, arrival_rate, mean_service);
    let own = fit_run(pair.judged(), scenario.effective_prefetch(), Origin::Sent).ok();
    // Services as measured hold their overshoot.
    let own = own.map(|own| Terms { overshoot_s: 0.0, ..own.terms() });
    let rungs = [
        ("textbook", Figures::of_theory(textbook.as_ref())),
        ("fitted_rates", Figures::of_theory(fitted.as_ref())),
        ("measured_arrivals", replay.with_drawn_services(scenario, mean_service)),
        ("measured_services", replay.with_measured_services(None, Terms::IDEAL)),
        (
            "dispatch",
            own.map_or_else(Figures::default, |terms| {
                replay.with_measured_services(Some(scenario.effective_prefetch()), terms)
            }),
        ),
        ("observed", replay.observed()),
    ];
    with_shares(&rungs)
}

fn with_shares(rungs: &[(&'static str, Figures)]) -> Vec<Rung> {
    let mut last = [None; 4];
    let rung = |&(rung, figures): &(&'static str, Figures)| {
        let mut share = [None; 4];
        for ((value, last), share) in figures.values().into_iter().zip(&mut last).zip(&mut share) {
            *share = value.zip(*last).map(|(value, last)| value - last);
            *last = value.or(*last);
        }
        Rung { rung, figures, share: Figures::of_values(share) }
    };
    rungs.iter().map(rung).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_without_an_answer_leaves_its_share_to_the_next() {
        let only = |mean_wait_s| Figures { mean_wait_s, ..Figures::default() };
        let rungs = with_shares(&[("a", only(Some(1.0))), ("b", only(None)), ("c", only(Some(3.5)))]);
        let shares: Vec<_> = rungs.iter().map(|rung| rung.share.mean_wait_s).collect();
        assert_eq!(shares, [None, None, Some(2.5)]);
    }
}
