//! Two arms of one run.

use serde::Serialize;

/// Which version of the work a job gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Arm {
    /// As it is: the demand of the service law.
    A,
    /// Changed: [`Experiment::service_factor`] times as much.
    B,
}

/// An experiment on processing times: some of the jobs, chosen by a hash of their numbers, are worked on in another way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Experiment {
    share: f64,
    service_factor: f64,
}

impl Experiment {
    /// What [`Experiment::new`] takes.
    pub const RULE: &'static str =
        "share lies between 0 (all jobs are A) and 1 (all are B), service_factor between 0.01 and 100";

    /// An experiment with a share of B and a factor for its demands; `None` if they break [`Experiment::RULE`].
    pub fn new(share: f64, service_factor: f64) -> Option<Self> {
        let fits = (0.0..=1.0).contains(&share) && (0.01..=100.0).contains(&service_factor);
        fits.then_some(Experiment { share, service_factor })
    }

    /// Share of the jobs that get B, 0..1.
    pub fn share(self) -> f64 {
        self.share
    }

    /// What a job of B demands, relative to the same job of A.
    pub fn service_factor(self) -> f64 {
        self.service_factor
    }

    /// What an arm's jobs demand, relative to A.
    pub fn factor_of(self, arm: Arm) -> f64 {
        match arm {
            Arm::A => 1.0,
            Arm::B => self.service_factor,
        }
    }

    /// Mean demand of all jobs, relative to A.
    pub fn mean_factor(self) -> f64 {
        1.0 + self.share * (self.service_factor - 1.0)
    }
}
