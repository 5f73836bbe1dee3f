//! Why a formula has no answer.

/// A formula was asked outside the domain in which it holds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// The queue has no steady state.
    #[error(
        "utilization is {utilization:.4}: jobs arrive at {arrival_rate} per second and the server completes \
         at most {capacity:.4}\n  rule: a steady state needs utilization below 1\n  \
         remedy: lower arrivals.rate, shorten service.mean, or shorten the overheads"
    )]
    Unstable {
        /// λ divided by what the server can complete.
        utilization: f64,
        /// λ, jobs/s.
        arrival_rate: f64,
        /// What the server can complete, jobs/s.
        capacity: f64,
    },
    /// An argument breaks a rule.
    #[error("{name} is {value}\n  rule: {rule}\n  remedy: pass a value within the rule")]
    OutOfDomain {
        /// Name of the argument.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The rule.
        rule: &'static str,
    },
}

impl TheoryError {
    /// Refuses an argument that is not positive and finite.
    pub(super) fn positive(name: &'static str, value: f64) -> Result<f64, TheoryError> {
        if value > 0.0 && value.is_finite() {
            Ok(value)
        } else {
            Err(TheoryError::OutOfDomain { name, value, rule: "it must be positive and finite" })
        }
    }

    /// Refuses an argument that is negative or not finite.
    pub(super) fn not_negative(name: &'static str, value: f64) -> Result<f64, TheoryError> {
        if value >= 0.0 && value.is_finite() {
            Ok(value)
        } else {
            Err(TheoryError::OutOfDomain { name, value, rule: "it must be zero or more, and finite" })
        }
    }

    /// Refuses a `p` for which there is no quantile.
    pub(super) fn probability(p: f64) -> Result<f64, TheoryError> {
        if (0.0..1.0).contains(&p) {
            Ok(p)
        } else {
            Err(TheoryError::OutOfDomain { name: "p", value: p, rule: "a probability in [0, 1)" })
        }
    }

    /// Refuses a queue to which jobs come as fast as they can be completed, or faster; gives λ/capacity.
    pub(super) fn stable(arrival_rate: f64, capacity: f64) -> Result<f64, TheoryError> {
        let utilization = arrival_rate / capacity;
        if utilization < 1.0 {
            Ok(utilization)
        } else {
            Err(TheoryError::Unstable { utilization, arrival_rate, capacity })
        }
    }
}
