//! The law of the number of jobs present.

/// How many jobs are present at one time: P(N = n) for n = 0, 1, 2, …
///
/// What the time-dependent queues ([`transient`](super::transient), [`time_varying`](super::time_varying),
/// [`outage`](super::outage)) answer with; probabilities too small to matter are left out.
///
/// # Units
/// Jobs, those in service included.
///
/// # Examples
/// ```
/// // The arrivals of one second, ten a second, while the server is off.
/// let queue = sim::theory::outage::Outage::new(10.0, 20.0, 1.0)?;
/// let present = queue.at_restart();
/// assert!((present.mean_in_system() - (1.0 + 10.0)).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Occupancy {
    probabilities: Vec<f64>,
}

impl Occupancy {
    /// From P(N = 0), P(N = 1), …
    pub(super) fn new(probabilities: Vec<f64>) -> Self {
        Occupancy { probabilities }
    }

    /// Exactly `jobs` are present.
    pub(super) fn exactly(jobs: u32) -> Self {
        let mut probabilities = vec![0.0; jobs as usize + 1];
        probabilities[jobs as usize] = 1.0;
        Occupancy { probabilities }
    }

    /// P(N = 0), P(N = 1), …, as far as they matter.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// P(N = `jobs`).
    pub fn prob_in_system(&self, jobs: u32) -> f64 {
        self.probabilities.get(jobs as usize).copied().unwrap_or(0.0)
    }

    /// P(N ≥ `jobs`), summed from the smallest.
    pub fn prob_at_least(&self, jobs: u32) -> f64 {
        self.probabilities.iter().skip(jobs as usize).rev().sum()
    }

    /// E\[N\].
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.probabilities.iter().enumerate().map(|(n, p)| n as f64 * p).sum()
    }

    /// Var(N).
    pub fn in_system_variance(&self) -> f64 {
        let mean = self.mean_in_system();
        self.probabilities.iter().enumerate().map(|(n, p)| (n as f64 - mean).powi(2) * p).sum()
    }
}
