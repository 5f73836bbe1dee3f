//! The fluid limit of an outage: how much piles up, and how long it takes to drain.

use super::TheoryError;

/// An outage in a queue through which jobs flow as a fluid.
///
/// Jobs arrive at rate λ; the servers complete C > λ jobs a second, ρ = λ/C, but none for D seconds. With u the time of
/// an arrival since the start of the outage,
///
/// ```text
/// backlog t after restart = max(0, λD - (C-λ)t)          peak λD, drained after λD/(C-λ)
/// delay of the arrival at u = max(0, D - (1-ρ)u)         affected: u < D/(1-ρ), in all λD/(1-ρ) jobs
/// delay above x: u < (D-x)/(1-ρ)                         in all λ(D-x)/(1-ρ) jobs
/// ```
///
/// An approximation for large λD that leaves out all randomness: near the end it is too low by about the number
/// present in steady state. [`Outage`](super::outage::Outage) is exact for one exponential server.
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // Half an hour off at 500 jobs/s, with 800 jobs/s to catch up: it takes another 50 minutes.
/// let outage = sim::theory::fluid::FluidOutage::new(500.0, 800.0, 1800.0)?;
/// assert_eq!(outage.peak_backlog(), 900_000.0);
/// assert_eq!(outage.drain_time(), 3000.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Newell 1982; Green, Kolesar & Whitt 2007.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FluidOutage {
    arrival_rate: f64,
    service_capacity: f64,
    outage_s: f64,
}

impl FluidOutage {
    /// The outage with λ = `arrival_rate`, C = `service_capacity` and D = `outage_s`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, or D is negative or not finite;
    /// [`TheoryError::Unstable`] if λ ≥ C.
    pub fn new(arrival_rate: f64, service_capacity: f64, outage_s: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        TheoryError::positive("service_capacity", service_capacity)?;
        TheoryError::not_negative("outage_s", outage_s)?;
        TheoryError::stable(arrival_rate, service_capacity)?;
        Ok(FluidOutage { arrival_rate, service_capacity, outage_s })
    }

    /// 1 − ρ, the part of the capacity that is left for the backlog.
    fn spare(&self) -> f64 {
        (self.service_capacity - self.arrival_rate) / self.service_capacity
    }

    /// The backlog at the restart, jobs.
    pub fn peak_backlog(&self) -> f64 {
        self.arrival_rate * self.outage_s
    }

    /// The backlog `t` seconds after the restart, jobs.
    pub fn backlog(&self, t: f64) -> f64 {
        (self.peak_backlog() - (self.service_capacity - self.arrival_rate) * t).max(0.0)
    }

    /// How long after the restart the backlog is gone, s.
    pub fn drain_time(&self) -> f64 {
        self.peak_backlog() / (self.service_capacity - self.arrival_rate)
    }

    /// How many jobs are delayed at all.
    pub fn affected_jobs(&self) -> f64 {
        self.jobs_over(0.0)
    }

    /// The delay of the job that arrives at the start of the outage, s.
    pub fn max_delay(&self) -> f64 {
        self.outage_s
    }

    /// The mean delay of those that are delayed, s.
    pub fn mean_delay(&self) -> f64 {
        0.5 * self.outage_s
    }

    /// How many jobs are delayed by more than `limit_s`.
    pub fn jobs_over(&self, limit_s: f64) -> f64 {
        self.arrival_rate * (self.outage_s - limit_s.max(0.0)).max(0.0) / self.spare()
    }

    /// When the last job arrives that is delayed by more than `limit_s`, s after the restart; negative if that is
    /// before it, `None` if no job is.
    pub fn last_over(&self, limit_s: f64) -> Option<f64> {
        let margin = self.outage_s - limit_s.max(0.0);
        (margin > 0.0).then(|| margin / self.spare() - self.outage_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_is_gone_after_the_drain_time() {
        let outage = FluidOutage::new(80.0, 100.0, 600.0).unwrap();
        assert!(outage.backlog(outage.drain_time() - 1.0) > 19.0);
        assert_eq!(outage.backlog(outage.drain_time() + 1.0), 0.0);
        // Who arrives when the backlog is gone is the last one affected.
        assert!((outage.last_over(0.0).unwrap() - outage.drain_time()).abs() < 1e-9);
        assert!((outage.affected_jobs() - 80.0 * (600.0 + outage.drain_time())).abs() < 1e-6);
    }

    #[test]
    fn all_delays_together_are_the_area_under_the_backlog() {
        let outage = FluidOutage::new(5.0, 8.0, 30.0).unwrap();
        let area = 0.5 * outage.peak_backlog() * (30.0 + outage.drain_time());
        assert!((outage.affected_jobs() * outage.mean_delay() - area).abs() < 1e-9);
    }

    #[test]
    fn no_job_waits_longer_than_the_outage() {
        let outage = FluidOutage::new(5.0, 8.0, 30.0).unwrap();
        assert_eq!(outage.jobs_over(outage.max_delay()), 0.0);
        assert_eq!(outage.last_over(30.0), None);
        assert!(outage.last_over(25.0).unwrap() < 0.0);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(FluidOutage::new(2.0, 2.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            FluidOutage::new(1.0, f64::NAN, 1.0),
            Err(TheoryError::OutOfDomain { name: "service_capacity", .. })
        ));
        assert!(matches!(
            FluidOutage::new(1.0, 2.0, -1.0),
            Err(TheoryError::OutOfDomain { name: "outage_s", .. })
        ));
    }
}
