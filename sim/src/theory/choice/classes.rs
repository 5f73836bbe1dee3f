//! Several classes of jobs at one queue.

use crate::model::{Discipline, Scenario, Shape};
use crate::theory::priority::{Class, NonPreemptive, PreemptiveResume, mmc_non_preemptive_mean_waits};
use crate::theory::{Prediction, TheoryError, mg1};

/// Poisson arrivals, in the order of arrival or by priority.
pub(super) fn fill(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let poisson = scenario
        .classes()
        .iter()
        .all(|class| class.arrivals().process().is_poisson() && class.arrivals().batch().is_none());
    let finite = |k| scenario.service_of(k, 0).shape().scv().is_finite();
    if !poisson || !scenario.queue().is_plain() || !(0..scenario.classes().len()).all(finite) {
        return Ok(());
    }
    let groups = Group::by_priority(scenario);
    let one_server = scenario.queue().servers() == 1;
    match scenario.queue().discipline() {
        Discipline::Fcfs {} if one_server => {
            let all = Group::of(scenario, (0..scenario.classes().len()).collect());
            let wait = mg1::mean_wait(all.rate, all.mean, all.scv)?;
            note(scenario, prediction, &[all], &[wait], "exact (M/G/1 with the mixture of the classes)");
        }
        Discipline::Priority { preemptive: false } if one_server => {
            let queue = NonPreemptive::new(&groups.iter().map(Group::class).collect::<Vec<_>>())?;
            let waits = (0..groups.len()).map(|k| queue.mean_wait(k)).collect::<Result<Vec<f64>, _>>()?;
            note(scenario, prediction, &groups, &waits, "exact (M/G/1 with priorities, Cobham)");
        }
        Discipline::Priority { preemptive: true } if one_server => {
            let queue = PreemptiveResume::new(&groups.iter().map(Group::class).collect::<Vec<_>>())?;
            note_preemptive(scenario, prediction, &groups, &queue)?;
        }
        Discipline::Priority { preemptive: false } if has_common_exponential(scenario) => {
            let rates: Vec<f64> = groups.iter().map(|group| group.rate).collect();
            let servers = scenario.queue().servers();
            let waits = mmc_non_preemptive_mean_waits(&rates, 1.0 / groups[0].mean, servers)?;
            note(scenario, prediction, &groups, &waits, "exact (M/M/c with priorities, Cobham)");
        }
        _ => {}
    }
    Ok(())
}

/// Whether every class has the same exponential service.
fn has_common_exponential(scenario: &Scenario) -> bool {
    let first = scenario.service_of(0, 0).mean();
    (0..scenario.classes().len()).all(|k| {
        let service = scenario.service_of(k, 0);
        matches!(service.shape(), Shape::Exponential {}) && service.mean() == first
    })
}

/// Classes that are served in the order of their arrival: those of one priority.
struct Group {
    classes: Vec<usize>,
    rate: f64,
    mean: f64,
    scv: f64,
}

impl Group {
    fn of(scenario: &Scenario, classes: Vec<usize>) -> Self {
        let rate_of = |k: usize| scenario.classes()[k].arrivals().rate();
        let rate: f64 = classes.iter().map(|k| rate_of(*k)).sum();
        let average =
            |of: &dyn Fn(usize) -> f64| classes.iter().map(|k| rate_of(*k) / rate * of(*k)).sum::<f64>();
        let mean = average(&|k| scenario.service_of(k, 0).mean());
        let square = average(&|k| {
            let service = scenario.service_of(k, 0);
            service.mean().powi(2) * (1.0 + service.shape().scv())
        });
        Group { classes, rate, mean, scv: (square / (mean * mean) - 1.0).max(0.0) }
    }

    /// The groups in the order of service.
    fn by_priority(scenario: &Scenario) -> Vec<Group> {
        let mut priorities: Vec<u32> = scenario.classes().iter().map(|class| class.priority()).collect();
        let classes = priorities.clone();
        priorities.sort_unstable();
        priorities.dedup();
        let members = |priority| (0..classes.len()).filter(|k| classes[*k] == priority).collect();
        priorities.into_iter().map(|priority| Group::of(scenario, members(priority))).collect()
    }

    fn class(&self) -> Class {
        Class { arrival_rate: self.rate, mean_service: self.mean, scv_service: self.scv }
    }
}

/// Notes what follows from the mean waits of groups.
fn note(scenario: &Scenario, prediction: &mut Prediction, groups: &[Group], waits: &[f64], method: &str) {
    let servers = scenario.queue().servers();
    let (mut waiting, mut present) = (0.0, 0.0);
    for (group, wait) in groups.iter().zip(waits) {
        for k in &group.classes {
            let (class, mean) = (&scenario.classes()[*k], scenario.service_of(*k, 0).mean());
            let rate = class.arrivals().rate();
            let mut part = prediction.part(class.name(), rate, mean, servers);
            part.put_mean_wait(*wait, mean, rate, method);
            waiting += rate * wait;
            present += rate * (wait + mean);
            prediction.classes.insert(class.name().to_owned(), part);
        }
    }
    let rate = scenario.arrival_rate();
    prediction.put("mean_wait_s", waiting / rate, method);
    prediction.put("mean_queue_length", waiting, method);
    prediction.put_mean_sojourn(present / rate, rate, method);
}

/// Notes sojourns; a wait ends when the first service begins, which this formula does not give.
fn note_preemptive(
    scenario: &Scenario,
    prediction: &mut Prediction,
    groups: &[Group],
    queue: &PreemptiveResume,
) -> Result<(), TheoryError> {
    let method = "exact (M/G/1 with preemptive priorities)";
    let (mut present, mut above) = (0.0, 0.0);
    for (n, group) in groups.iter().enumerate() {
        // What is served above a group stretches a service by this much.
        let stretch = 1.0 / (1.0 - above);
        for k in &group.classes {
            let (class, mean) = (&scenario.classes()[*k], scenario.service_of(*k, 0).mean());
            let rate = class.arrivals().rate();
            let sojourn = queue.mean_sojourn(n)? + (mean - group.mean) * stretch;
            let mut part = prediction.part(class.name(), rate, mean, 1);
            part.put_mean_sojourn(sojourn, rate, method);
            present += rate * sojourn;
            prediction.classes.insert(class.name().to_owned(), part);
        }
        above += group.rate * group.mean;
    }
    let rate = scenario.arrival_rate();
    prediction.put_mean_sojourn(present / rate, rate, method);
    Ok(())
}
