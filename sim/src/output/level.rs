//! Time averages of a number of jobs.

use std::collections::VecDeque;

/// Time average of the number of jobs between two boundaries, such as due and start, over a window.
///
/// ```text
/// L = (1/T) ∫ N(t) dt = (1/T) Σ |[enter_n, leave_n) ∩ window|
/// ```
///
/// Fed job by job in order of entry; jobs must also leave in that order (first come, first served).
/// Jobs still inside when the window ends are counted up to its end.
#[derive(Debug, Clone)]
pub struct Level {
    from_s: f64,
    inside: VecDeque<(f64, f64)>,
    area: f64,
}

impl Level {
    /// A window that opens at `from_s`.
    pub fn from(from_s: f64) -> Self {
        Level { from_s, inside: VecDeque::new(), area: 0.0 }
    }

    /// A job that enters at `enter_s`, not before the one before it, and leaves at `leave_s`.
    pub fn pass(&mut self, enter_s: f64, leave_s: f64) {
        while let Some((entered, left)) = self.inside.pop_front_if(|(_, left)| *left <= enter_s) {
            self.area += (left - entered.max(self.from_s)).max(0.0);
        }
        self.inside.push_back((enter_s, leave_s));
    }

    /// The average over the window that closes at `to_s`, when the last job entered or later.
    pub fn mean(&self, to_s: f64) -> f64 {
        let still = |(entered, left): &(f64, f64)| (left.min(to_s) - entered.max(self.from_s)).max(0.0);
        (self.area + self.inside.iter().map(still).sum::<f64>()) / (to_s - self.from_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_counts_only_while_it_is_inside_the_window() {
        let mut level = Level::from(1.0);
        level.pass(0.0, 2.0); // inside the window for 1 s
        level.pass(0.5, 3.0); // for 2 s
        level.pass(4.0, 9.0); // for 1 s of its 5
        assert!((level.mean(5.0) - 4.0 / 4.0).abs() < 1e-15);
    }
}
