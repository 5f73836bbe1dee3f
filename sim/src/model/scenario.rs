//! A scenario: what is run; never where, never what was measured.

use serde::Serialize;

use super::{Arrivals, Queue, Shape};

/// A complete, valid description of a queue and of how long to look at it.
///
/// λ is given once; utilization, offered load and the Kendall name are derived.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenario {
    pub(crate) schema: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) arrivals: Arrivals,
    pub(crate) service: Service,
    pub(crate) queue: Queue,
    pub(crate) run: RunLength,
    pub(crate) drive: DriveLength,
}

/// The service demand of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub(crate) mean: f64,
    pub(crate) shape: Shape,
}

impl Service {
    /// Mean service time E\[S\] in seconds; positive and finite.
    #[doc(alias = "E[S]")]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Shape of the service time.
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

/// The simulation's effort.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLength {
    pub(crate) seed: u64,
    pub(crate) jobs: u64,
    pub(crate) warmup_jobs: u64,
    pub(crate) replications: u32,
}

impl RunLength {
    /// Seed of all streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Measured jobs per replication.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Jobs per replication before the measured ones.
    pub fn warmup_jobs(&self) -> u64 {
        self.warmup_jobs
    }

    /// Independent replications.
    pub fn replications(&self) -> u32 {
        self.replications
    }
}

/// The live run's length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriveLength {
    pub(crate) jobs: u64,
    pub(crate) warmup_jobs: u64,
}

impl DriveLength {
    /// Seconds of measured load when a scenario does not say.
    pub const DEFAULT_S: f64 = 30.0;
    /// Seconds of warm-up when a scenario does not say.
    pub const DEFAULT_WARMUP_S: f64 = 2.0;

    /// Measured jobs.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Jobs before the measured ones.
    pub fn warmup_jobs(&self) -> u64 {
        self.warmup_jobs
    }

    /// All jobs that are driven, warm-up included.
    pub fn total(&self) -> u64 {
        self.jobs + self.warmup_jobs
    }
}

impl Scenario {
    /// Short name, usable in a file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One or two sentences for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// How jobs arrive.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// What a job demands.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Where jobs wait and who serves them.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The simulation's effort.
    pub fn run(&self) -> &RunLength {
        &self.run
    }

    /// The live run's length.
    pub fn drive(&self) -> &DriveLength {
        &self.drive
    }

    /// Offered load a = λ·E\[S\], erlangs.
    #[doc(alias = "a")]
    pub fn offered_load(&self) -> f64 {
        self.arrivals.rate * self.service.mean
    }

    /// Utilization ρ = λ·E\[S\]/c of the ideal queue; 1 or more has no steady state.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.offered_load() / f64::from(self.queue.servers)
    }

    /// The prefetch a real consumer uses: the scenario's, or 1 where it names none.
    pub fn effective_prefetch(&self) -> u32 {
        self.queue.prefetch.unwrap_or(1)
    }

    /// The same scenario with other jobs: every stream starts from `seed`.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.run.seed = seed;
        self
    }

    /// The same scenario with another arrival rate, jobs/s.
    ///
    /// # Panics
    /// If `rate` is not positive and finite.
    pub fn with_rate(mut self, rate: f64) -> Self {
        assert!(rate > 0.0 && rate.is_finite(), "a rate is positive and finite");
        self.arrivals.rate = rate;
        self
    }

    /// The same scenario with another prefetch, at least 1.
    ///
    /// # Panics
    /// If `prefetch` is 0, which no broker can serve.
    pub fn with_prefetch(mut self, prefetch: u32) -> Self {
        assert!(prefetch > 0, "a consumer that may hold no job never works");
        self.queue.prefetch = Some(prefetch);
        self
    }

    /// The same scenario with another live run's length.
    ///
    /// # Panics
    /// If `jobs` is 0: a run without measured jobs says nothing.
    pub fn with_drive(mut self, jobs: u64, warmup_jobs: u64) -> Self {
        assert!(jobs > 0, "a run needs at least one measured job");
        self.drive = DriveLength { jobs, warmup_jobs };
        self
    }
}
