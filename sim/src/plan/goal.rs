//! How precise a result is wanted.

use super::PlanError;
use crate::normal;

/// A relative half-width with its confidence, or an equivalence margin with its power.
///
/// Where estimates from n jobs have the variance σ²·m²/n, m being the true value and σ² the relative run variance,
///
/// ```text
/// n = z²·σ²/ε²,      z = z_((1+confidence)/2)
/// ```
///
/// jobs make a confidence interval of half-width ε·m. With a power 1 - β the question is another one: how many
/// jobs show that a true difference of 0 is smaller than ε, by two one-sided tests at α = 1 - confidence,
///
/// ```text
/// z = z_(1-α) + z_(1-β/2)
/// ```
///
/// # References
/// Schuirmann 1987, *Journal of Pharmacokinetics and Biopharmaceutics* 15 (two one-sided tests).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    relative_error: f64,
    confidence: f64,
    power: Option<f64>,
    z: f64,
}

impl Goal {
    /// A half-width of `relative_error`, or with a `power` a margin of that width.
    ///
    /// # Errors
    /// [`PlanError::OutOfRange`] unless all of them lie between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// // The mean sojourn of an M/M/1 queue at 80 %: 81 times as many jobs as independent ones.
    /// let goal = sim::plan::Goal::new(0.05, 0.95, None)?;
    /// assert_eq!(goal.jobs(81.0), 124_464);
    /// # Ok::<(), sim::plan::PlanError>(())
    /// ```
    pub fn new(relative_error: f64, confidence: f64, power: Option<f64>) -> Result<Self, PlanError> {
        let within = |name, value: f64| {
            (value > 0.0 && value < 1.0).then_some(value).ok_or(PlanError::OutOfRange { name, value })
        };
        within("--relative-error", relative_error)?;
        let confidence = within("--confidence", confidence)?;
        let z = match power {
            None => normal::quantile(0.5 + 0.5 * confidence),
            Some(power) => {
                normal::quantile(confidence) + normal::quantile(0.5 + 0.5 * within("--power", power)?)
            }
        };
        // At low confidence a one-sided test needs less than no data.
        if z > 0.0 {
            Ok(Goal { relative_error, confidence, power, z })
        } else {
            Err(PlanError::OutOfRange { name: "--confidence", value: confidence })
        }
    }

    /// Half-width, or margin, as a fraction of the value.
    pub fn relative_error(&self) -> f64 {
        self.relative_error
    }

    /// Confidence, such as 0.95.
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// Probability with which the margin is to be shown, where it is to be shown.
    pub fn power(&self) -> Option<f64> {
        self.power
    }

    /// The jobs that reach the goal for a metric with this relative run variance; at least 1.
    pub fn jobs(&self, relative_variance: f64) -> u64 {
        (relative_variance * (self.z / self.relative_error).powi(2)).ceil().max(1.0) as u64
    }

    /// The relative half-width, or margin, that so many jobs reach.
    pub fn reached(&self, relative_variance: f64, jobs: u64) -> f64 {
        self.z * (relative_variance / jobs as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jobs_that_are_asked_for_reach_the_goal() {
        for power in [None, Some(0.8)] {
            let goal = Goal::new(0.02, 0.9, power).unwrap();
            let jobs = goal.jobs(50.0);
            assert!(goal.reached(50.0, jobs) <= 0.02 && goal.reached(50.0, jobs - 1) > 0.02, "{power:?}");
        }
    }

    #[test]
    fn what_is_no_fraction_is_refused() {
        for (error, confidence, power) in [
            (0.0, 0.95, None),
            (0.05, 1.0, None),
            (0.05, 0.95, Some(-1.0)),
            (f64::NAN, 0.95, None),
            (0.1, 0.1, Some(0.1)),
        ] {
            assert!(matches!(Goal::new(error, confidence, power), Err(PlanError::OutOfRange { .. })));
        }
    }
}
