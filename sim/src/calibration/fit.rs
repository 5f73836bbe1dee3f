//! Overhead terms from the records of a live run.

use std::collections::BTreeMap;

use super::{Drift, Measured, MeasuredTerms};
use crate::model::JobRecord;
use crate::output::PROBABILITIES;

/// Fewest jobs from which a term is estimated.
const FEWEST: usize = 30;

/// Batches for the standard error; each is long against the few jobs over which overheads are correlated.
pub(super) const BATCHES: usize = 20;

/// Values that stand for the law of a term, each the mean of an equal share of what was seen.
const STRATA: usize = 100;

/// Why a set of records does not tell the terms.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Too few jobs show a term.
    #[error(
        "{term}: {jobs} jobs show it\n  rule: at least {FEWEST} are needed\n  \
         remedy: measure longer, or at a load where jobs find the consumer {state}"
    )]
    TooFew {
        /// The term.
        term: &'static str,
        /// Jobs that show it.
        jobs: usize,
        /// The state of the consumer in which jobs show it.
        state: &'static str,
    },
}

/// A served job with the instants that the terms are made of, s.
struct Served {
    due_s: f64,
    delivered_s: f64,
    start_s: f64,
    done_s: f64,
    overshoot_s: f64,
}

/// One value of a term, and when it was seen, s.
type Value = (f64, f64);

/// Estimates the four terms from the records of one or several consumers, warm-up excluded.
///
/// A job is used for a term only if what came *before* it decides so, never its own delay, or the
/// choice would bias the mean:
///
/// ```text
/// overshoot   done_n - start_n - S_n                    all jobs
/// idle path   start_n - due_n                           due a while after done_{n-1}
/// turnaround  start_n - done_{n-1}            (k = 1)   due a while before done_{n-1}
///             delivered_n + w - done_{n-k}    (k > 1)   due a while before done_{n-k}
/// hand-over   start_n - done_{n-1}            (k > 1)   delivered w before done_{n-1}
/// ```
///
/// where "a while" is twice the median idle path and w the mean time from delivery to start on an
/// idle consumer. Jobs are taken consumer by consumer, in the order in which they started there: n − 1 is the job
/// before on the same consumer. A job that was due before a place became free has waited at the broker for a place,
/// and had this one, so there was no other.
///
/// A turnaround that is hidden behind the jobs that a consumer holds is taken for an idle path, give or take half.
///
/// # Errors
/// [`FitError::TooFew`] if fewer than 30 jobs show a term.
pub fn fit<'r>(
    records: impl IntoIterator<Item = &'r JobRecord>,
    prefetch: u32,
) -> Result<MeasuredTerms, FitError> {
    let terms = terms(&served(records.into_iter(), |record| Some(record.due_s)), prefetch)?;
    let idle_path = terms.idle_path?;
    let turnaround = match terms.turnaround {
        Err(FitError::TooFew { .. }) if prefetch > 1 => unseen(&idle_path),
        found => found?,
    };
    let hand_over = terms.hand_over.transpose()?;
    Ok(MeasuredTerms { idle_path, turnaround, hand_over, overshoot: terms.overshoot })
}

/// From when the idle path of a job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the instant at which it was due, as a prediction has it.
    Due,
    /// From the instant at which it was sent: what is left where the replayed arrivals are those that happened. Jobs
    /// that were never sent are left out.
    Sent,
}

/// The overheads of a run for looking at that very run: as [`fit`], but a run in which no consumer was ever idle, or
/// none ever busy, is fitted, too. What it does not show it does not feel, and the other term stands for it.
///
/// # Errors
/// [`FitError::TooFew`] if fewer than 30 jobs show anything at all.
pub fn fit_run<'r>(
    records: impl IntoIterator<Item = &'r JobRecord>,
    prefetch: u32,
    origin: Origin,
) -> Result<MeasuredTerms, FitError> {
    let from: fn(&JobRecord) -> Option<f64> = match origin {
        Origin::Due => |record| Some(record.due_s),
        Origin::Sent => |record| record.sent_s,
    };
    let terms = terms(&served(records.into_iter(), from), prefetch)?;
    let (idle_path, turnaround) = match (terms.idle_path, terms.turnaround) {
        (Ok(idle_path), Ok(turnaround)) => (idle_path, turnaround),
        (Ok(idle_path), Err(_)) => (idle_path.clone(), unseen(&idle_path)),
        (Err(_), Ok(turnaround)) => (unseen(&turnaround), turnaround),
        (Err(error), Err(_)) => return Err(error),
    };
    let hand_over = terms.hand_over.map(|found| found.unwrap_or_else(|_| unseen(&terms.overshoot)));
    Ok(MeasuredTerms { idle_path, turnaround, hand_over, overshoot: terms.overshoot })
}

/// What records show of each term.
struct Seen {
    idle_path: Result<Measured, FitError>,
    turnaround: Result<Measured, FitError>,
    /// None at prefetch 1.
    hand_over: Option<Result<Measured, FitError>>,
    overshoot: Measured,
}

fn terms(consumers: &[Vec<Served>], prefetch: u32) -> Result<Seen, FitError> {
    let held = (prefetch as usize).max(1);
    let jobs = consumers.iter().flatten();
    let overshoot = measure("overshoot", "idle or busy", jobs.map(|job| (job.start_s, job.overshoot_s)))?;

    let pairs = || consumers.iter().flat_map(|jobs| jobs.windows(2));
    let idle_after = |margin_s: f64| {
        pairs().filter(move |pair| pair[1].due_s > pair[0].done_s + margin_s).map(|pair| &pair[1])
    };
    let first_guess: Vec<f64> = idle_after(0.0).map(|job| job.start_s - job.due_s).collect();
    let first_guess = crate::output::sorted(first_guess);
    let margin_s = 2.0 * crate::output::quantile_of_sorted(&first_guess, 0.5).unwrap_or(0.0);
    let idle: Vec<&Served> = idle_after(margin_s).collect();
    let idle_path = idle.iter().map(|job| (job.start_s, job.start_s - job.due_s));
    let idle_path = measure("idle path", "idle", idle_path);
    let wake_s = idle.iter().map(|job| job.start_s - job.delivered_s).sum::<f64>() / idle.len().max(1) as f64;

    let windows = consumers.iter().flat_map(|jobs| jobs.windows(held + 1));
    let queued = windows.filter(|window| window[held].due_s + margin_s < window[0].done_s);
    let turnaround = queued.map(|window| {
        let job = &window[held];
        let could_start_s = if held == 1 { job.start_s } else { job.delivered_s + wake_s };
        (job.start_s, could_start_s - window[0].done_s)
    });
    let turnaround = measure("turnaround", "busy", turnaround);

    let in_hand = pairs().filter(|pair| pair[1].delivered_s + wake_s < pair[0].done_s);
    let hand_over = in_hand.map(|pair| (pair[1].start_s, pair[1].start_s - pair[0].done_s));
    let hand_over = (held > 1).then(|| measure("hand-over", "busy", hand_over));
    Ok(Seen { idle_path, turnaround, hand_over, overshoot })
}

/// Stands for a term that too few jobs show: somewhere between nothing and another term, with about as many legs.
fn unseen(other: &Measured) -> Measured {
    Measured {
        standard_error_s: 0.5 * other.mean_s,
        jobs: 0,
        drift: None,
        quantiles_s: BTreeMap::new(),
        ..other.clone()
    }
}

/// The served jobs of each consumer, in the order in which they started.
fn served<'r>(
    records: impl Iterator<Item = &'r JobRecord>,
    from: fn(&JobRecord) -> Option<f64>,
) -> Vec<Vec<Served>> {
    let mut consumers: BTreeMap<u32, Vec<Served>> = BTreeMap::new();
    for record in records.filter(|record| !record.warmup) {
        let (Some(due_s), Some(delivered_s), Some(start_s), Some(done_s)) =
            (from(record), record.delivered_s, record.start_s, record.done_s)
        else {
            continue;
        };
        let overshoot_s = done_s - start_s - record.demand_s;
        let job = Served { due_s, delivered_s, start_s, done_s, overshoot_s };
        consumers.entry(record.server.unwrap_or(0)).or_default().push(job);
    }
    let mut consumers: Vec<Vec<Served>> = consumers.into_values().collect();
    for jobs in &mut consumers {
        jobs.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    }
    consumers
}

pub(super) fn measure(
    term: &'static str,
    state: &'static str,
    seen: impl Iterator<Item = Value>,
) -> Result<Measured, FitError> {
    let mut seen: Vec<Value> = seen.collect();
    if seen.len() < FEWEST {
        return Err(FitError::TooFew { term, jobs: seen.len(), state });
    }
    // Batches are stretches of time, whichever consumer saw them.
    seen.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let values: Vec<f64> = seen.iter().map(|(_, value)| *value).collect();
    let count = values.len() as f64;
    let mean_s = values.iter().sum::<f64>() / count;
    let batches = BATCHES.min(values.len() / 2);
    let batch = |n: usize| &seen[n * seen.len() / batches..(n + 1) * seen.len() / batches];
    let mean_of =
        |batch: &[Value], part: fn(&Value) -> f64| batch.iter().map(part).sum::<f64>() / batch.len() as f64;
    let means: Vec<Value> =
        (0..batches).map(|n| (mean_of(batch(n), |seen| seen.0), mean_of(batch(n), |seen| seen.1))).collect();
    let batch_values: Vec<f64> = means.iter().map(|(_, value)| *value).collect();
    let sorted = crate::output::sorted(values.clone());
    let quantile =
        |(p, name): (f64, &str)| Some((name.to_owned(), crate::output::quantile_of_sorted(&sorted, p)?));
    Ok(Measured {
        mean_s,
        standard_error_s: deviation(&batch_values, mean_s) / (batches as f64).sqrt(),
        standard_deviation_s: deviation(&values, mean_s),
        jobs: values.len() as u64,
        shape: None,
        samples_s: Some(strata(&sorted, mean_s)),
        drift: drift(&means),
        quantiles_s: PROBABILITIES.into_iter().filter_map(quantile).collect(),
    })
}

/// The means of equal shares of the sorted values, from the shortest to the longest: their mean is that of all, and the
/// last one stands for the pauses. Where the terms before took longer than usual a value may be below zero, which no
/// overhead is: it counts as none.
fn strata(sorted: &[f64], mean_s: f64) -> Vec<f64> {
    let count = STRATA.min(sorted.len());
    let share = |n: usize| &sorted[n * sorted.len() / count..(n + 1) * sorted.len() / count];
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means: Vec<f64> = (0..count).map(|n| mean_of(share(n)).max(0.0)).collect();
    // Shares that differ by a value, and values that were no overheads, would move the mean.
    let scale = mean_s.max(0.0) / mean_of(&means).max(f64::MIN_POSITIVE);
    means.into_iter().map(|value| value * scale).collect()
}

/// How much the line through the means of batches rises from the first to the last; none for fewer than three.
fn drift(means: &[Value]) -> Option<Drift> {
    let count = means.len() as f64;
    if means.len() < 3 {
        return None;
    }
    let center = |part: fn(&Value) -> f64| means.iter().map(part).sum::<f64>() / count;
    let (at_s, value_s) = (center(|seen| seen.0), center(|seen| seen.1));
    let spread: f64 = means.iter().map(|(at, _)| (at - at_s).powi(2)).sum();
    let slope = means.iter().map(|(at, value)| (at - at_s) * (value - value_s)).sum::<f64>() / spread;
    let residuals: f64 =
        means.iter().map(|(at, value)| (value - value_s - slope * (at - at_s)).powi(2)).sum();
    let span_s = means[means.len() - 1].0 - means[0].0;
    let standard_error_s = (residuals / (count - 2.0) / spread).sqrt() * span_s;
    let drift = Drift { change_s: slope * span_s, standard_error_s };
    (drift.change_s.is_finite() && standard_error_s.is_finite()).then_some(drift)
}

fn deviation(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::trajectory;
    use crate::model::Terms;

    const TERMS: Terms =
        Terms { idle_path_s: 0.9e-3, turnaround_s: 0.45e-3, hand_over_s: 0.02e-3, overshoot_s: 0.03e-3 };

    /// Records as a pipeline with exactly these terms would write them.
    fn synthetic(prefetch: u32) -> Vec<JobRecord> {
        let scenario = crate::scenario_file::parse(crate::scenario_file::DEFAULT, "default").unwrap();
        let mut records = trajectory(&scenario.with_prefetch(prefetch), TERMS);
        let held = prefetch as usize;
        for n in 0..records.len() {
            let mut ready = records[n].due_s + TERMS.idle_path_s;
            if n >= held {
                ready = ready.max(records[n - held].done_s.unwrap() + TERMS.turnaround_s);
            }
            records[n].delivered_s = Some(ready);
        }
        records
    }

    #[test]
    fn injected_terms_are_recovered_at_prefetch_1() {
        let fitted = fit(&synthetic(1), 1).unwrap().terms();
        assert!((fitted.idle_path_s - TERMS.idle_path_s).abs() < 1e-12);
        assert!((fitted.turnaround_s - TERMS.turnaround_s).abs() < 1e-12);
        assert!((fitted.overshoot_s - TERMS.overshoot_s).abs() < 1e-12);
    }

    #[test]
    fn injected_terms_are_recovered_at_prefetch_3() {
        let fitted = fit(&synthetic(3), 3).unwrap().terms();
        assert!((fitted.idle_path_s - TERMS.idle_path_s).abs() < 1e-12);
        assert!((fitted.turnaround_s - TERMS.turnaround_s).abs() < 1e-9);
        assert!((fitted.hand_over_s - TERMS.hand_over_s).abs() < 1e-12);
    }

    /// Records of a pipeline whose terms are exponential around TERMS and whose server wakes `wake_s` after a
    /// delivery.
    fn noisy(prefetch: usize, jobs: usize, wake_s: f64) -> Vec<JobRecord> {
        use crate::model::Shape;
        use crate::sampling::{Jobs, Purpose, Sampler, Stream};
        let scenario = crate::scenario_file::parse(crate::scenario_file::DEFAULT, "default").unwrap();
        let mut stream = Stream::new(9, 0, Purpose::Resampling);
        let mut draw = |mean: f64| Sampler::new(Shape::Exponential {}, mean).sample(&mut stream);
        let (mut records, mut ready): (Vec<JobRecord>, f64) = (Vec::new(), 0.0);
        for (n, job) in Jobs::new(&scenario, 0).take(jobs).enumerate() {
            let done = |n: usize| records[n].done_s.unwrap();
            // The idle path is at least the wake-up, or a delivery would come before its job is due.
            ready = ready.max(job.due_s + wake_s + draw(TERMS.idle_path_s - wake_s));
            if n >= prefetch {
                ready = ready.max(done(n - prefetch) + wake_s + draw(TERMS.turnaround_s - wake_s));
            }
            let start_s = if n > 0 { ready.max(done(n - 1) + draw(TERMS.hand_over_s)) } else { ready };
            let done_s = start_s + job.demand_s + draw(TERMS.overshoot_s);
            records.push(JobRecord {
                job: job.index,
                due_s: job.due_s,
                demand_s: job.demand_s,
                delivered_s: Some(ready - wake_s),
                start_s: Some(start_s),
                done_s: Some(done_s),
                ..JobRecord::default()
            });
        }
        records
    }

    #[test]
    fn noisy_terms_are_found_within_their_standard_errors() {
        for prefetch in [1, 2] {
            let fitted = fit(&noisy(prefetch, 60_000, 30e-6), prefetch as u32).unwrap();
            let hand_over = fitted.hand_over.map(|term| ("hand-over", term, TERMS.hand_over_s));
            let found = [
                ("idle path", fitted.idle_path, TERMS.idle_path_s),
                ("turnaround", fitted.turnaround, TERMS.turnaround_s),
                ("overshoot", fitted.overshoot, TERMS.overshoot_s),
            ];
            for (name, term, truth) in found.into_iter().chain(hand_over) {
                let error = term.standard_error_s;
                assert!(error < 0.02 * truth, "{name} at prefetch {prefetch}: {error} is too wide");
                // Constants cannot follow everything: what is systematic must stay below two per cent.
                let off = (term.mean_s - truth).abs();
                assert!(
                    off < 4.0 * error + 0.02 * truth,
                    "{name} at prefetch {prefetch}: {} for {truth}",
                    term.mean_s
                );
            }
        }
    }

    /// Records of several consumers, dealt to by a ring, with exactly the terms.
    fn several(servers: u32, prefetch: u32) -> Vec<JobRecord> {
        use crate::engine::Ring;
        use crate::sampling::Jobs;
        let scenario = crate::scenario_file::parse(crate::scenario_file::DEFAULT, "default").unwrap();
        let scenario = scenario.with_rate(160.0 * f64::from(servers));
        let mut ring = Ring::new(servers, prefetch);
        let mut done: Vec<Vec<f64>> = vec![Vec::new(); servers as usize];
        let record = |job: crate::sampling::Job| {
            let (timing, server) = ring.serve(job.due_s, job.demand_s, TERMS);
            let done = &mut done[server as usize];
            let mut ready_s = job.due_s + TERMS.idle_path_s;
            if let Some(n) = done.len().checked_sub(prefetch as usize) {
                ready_s = ready_s.max(done[n] + TERMS.turnaround_s);
            }
            done.push(timing.done_s);
            JobRecord {
                job: job.index,
                due_s: job.due_s,
                demand_s: job.demand_s,
                delivered_s: Some(ready_s),
                start_s: Some(timing.start_s),
                done_s: Some(timing.done_s),
                server: Some(server),
                ..JobRecord::default()
            }
        };
        Jobs::new(&scenario, 0).take(20_000).map(record).collect()
    }

    #[test]
    fn injected_terms_of_several_consumers_are_recovered() {
        for (servers, prefetch) in [(4, 1), (4, 2), (10, 2), (3, 5)] {
            let fitted = fit(&several(servers, prefetch), prefetch).unwrap();
            let found = fitted.terms();
            for (name, found, truth) in [
                ("idle path", found.idle_path_s, TERMS.idle_path_s),
                ("turnaround", found.turnaround_s, TERMS.turnaround_s),
                ("overshoot", found.overshoot_s, TERMS.overshoot_s),
            ] {
                assert!(
                    (found - truth).abs() < 1e-9,
                    "{name} of {servers} at {prefetch}: {found} for {truth}"
                );
            }
            if prefetch > 1 {
                assert!((found.hand_over_s - TERMS.hand_over_s).abs() < 1e-9, "{}", found.hand_over_s);
            }
        }
    }

    #[test]
    fn the_law_of_a_term_keeps_its_mean_and_has_no_value_below_zero() {
        let values: Vec<f64> = (-40..310).map(|n| f64::from(n) * 1e-6).collect();
        let mean_s = values.iter().sum::<f64>() / 350.0;
        let law = strata(&values, mean_s);
        assert!(law.len() == 100 && law.iter().all(|value| *value >= 0.0) && law.is_sorted(), "{law:?}");
        assert!((law.iter().sum::<f64>() / 100.0 / mean_s - 1.0).abs() < 1e-12);
        // A pause of a second among ten thousand values is in the last one.
        let mut values = vec![1e-3; 9_999];
        values.push(1.0);
        assert!((strata(&values, 1.0999e-3)[99] - (99.0 * 1e-3 + 1.0) / 100.0).abs() < 1e-6);
        assert!(strata(&[-1e-6; 40], -1e-6).iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_term_that_grows_shows_its_drift_and_a_steady_one_none() {
        let mut records = synthetic(1);
        let steady = fit(&records, 1).unwrap().overshoot.drift.unwrap();
        assert!(steady.change_s.abs() < 1e-9, "{steady:?}");
        let last_s = records.last().unwrap().start_s.unwrap();
        for record in &mut records {
            let share = record.start_s.unwrap() / last_s;
            record.demand_s -= 1e-4 * share;
        }
        let Drift { change_s, standard_error_s } = fit(&records, 1).unwrap().overshoot.drift.unwrap();
        // From the first batch's middle to the last one's, and the warm-up is not among them.
        assert!(
            (change_s - 0.89e-4).abs() < 1e-6 && standard_error_s < 1e-9,
            "{change_s} ± {standard_error_s}"
        );
    }

    #[test]
    fn a_run_that_shows_no_queueing_tells_no_turnaround() {
        let mut records = synthetic(1);
        for (n, record) in records.iter_mut().enumerate() {
            let shift = n as f64;
            record.due_s += shift;
            for instant in [&mut record.delivered_s, &mut record.start_s, &mut record.done_s] {
                *instant = Some(record.due_s + 1e-3);
            }
        }
        assert!(matches!(fit(&records, 1), Err(FitError::TooFew { term: "turnaround", jobs: 0, .. })));
    }
}
