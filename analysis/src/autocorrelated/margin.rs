//! Whether an error is within a margin, and the jobs that would tell.

use super::error::{RelativeError, student};
use crate::compare::Verdict;

/// Probability of calling a prediction valid whose error is at the margin, and of calling one invalid that is within.
const ALPHA: f64 = 0.05;
/// The normal quantile of the probability with which a run of the planned length decides.
const POWER: f64 = 1.281_551_565_544_600_4;
/// Degrees of freedom of the standard error of a long run.
const LONG_RUN: u32 = 59;

/// Judges a relative error by its margin.
///
/// ```text
/// valid         the 90 % interval (1 − 2α) lies within ±margin
/// invalid       the 95 % interval (1 − α) lies beyond it
/// inconclusive  otherwise
/// ```
///
/// A prediction at the very margin is called valid with probability α = 5 % at most, since for that one end of
/// the interval has to miss it.
///
/// # References
/// Schuirmann 1987, *J. Pharmacokinetics and Biopharmaceutics* 15.
pub fn judge(error: &RelativeError, margin: f64) -> Verdict {
    let (narrow, wide) = (error.interval(1.0 - 2.0 * ALPHA), error.interval(1.0 - ALPHA));
    if narrow.low >= -margin && narrow.high <= margin {
        Verdict::Valid
    } else if wide.low > margin || wide.high < -margin {
        Verdict::Invalid
    } else {
        Verdict::Inconclusive
    }
}

/// How many jobs decide with a probability of nine tenths, if the error is what it seems and its standard error shrinks
/// as 1/√n.
///
/// ```text
/// n' = n · ((t + 1.28)·s.e./(1 + e) / d)²,      d from ln(1 + e) to the nearer of ln(1 ± margin)
/// ```
///
/// but for skewness, with the t of whichever interval decides: 90 % for an error within the margin, 95 % beyond it.
/// `None` at the very margin, where no run decides, and if the standard error is not known.
pub fn jobs_needed(jobs: usize, error: &RelativeError, margin: f64) -> Option<u64> {
    let at = error.value.ln_1p();
    let (below, above) = ((-margin).ln_1p(), margin.ln_1p());
    let distance = (at - below).abs().min((above - at).abs());
    let confidence = if error.value.abs() < margin { 1.0 - 2.0 * ALPHA } else { 1.0 - ALPHA };
    // A longer run has more blocks and so, up to some, a smaller t.
    let t = student(error.freedom.max(LONG_RUN), confidence);
    let needed = jobs as f64 * ((t + POWER) * error.standard_error / (1.0 + error.value) / distance).powi(2);
    // Beyond this nobody can wait for it, and it may as well be the margin itself.
    (needed < 1e15).then(|| needed.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use sim::sampling::{Purpose, Stream};

    use super::super::test_bed::normal;
    use super::*;

    fn error(value: f64, standard_error: f64) -> RelativeError {
        RelativeError { value, standard_error, freedom: 59, skewness: 0.0 }
    }

    #[test]
    fn the_whole_interval_has_to_be_on_one_side_of_the_margin() {
        assert_eq!(judge(&error(0.01, 0.02), 0.05), Verdict::Valid);
        assert_eq!(judge(&error(-0.03, 0.02), 0.05), Verdict::Inconclusive);
        assert_eq!(judge(&error(0.08, 0.02), 0.05), Verdict::Inconclusive);
        assert_eq!(judge(&error(-0.10, 0.02), 0.05), Verdict::Invalid);
        assert_eq!(judge(&error(f64::NAN, 0.02), 0.05), Verdict::Inconclusive);
        assert_eq!(judge(&RelativeError { freedom: 0, ..error(0.0, 0.01) }, 0.05), Verdict::Inconclusive);
    }

    #[test]
    fn a_run_of_the_planned_length_decides_nine_times_of_ten() {
        const RUNS: u32 = 10_000;
        let mut stream = Stream::new(6, 0, Purpose::Resampling);
        for (value, verdict) in [(0.03, Verdict::Valid), (-0.09, Verdict::Invalid)] {
            let error_of_jobs = |jobs: f64| 0.5 / jobs.sqrt();
            let planned = jobs_needed(100, &error(value, error_of_jobs(100.0)), 0.05).unwrap() as f64;
            let standard_error = error_of_jobs(planned);
            let mut decides = || {
                let seen = value + standard_error * normal(&mut stream);
                judge(&error(seen, standard_error), 0.05) == verdict
            };
            let share = (0..RUNS).filter(|_| decides()).count() as f64 / f64::from(RUNS);
            // Four standard errors of a share of nine tenths are 1.2 %; errors are normal here, not their logarithms.
            assert!((share - 0.9).abs() < 0.02, "{share} of runs of {planned} jobs are {verdict}");
        }
    }

    #[test]
    fn no_run_decides_at_the_margin() {
        assert_eq!(jobs_needed(1000, &error(0.05, 0.01), 0.05), None);
        assert_eq!(jobs_needed(1000, &error(0.01, f64::NAN), 0.05), None);
        assert_eq!(jobs_needed(1000, &error(0.01, 0.0), 0.05), Some(0));
    }

    #[test]
    fn an_error_at_the_margin_is_accepted_in_five_per_cent_of_runs() {
        const RUNS: u32 = 40_000;
        let mut stream = Stream::new(5, 0, Purpose::Resampling);
        let mut error = || {
            let blocks: Vec<f64> = (0..8).map(|_| 0.05 + 0.02 * normal(&mut stream)).collect();
            let value = blocks.iter().sum::<f64>() / 8.0;
            let squares: f64 = blocks.iter().map(|block| (block - value).powi(2)).sum();
            RelativeError { value, standard_error: (squares / 56.0).sqrt(), freedom: 7, skewness: 0.0 }
        };
        let verdicts: Vec<Verdict> = (0..RUNS).map(|_| judge(&error(), 0.05)).collect();
        let share =
            |verdict| verdicts.iter().filter(|other| **other == verdict).count() as f64 / f64::from(RUNS);
        // Four standard errors of a share of 5 % (and of 2.5 %) of 40 000 are 0.44 % (0.31 %).
        assert!((share(Verdict::Valid) - 0.05).abs() < 0.0044, "{}", share(Verdict::Valid));
        assert!((share(Verdict::Invalid) - 0.025).abs() < 0.0031, "{}", share(Verdict::Invalid));
    }
}
