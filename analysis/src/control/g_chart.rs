//! g-chart: how many jobs lie between failures that are rare.

use std::collections::VecDeque;

use statrs::function::beta::beta_reg;

use super::signal::{Direction, Method, Quantity, Signal};

/// Largest probability by chance that is still called a signal, however seldom failures give it the occasion.
const LARGEST_TAIL: f64 = 0.1;

/// Limits on the number of jobs from one failure to the next, that one included, and its median.
///
/// ```text
/// ln(1 − α/2)/ln(1 − p),     ln ½/ln(1 − p),     ln(α/2)/ln(1 − p)
/// ```
///
/// Above the upper limit failures have become rarer, below the lower one more frequent.
///
/// # Units
/// `rate` p and `alpha` are probabilities; the result in jobs.
/// # References
/// Kaminsky et al. 1992; Xie, Goh & Kuralmani 2002.
pub fn limits(rate: f64, alpha: f64) -> [f64; 3] {
    [(-alpha / 2.0).ln_1p(), 0.5_f64.ln(), (alpha / 2.0).ln()].map(|log| log / (-rate).ln_1p())
}

/// Signals that failures have become more frequent: `gaps` of them within `within` jobs of the one before.
///
/// With one failure it is the lower limit of the g-chart. Where failures are not so rare even neighbours are nothing
/// unusual; then so many gaps in a row are taken together as it takes, and the next ones begin with the last failure of
/// these (CCC-r).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GChart {
    /// The failure rate that counts as in control.
    pub rate: f64,
    /// Gaps that are taken together, r.
    pub gaps: u64,
    /// The most jobs in which they are a signal.
    pub within: u64,
}

impl GChart {
    /// The chart that gives one false alarm in at least so many jobs on average, and of those the one that signals soonest, on
    /// average, where failures come at the rate `burst`.
    pub fn with_mean_run(rate: f64, jobs: f64, burst: f64) -> Self {
        let chart = |gaps: u64| {
            // A false alarm every `jobs` jobs is one in jobs·p/r of the times that r failures are complete.
            let tail = (gaps as f64 / (rate * jobs)).min(LARGEST_TAIL);
            GChart { rate, gaps, within: most_jobs(rate, gaps, tail) }
        };
        let possible = (1..).map(chart).skip_while(|chart| chart.within < chart.gaps);
        let soonest = possible.take(MOST_GAPS).min_by(|a, b| a.mean_run(burst).total_cmp(&b.mean_run(burst)));
        soonest.expect("enough failures fit into the jobs that have them")
    }

    /// Jobs until a false alarm, on average, where failures come at `rate`.
    ///
    /// ```text
    /// E(N) = r/[p·P(r failures within L jobs)]
    /// ```
    #[doc(alias = "ARL")]
    pub fn mean_run(&self, rate: f64) -> f64 {
        self.gaps as f64 / (rate * probability(rate, self.gaps, self.within))
    }

    /// Jobs within which a signal comes with probability `p` after failures have begun to come at `rate`, in control
    /// having had none for a long time.
    ///
    /// The chart as a Markov chain: failures since the gaps began, and jobs, of which more than the limit are as good as
    /// endless.
    pub fn quantile(&self, rate: f64, p: f64) -> u64 {
        let (width, gaps) = (self.within as usize + 1, self.gaps as usize);
        let mut now = vec![0.0; width * gaps];
        now[width * gaps - 1] = 1.0;
        let (mut signalled, mut jobs) = (0.0, 0);
        while signalled < p && jobs < 100_000_000 {
            let mut next = vec![0.0; width * gaps];
            jobs += 1;
            for (place, share) in now.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                let (failures, age) = (place / width, (place % width + 1).min(width - 1));
                let is_late = place % width == width - 1;
                next[failures * width + age] += share * (1.0 - rate);
                match (failures + 1 == gaps, is_late) {
                    (true, false) => signalled += share * rate,
                    (true, true) => next[0] += share * rate,
                    (false, _) => next[(failures + 1) * width + age] += share * rate,
                }
            }
            now = next;
        }
        jobs
    }
}

/// Numbers of gaps that are tried.
const MOST_GAPS: usize = 60;

/// Failures that are kept to say with which of them a change began.
const KEPT: usize = 10_000;

/// A job that failed, its number among those that were charted, and when it ended, s.
#[derive(Debug, Clone, Copy)]
struct Failed {
    place: u64,
    job: u64,
    at_s: f64,
}

/// Jobs and failures since the gaps that are taken together began.
pub(super) struct Gaps {
    chart: GChart,
    /// Jobs so far.
    count: u64,
    jobs: u64,
    failures: u64,
    recent: VecDeque<Failed>,
    /// When gaps that are taken together were complete, s, and jobs in them: for pictures.
    pub complete: Vec<(f64, u64)>,
}

impl Gaps {
    /// No failure for a long time.
    pub fn of(chart: GChart) -> Self {
        let (recent, complete) = (VecDeque::new(), Vec::new());
        // The first failure begins the first gap, as if it ended one that is long over.
        let (jobs, failures) = (chart.within, chart.gaps - 1);
        Gaps { chart, count: 0, jobs, failures, recent, complete }
    }

    /// One more job, with the instant at which it ended, s.
    pub fn push(&mut self, (job, at_s): (u64, f64), has_failed: bool) -> Option<Signal> {
        (self.count, self.jobs) = (self.count + 1, self.jobs + 1);
        if !has_failed {
            return None;
        }
        self.failures += 1;
        self.recent.push_back(Failed { place: self.count, job, at_s });
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
        if self.failures < self.chart.gaps {
            return None;
        }
        // The next gaps begin with this failure.
        let jobs = std::mem::take(&mut self.jobs);
        self.failures = 0;
        // Of the first ones it is not known when they began.
        if self.count > jobs {
            self.complete.push((at_s, jobs));
        }
        (jobs <= self.chart.within).then(|| self.signal())
    }

    /// The newest failure as a signal. The change most likely began with the failure from which on
    ///
    /// ```text
    /// k·ln(p₁/p) + (n − k)·ln((1 − p₁)/(1 − p)),     k failures in n jobs, p₁ = k/n
    /// ```
    ///
    /// is largest.
    fn signal(&self) -> Signal {
        let last = self.recent[self.recent.len() - 1];
        let likelihood = |(place, first): (usize, &Failed)| {
            let (failures, jobs) =
                ((self.recent.len() - place) as f64, (last.place - first.place + 1) as f64);
            let (share, rate) = (failures / jobs, self.chart.rate);
            let successes =
                if share < 1.0 { (jobs - failures) * ((1.0 - share) / (1.0 - rate)).ln() } else { 0.0 };
            if share > rate { failures * (share / rate).ln() + successes } else { 0.0 }
        };
        let places = self.recent.iter().enumerate();
        let first = places.max_by(|a, b| likelihood(*a).total_cmp(&likelihood(*b)));
        let (place, first) = first.map_or((0, last), |(place, first)| (place, *first));
        let before = self.recent.len() - 1 - place;
        let jobs_since_change = last.place - first.place + 1;
        Signal {
            quantity: Quantity::Failures,
            method: Method::GChart,
            direction: Direction::Up,
            job: last.job,
            at_s: last.at_s,
            changed_job: first.job,
            changed_at_s: first.at_s,
            jobs_since_change,
            is_beyond_demand: false,
            before: self.chart.rate,
            after: (before + 1) as f64 / jobs_since_change as f64,
        }
    }
}

/// P(at least r failures in so many jobs).
fn probability(rate: f64, failures: u64, jobs: u64) -> f64 {
    match (failures, jobs) {
        (1, _) => -f64::exp_m1(jobs as f64 * (-rate).ln_1p()),
        _ if jobs < failures => 0.0,
        _ => beta_reg(failures as f64, (jobs - failures) as f64 + 1.0, rate),
    }
}

/// The most jobs in which so many failures have at most the probability `tail`.
fn most_jobs(rate: f64, failures: u64, tail: f64) -> u64 {
    if failures == 1 {
        return limits(rate, 2.0 * tail)[0].floor() as u64;
    }
    let (mut some, mut too_many) = (0, 1);
    while probability(rate, failures, too_many) <= tail {
        (some, too_many) = (too_many, 2 * too_many);
    }
    while too_many - some > 1 {
        let middle = some.midpoint(too_many);
        if probability(rate, failures, middle) <= tail { some = middle } else { too_many = middle }
    }
    some
}
