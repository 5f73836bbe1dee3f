//! M\[X\]/G/1: jobs that arrive in batches, one server.

use super::{TheoryError, mg1};

/// How many jobs a batch X holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BatchSize {
    /// Always as many.
    Fixed(u32),
    /// Geometric on 1, 2, … with this mean.
    Geometric(f64),
}

impl BatchSize {
    /// E(X).
    pub fn mean(self) -> f64 {
        match self {
            BatchSize::Fixed(size) => f64::from(size),
            BatchSize::Geometric(mean) => mean,
        }
    }

    /// E(X²)/E(X): the mean size of the batch in which a job arrives.
    pub fn mean_seen_by_job(self) -> f64 {
        match self {
            BatchSize::Fixed(size) => f64::from(size),
            BatchSize::Geometric(mean) => 2.0 * mean - 1.0,
        }
    }
}

/// The M\[X\]/G/1 queue in steady state.
///
/// Batches arrive as a Poisson process at rate λ; each holds X jobs, which one server takes one by one, first
/// come first served, at random within the batch; services S with squared coefficient of variation c_s². With
/// ρ = λE(X)E(S) < 1, a job waits for the jobs before its batch and for those before it in its batch:
///
/// ```text
/// W_q = ρ/(1-ρ)·(E(X²)/E(X) + c_s²)/2·E(S) + (E(X²)/E(X) - 1)/2·E(S)
/// ```
///
/// # Units
/// `batch_rate` in batches per second, `mean_service` in seconds.
///
/// # Examples
/// ```
/// use sim::theory::batch::{BatchQueue, BatchSize};
/// // Batches of one are the M/M/1 queue.
/// let queue = BatchQueue::new(160.0, BatchSize::Fixed(1), 0.005, 1.0)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Chaudhry & Templeton 1983, *A First Course in Bulk Queues*; Gross & Harris 1998, ch. 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchQueue {
    throughput: f64,
    mean_service: f64,
    mean_wait: f64,
}

impl BatchQueue {
    /// The queue with λ = `batch_rate`, X = `size`, E(S) = `mean_service` and c_s² = `scv_service`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if an argument is negative or not finite, or a batch would hold less than
    /// one job; [`TheoryError::Unstable`] if ρ ≥ 1.
    pub fn new(
        batch_rate: f64,
        size: BatchSize,
        mean_service: f64,
        scv_service: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("batch_rate", batch_rate)?;
        TheoryError::positive("mean_service", mean_service)?;
        TheoryError::not_negative("scv_service", scv_service)?;
        let (mean, seen) = (size.mean(), size.mean_seen_by_job());
        if !(mean >= 1.0 && mean.is_finite()) {
            let rule = "the mean size of a batch must be finite and at least 1";
            return Err(TheoryError::OutOfDomain { name: "size", value: mean, rule });
        }
        // A batch as a whole is one job of an M/G/1 queue: Var of its service is E(X)·Var(S) + Var(X)·E(S)².
        let scv_batch = (scv_service + seen - mean) / mean;
        let before_batch = mg1::mean_wait(batch_rate, mean * mean_service, scv_batch)?;
        let mean_wait = before_batch + (seen - 1.0) / 2.0 * mean_service;
        Ok(BatchQueue { throughput: batch_rate * mean, mean_service, mean_wait })
    }

    /// ρ = λE(X)E(S).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.throughput * self.mean_service
    }

    /// Jobs per second.
    pub fn throughput(&self) -> f64 {
        self.throughput
    }

    /// Mean wait of a job before service, s.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.mean_wait
    }

    /// Mean time from arrival to departure of a job, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait + self.mean_service
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.throughput * self.mean_wait
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.throughput * self.mean_sojourn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_batches_wait_for_themselves_only() {
        let queue = BatchQueue::new(1e-12, BatchSize::Fixed(5), 2.0, 0.3).unwrap();
        assert!((queue.mean_wait() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn geometric_batches_of_mean_one_are_single_jobs() {
        let geometric = BatchQueue::new(0.7, BatchSize::Geometric(1.0), 1.0, 2.0).unwrap();
        assert!((geometric.mean_wait() - mg1::mean_wait(0.7, 1.0, 2.0).unwrap()).abs() < 1e-14);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let refused = |size| BatchQueue::new(0.1, size, 1.0, 1.0);
        for size in [BatchSize::Fixed(0), BatchSize::Geometric(0.5), BatchSize::Geometric(f64::NAN)] {
            assert!(matches!(refused(size), Err(TheoryError::OutOfDomain { name: "size", .. })), "{size:?}");
        }
        assert!(matches!(refused(BatchSize::Fixed(10)), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            BatchQueue::new(-1.0, BatchSize::Fixed(1), 1.0, 1.0),
            Err(TheoryError::OutOfDomain { name: "batch_rate", .. })
        ));
    }
}
