//! Arrivals: their rate, how they scatter, and what sending did to them.

use sim::model::{JobRecord, Scenario, Shape};
use sim::output::sorted;

use super::{Diagnostic, FEWEST, OperatingPoint, independence, milliseconds};
use crate::statistics::{Test, counts, dispersion, index_of_dispersion, lewis, mean, scv};

/// Mean count of an interval in which arrivals are counted: long against the gaps, and enough intervals.
const JOBS_AN_INTERVAL: usize = 50;

/// The instants of a run's arrivals, in order, s.
struct Instants {
    /// As sent, or as due where a source does not say.
    sent_s: Vec<f64>,
    due_s: Vec<f64>,
    /// Their law, where successive gaps are independent.
    law: Option<Shape>,
}

pub(super) fn diagnose(
    scenario: &Scenario,
    records: &[JobRecord],
    point: &OperatingPoint,
) -> Vec<Diagnostic> {
    // Jobs that are there at the start do not arrive.
    let arrived = || records.iter().filter(|record| record.job >= scenario.initial_jobs());
    let instants = Instants {
        sent_s: sorted(arrived().map(|record| record.sent_s.unwrap_or(record.due_s)).collect()),
        due_s: sorted(arrived().map(|record| record.due_s).collect()),
        law: law(scenario),
    };
    if instants.due_s.len() < FEWEST || instants.span_s() <= 0.0 {
        return Vec::new();
    }
    let (sent, due) = (gaps(&instants.sent_s), gaps(&instants.due_s));
    let mut rows = vec![
        instants.rate(scenario.arrival_rate(), point),
        instants.dispersion(point),
        instants.variation(&sent, &due, point),
        independence::of_gaps(&sent, &due, instants.law.as_ref(), point),
    ];
    let lateness: Vec<f64> = arrived().filter_map(|record| Some(record.sent_s? - record.due_s)).collect();
    if !lateness.is_empty() {
        rows.extend([sending(&sent, &due, point), late(mean(&lateness), point)]);
    }
    rows
}

/// The law of independent gaps: that of the only class, or Poisson if all classes are.
fn law(scenario: &Scenario) -> Option<Shape> {
    let classes = scenario.classes();
    let mut laws = classes.iter().map(|class| match class.arrivals().batch() {
        None => class.arrivals().process().interarrival(),
        Some(_) => None,
    });
    if classes.len() == 1 {
        return laws.next().flatten();
    }
    laws.all(|law| law == Some(Shape::Exponential {})).then_some(Shape::Exponential {})
}

fn gaps(instants: &[f64]) -> Vec<f64> {
    instants.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

impl Instants {
    fn ends(&self) -> (f64, f64) {
        (self.sent_s[0], self.sent_s[self.sent_s.len() - 1])
    }

    fn span_s(&self) -> f64 {
        self.ends().1 - self.ends().0
    }

    fn is_poisson(&self) -> bool {
        self.law == Some(Shape::Exponential {})
    }

    /// The number of gaps in the time that they took is asked·time with variance c_a² times that.
    fn rate(&self, asked: f64, point: &OperatingPoint) -> Diagnostic {
        let number = self.sent_s.len() as f64 - 1.0;
        let scatter = self.law.as_ref().map(|law| law.scv() * number).filter(|v| *v > 0.0 && v.is_finite());
        let test = scatter.map(|variance| Test::normal((number - asked * self.span_s()) / variance.sqrt()));
        let found = number / self.span_s();
        let row = Diagnostic {
            name: "arrival_rate",
            found,
            expected: asked,
            p_value: test.map(|test| test.p_value),
            effect: point.effect_of_rate(found),
            says: String::new(),
        };
        row.saying(|_, surprising| {
            let why = match (surprising, test) {
                (true, _) => ", more than chance explains",
                (false, Some(_)) => ", within chance",
                (false, None) => "",
            };
            format!("jobs arrived at {found:.1} a second where {asked:.1} were asked for{why}")
        })
    }

    fn dispersion(&self, point: &OperatingPoint) -> Diagnostic {
        let (from, to) = self.ends();
        let intervals = (self.sent_s.len() / JOBS_AN_INTERVAL).max(10);
        let count = |instants: &[f64]| counts(&instants[1..instants.len() - 1], from, to, intervals);
        let sent = count(&self.sent_s);
        let found = index_of_dispersion(&sent);
        let expected = if self.is_poisson() { 1.0 } else { index_of_dispersion(&count(&self.due_s)) };
        let row = Diagnostic {
            name: "arrival_dispersion",
            found,
            expected,
            p_value: dispersion(&sent).filter(|_| self.is_poisson()).map(|test| test.p_value),
            effect: point.effect_of_gaps(found, expected),
            says: String::new(),
        };
        row.saying(|_, surprising| match surprising {
            false if self.is_poisson() => {
                format!("arrivals scatter as they should: index of dispersion {found:.2}")
            }
            false => format!("index of dispersion {found:.2} as sent and {expected:.2} as due"),
            true if found > expected => {
                format!("arrivals come in bursts: index of dispersion {found:.2} instead of 1")
            }
            true => format!("arrivals are too regular: index of dispersion {found:.2} instead of 1"),
        })
    }

    fn variation(&self, sent: &[f64], due: &[f64], point: &OperatingPoint) -> Diagnostic {
        let law = self.law.as_ref().map(Shape::scv).filter(|scv| scv.is_finite());
        let (found, expected) = (scv(sent), law.unwrap_or_else(|| scv(due)));
        let (from, to) = self.ends();
        let test = self.is_poisson().then(|| lewis(&self.sent_s[1..self.sent_s.len() - 1], from, to));
        let row = Diagnostic {
            name: "gap_variation",
            found,
            expected,
            p_value: test.flatten().map(|test| test.p_value),
            effect: point.effect_of_gaps(found, expected),
            says: String::new(),
        };
        row.saying(|row, surprising| match (surprising, row.p_value) {
            (true, _) => format!("gaps between arrivals are not those of a Poisson process: c² = {found:.2}"),
            (false, Some(_)) => {
                format!("gaps between arrivals are those of a Poisson process: c² = {found:.2}")
            }
            (false, None) => format!("c² of the gaps between arrivals is {found:.2}, expected {expected:.2}"),
        })
    }
}

fn sending(sent: &[f64], due: &[f64], point: &OperatingPoint) -> Diagnostic {
    let squares: Vec<f64> = sent.iter().zip(due).map(|(sent, due)| (sent - due).powi(2)).collect();
    let (found, expected, moved_s) = (scv(sent), scv(due), mean(&squares).sqrt());
    Diagnostic {
        name: "sending",
        found,
        expected,
        p_value: None,
        effect: point.effect_of_gaps(found, expected),
        says: format!(
            "sending moved the gaps, of {} on average, by {}",
            milliseconds(mean(due)),
            milliseconds(moved_s)
        ),
    }
}

/// Waits count from the due time, so that lateness is part of every wait.
fn late(lateness_s: f64, point: &OperatingPoint) -> Diagnostic {
    let share = |wait_s: f64| lateness_s / wait_s;
    Diagnostic {
        name: "lateness",
        found: lateness_s,
        expected: 0.0,
        p_value: None,
        effect: point.wait_s().map(share).filter(|effect| effect.is_finite()),
        says: format!("jobs were sent {} after they were due, on average", milliseconds(lateness_s)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{default_scenario, named, observed, scenario, waits};
    use super::super::{SURPRISING, diagnose};
    use sim::model::Terms;

    #[test]
    fn a_driver_that_is_too_fast_shows_its_rate_and_what_that_does_to_the_wait() {
        let scenario = default_scenario().with_drive(200_000, 0);
        let mut records = observed(&scenario, Terms::IDEAL);
        let before = waits(&records);
        for record in &mut records {
            record.due_s *= 0.98;
            record.sent_s = Some(record.due_s);
        }
        let rows = diagnose(&scenario, &records, 0.8);
        let rate = named(&rows, "arrival_rate");
        assert!(rate.p_value.unwrap() < SURPRISING && rate.says.ends_with("more than chance explains"));
        // The seed's own rate is part of what was found; the effect of the two per cent is what the replay shows.
        let seed =
            named(&diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.8), "arrival_rate").clone();
        let predicted = (1.0 + rate.effect.unwrap()) / (1.0 + seed.effect.unwrap()) - 1.0;
        let truth = waits(&records) / before - 1.0;
        assert!(truth > 0.08 && (predicted - truth).abs() < 0.015, "{predicted} for {truth}");
    }

    #[test]
    fn stamps_rounded_to_a_millisecond_are_found_and_do_no_harm() {
        let scenario = default_scenario();
        let mut records = observed(&scenario, Terms::IDEAL);
        for record in &mut records {
            record.sent_s = Some((record.due_s * 1e3).round() * 1e-3);
        }
        let rows = diagnose(&scenario, &records, 0.8);
        let gaps = named(&rows, "gap_variation");
        assert!(gaps.p_value.unwrap() < 1e-6 && gaps.effect.unwrap().abs() < 0.05, "{gaps:?}");
        let sending = named(&rows, "sending");
        assert!((sending.found - sending.expected).abs() < 0.01 && sending.effect.unwrap().abs() < 0.005);
        // Two roundings with a standard deviation of 1/√12 ms each make 0.41 ms.
        assert!(sending.says.contains("on average, by 0.4"), "{}", sending.says);
    }

    #[test]
    fn arrivals_sent_four_at_a_time_are_seen_as_bursts() {
        let scenario = default_scenario();
        let mut records = observed(&scenario, Terms::IDEAL);
        for n in (0..records.len() - 3).step_by(4) {
            let last_s = records[n + 3].due_s;
            records[n..n + 4].iter_mut().for_each(|record| record.sent_s = Some(last_s));
        }
        let rows = diagnose(&scenario, &records, 0.8);
        let variation = named(&rows, "gap_variation");
        assert!(
            variation.p_value.unwrap() < 1e-6 && variation.found > 3.0 && variation.effect.unwrap() > 1.0
        );
        let sending = named(&rows, "sending");
        assert!((sending.found - variation.found).abs() < 1e-12 && sending.effect.unwrap() > 1.0);
        assert!(named(&rows, "lateness").effect.unwrap() > 0.1);
    }

    #[test]
    fn arrivals_that_are_not_poisson_are_compared_with_their_due_times() {
        let scenario = scenario("arrivals-mmpp");
        let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.6);
        for name in ["arrival_dispersion", "gap_variation"] {
            let row = named(&rows, name);
            assert!(row.p_value.is_none() && row.found > 1.1, "{row:?}");
            assert_eq!((row.found, row.effect), (row.expected, Some(0.0)));
        }
        assert_eq!(named(&rows, "arrival_rate").p_value, None);
    }

    #[test]
    fn a_renewal_process_is_tested_for_its_rate_and_compared_with_its_law() {
        let scenario = scenario("arrivals-erlang");
        let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.8);
        assert!(named(&rows, "arrival_rate").p_value.unwrap() > SURPRISING);
        let variation = named(&rows, "gap_variation");
        assert!(
            variation.expected == 0.2 && (variation.found - 0.2).abs() < 0.02 && variation.p_value.is_none()
        );
    }
}
