//! Independent runs, repeated until their mean is precise enough.

use rayon::prelude::*;

use super::Progress;
use crate::output::student;

/// Sums over runs of a value z and of a control c whose mean is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sums {
    pub count: u64,
    z: f64,
    zz: f64,
    c: f64,
    cc: f64,
    zc: f64,
}

/// A mean, and half the width of its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mean {
    pub estimate: f64,
    pub half_width: f64,
}

impl Mean {
    /// Half-width over estimate; infinite while nothing was seen.
    pub(super) fn relative_error(self) -> f64 {
        if self.estimate > 0.0 { self.half_width / self.estimate } else { f64::INFINITY }
    }
}

impl Sums {
    /// Counts a run without a control.
    pub(super) fn record(&mut self, z: f64) {
        self.record_with(z, 0.0);
    }

    /// Counts a run with its control.
    pub(super) fn record_with(&mut self, z: f64, c: f64) {
        self.count += 1;
        self.z += z;
        self.zz += z * z;
        self.c += c;
        self.cc += c * c;
        self.zc += z * c;
    }

    fn add(&mut self, other: &Sums) {
        self.count += other.count;
        self.z += other.z;
        self.zz += other.zz;
        self.c += other.c;
        self.cc += other.cc;
        self.zc += other.zc;
    }

    /// The mean with Student's t interval, the control regressed out.
    ///
    /// ```text
    /// z̄ − β·(c̄ − E c),   β = Cov(z, c)/Var c,   s² = (Var z − β·Cov(z, c))/n
    /// ```
    ///
    /// # References
    /// Lavenberg & Welch 1981, *Management Science* 27.
    pub(super) fn mean(&self, control_mean: f64) -> Mean {
        let n = self.count as f64;
        let (z, c) = (self.z / n, self.c / n);
        let (var_z, var_c) = ((self.zz - n * z * z).max(0.0), (self.cc - n * c * c).max(0.0));
        let covariance = self.zc - n * z * c;
        let (slope, freedom) = if var_c > 0.0 { (covariance / var_c, n - 2.0) } else { (0.0, n - 1.0) };
        let variance = (var_z - slope * covariance).max(0.0) / freedom / n;
        let half_width = if freedom > 0.0 { student(freedom) * variance.sqrt() } else { f64::INFINITY };
        Mean { estimate: z - slope * (c - control_mean), half_width }
    }
}

/// How long runs are repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Blocks before the error is looked at for the first time.
    pub first: u32,
    /// Most blocks.
    pub most: u32,
    /// Half-width over estimate that is enough.
    pub relative_error: f64,
    /// Known mean of the control.
    pub control_mean: f64,
}

/// Adds blocks of runs, by their numbers and so the same for any number of threads, until the mean is precise
/// enough or there are no more.
pub(super) fn repeat(
    effort: Effort,
    progress: &mut dyn FnMut(Progress),
    block: impl Fn(u32) -> Sums + Sync,
) -> Sums {
    let mut sums = Sums::default();
    let (mut done, mut goal) = (0, effort.first.min(effort.most));
    loop {
        let blocks: Vec<Sums> = (done..goal).into_par_iter().map(&block).collect();
        blocks.iter().for_each(|block| sums.add(block));
        done = goal;
        let relative_error = sums.mean(effort.control_mean).relative_error();
        progress(Progress { runs: sums.count, relative_error });
        // Where nothing was seen in all of the first blocks, more of them would be a matter of luck.
        let nothing = relative_error == f64::INFINITY;
        if relative_error <= effort.relative_error || done >= effort.most || nothing {
            return sums;
        }
        // A tenth more than the square of the error asks for; at most twice what there is, since an early
        // error is itself uncertain.
        let needed = f64::from(done) * (relative_error / effort.relative_error).powi(2) * 1.1;
        goal = (needed as u32).clamp(done + 1, done.saturating_mul(2)).min(effort.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Estimate;
    use crate::sampling::{Purpose, Stream};

    #[test]
    fn without_a_control_the_interval_is_students() {
        let values = [1.0, 2.0, 4.0, 9.0];
        let mut sums = Sums::default();
        values.iter().for_each(|value| sums.record(*value));
        let (mean, expected) = (sums.mean(0.0), Estimate::of(&values));
        assert_eq!(mean.estimate, expected.estimate);
        assert!((mean.half_width / expected.half_width - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_control_that_explains_everything_leaves_no_error() {
        let mut sums = Sums::default();
        (0..10_u32).for_each(|n| sums.record_with(3.0 + 2.0 * f64::from(n), f64::from(n)));
        let mean = sums.mean(7.0);
        assert!((mean.estimate - 17.0).abs() < 1e-12 && mean.half_width < 1e-6, "{mean:?}");
    }

    #[test]
    fn runs_are_added_until_the_error_is_as_asked_or_the_limit_is_reached() {
        let block = |number| {
            let (mut sums, mut stream) = (Sums::default(), Stream::new(1, number, Purpose::Rare));
            (0..10).for_each(|_| sums.record(stream.uniform()));
            sums
        };
        let effort = Effort { first: 4, most: 1_000_000, relative_error: 0.01, control_mean: 0.0 };
        let (mut looks, sums) = (0, |effort, looks: &mut u32| repeat(effort, &mut |_| *looks += 1, block));
        let enough = sums(effort, &mut looks);
        assert!(enough.mean(0.0).relative_error() <= 0.01 && looks > 3);
        // n = (1.96·c_v/0.01)² with c_v² = 1/3.
        assert!((8_000..20_000).contains(&enough.count), "{}", enough.count);
        assert_eq!(sums(Effort { most: 9, ..effort }, &mut looks).count, 90);
    }
}
