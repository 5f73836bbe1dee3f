//! The jobs of a scenario: the same in simulation and in reality.

use super::draws::Draws;
use super::{Arms, Instants, Purpose, Sampler, Stream};
use crate::model::Scenario;

/// One job: when it is due and how much service it asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// Index in the stream, from 0.
    pub index: u64,
    /// Index of its class.
    pub class: u32,
    /// Instant at which it is due, s since the start of its replication.
    pub due_s: f64,
    /// Service time it demands at the first station, s.
    pub demand_s: f64,
}

/// The stream of jobs of one (scenario, seed, replication), in due order; of two jobs due at the same
/// instant the one of the earlier class comes first.
///
/// `sim` serves these jobs in an engine, `live` sends them to a real pipeline: job i has the same due
/// time and demand in both worlds, which is what lets predicted and observed be compared job by job.
/// The stream ends only with a trace.
///
/// # Examples
/// ```
/// # let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default")?;
/// use sim::sampling::Jobs;
/// let twice = [Jobs::new(&scenario, 0), Jobs::new(&scenario, 0)].map(|jobs| jobs.take(10).collect::<Vec<_>>());
/// assert_eq!(twice[0], twice[1]);
/// # Ok::<(), sim::scenario_file::ScenarioError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Jobs {
    classes: Vec<ClassJobs>,
    /// The class whose job is due next.
    next: usize,
    index: u64,
    backlog: u64,
    /// None without an experiment.
    arms: Option<Arms>,
}

#[derive(Debug, Clone)]
struct ClassJobs {
    instants: Instants,
    services: Draws,
    due_s: f64,
}

impl Jobs {
    /// The jobs of one replication, from job 0.
    pub fn new(scenario: &Scenario, replication: u32) -> Self {
        let seed = scenario.run().seed();
        let class = |(k, class): (usize, &crate::model::Class)| {
            let (service, number) = (scenario.service_of(k, 0), k as u32);
            let mut instants = Instants::new(class.arrivals(), seed, replication, number);
            ClassJobs {
                due_s: instants.next_instant(),
                instants,
                services: Draws::new(
                    Sampler::new(service.shape().clone(), service.mean()),
                    Stream::of_class(seed, replication, Purpose::Services, number),
                ),
            }
        };
        let classes = scenario.classes().iter().enumerate().map(class).collect();
        let arms = scenario.experiment().map(|experiment| Arms::new(experiment, seed, replication));
        let mut jobs = Jobs { classes, next: 0, index: 0, backlog: scenario.initial_jobs(), arms };
        jobs.choose();
        jobs
    }

    /// When the next job is due, s; infinite when there is none.
    #[inline]
    pub fn due_s(&self) -> f64 {
        if self.backlog > 0 { 0.0 } else { self.classes[self.next].due_s }
    }

    /// The next job.
    #[inline]
    pub fn next_job(&mut self) -> Job {
        let (index, due_s) = (self.index, self.due_s());
        self.index += 1;
        if self.backlog > 0 {
            self.backlog -= 1;
            let demand_s = self.classes[0].services.next_time() * self.factor(index);
            return Job { index, class: 0, due_s, demand_s };
        }
        let class = &mut self.classes[self.next];
        let demand_s = class.services.next_time();
        class.due_s = class.instants.next_instant();
        let demand_s = demand_s * self.factor(index);
        let job = Job { index, class: self.next as u32, due_s, demand_s };
        self.choose();
        job
    }

    #[inline]
    fn factor(&self, job: u64) -> f64 {
        self.arms.as_ref().map_or(1.0, |arms| arms.factor(job))
    }

    #[inline]
    fn choose(&mut self) {
        if self.classes.len() > 1 {
            let earliest = |a: &usize, b: &usize| self.classes[*a].due_s.total_cmp(&self.classes[*b].due_s);
            self.next = (0..self.classes.len()).min_by(earliest).expect("a scenario has a class");
        }
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        (self.due_s() < f64::INFINITY).then(|| self.next_job())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Experiment};

    #[test]
    fn an_experiment_changes_what_the_jobs_of_b_demand_and_nothing_else() {
        let base = crate::scenario_file::parse(crate::scenario_file::DEFAULT, "default").unwrap();
        let experiment = Experiment::new(0.5, 0.88).unwrap();
        let arms = Arms::new(experiment, base.run().seed(), 0);
        let tried = base.clone().with_experiment(Some(experiment));
        let all_b = base.clone().with_experiment(Experiment::new(1.0, 0.88));
        let jobs = Jobs::new(&base, 0).zip(Jobs::new(&tried, 0).zip(Jobs::new(&all_b, 0)));
        for (job, (of_arm, of_b)) in jobs.take(1_000) {
            let factor = if arms.of(job.index) == Arm::B { 0.88 } else { 1.0 };
            assert_eq!(of_arm, Job { demand_s: factor * job.demand_s, ..job });
            assert_eq!(of_b, Job { demand_s: 0.88 * job.demand_s, ..job });
        }
    }
}
