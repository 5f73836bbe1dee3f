//! M/G/1 in other orders than first come first served.
//!
//! Poisson arrivals at rate λ and independent services S on one server. Where the order depends on sizes,
//! jobs of equal size are served in the order of arrival, which matters for laws without a density. Notation:
//!
//! ```text
//! ρ(x) = λE(S; S ≤ x)    ρ(x⁻) = λE(S; S < x)    ρ = ρ(∞) < 1
//! ```

mod blind;
mod by_size;

use super::{TheoryError, law::Law};

pub use blind::{
    blind_mean_wait, lcfs_preemptive_mean_sojourn, lcfs_preemptive_sojourn_variance, lcfs_wait_second_moment,
    processor_sharing_conditional_sojourn, processor_sharing_mean_sojourn,
    processor_sharing_mm1_sojourn_variance, random_order_wait_second_moment,
};
pub use by_size::{
    las_mean_sojourn, psjf_mean_sojourn, sjf_mean_sojourn, srpt_conditional_sojourn, srpt_mean_sojourn,
};

/// A stable queue.
struct Queue<'a> {
    arrival_rate: f64,
    law: &'a Law,
    /// 1 − ρ.
    idle: f64,
}

impl<'a> Queue<'a> {
    fn new(arrival_rate: f64, law: &'a Law) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        let idle = 1.0 - TheoryError::stable(arrival_rate, 1.0 / law.mean())?;
        Ok(Queue { arrival_rate, law, idle })
    }
}
