//! One class of jobs that can be refused, lose patience, fail, or come from a finite source.

use super::{is_exponential, is_fcfs, is_poisson};
use crate::model::{ArrivalProcess, FailsWhile, Interrupted, Overflow, Queue, Redo, Scenario, Shape};
use crate::theory::breakdowns::{AnytimeBreakdowns, WorkingBreakdowns};
use crate::theory::erlang_a::ErlangA;
use crate::theory::feedback::Feedback;
use crate::theory::finite_source::FiniteSource;
use crate::theory::mmck::Mmck;
use crate::theory::{Prediction, TheoryError, erlang};

pub(super) fn fill(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let queue = scenario.queue();
    let only = |set: [bool; 3]| set.iter().all(|set| !set);
    let (capacity, patience) = (queue.capacity().is_some(), queue.patience().is_some());
    let (retry, breakdowns) = (queue.retry().is_some(), queue.breakdowns().is_some());
    if !is_fcfs(scenario) {
        return Ok(());
    }
    if let ArrivalProcess::FiniteSource { population, mean_think_s } = scenario.arrivals().process() {
        if queue.is_plain() && is_exponential(scenario) {
            finite_source(scenario, *population, *mean_think_s, prediction)?;
        }
        return Ok(());
    }
    if !is_poisson(scenario) {
        return Ok(());
    }
    if capacity && only([patience, retry, breakdowns]) {
        limited(scenario, prediction)
    } else if patience && only([capacity, retry, breakdowns]) {
        impatient(scenario, prediction)
    } else if retry && only([capacity, patience, breakdowns]) {
        failing_jobs(scenario, prediction)
    } else if breakdowns && only([capacity, patience, retry]) {
        failing_servers(scenario, prediction)
    } else {
        Ok(())
    }
}

fn finite_source(
    scenario: &Scenario,
    population: u32,
    mean_think_s: f64,
    prediction: &mut Prediction,
) -> Result<(), TheoryError> {
    let (rate, servers) = (1.0 / scenario.service().mean(), scenario.queue().servers());
    let queue = FiniteSource::new(1.0 / mean_think_s, rate, servers, population)?;
    let method = "exact (M/M/c//N)";
    prediction.utilization = Some(queue.utilization());
    prediction.put("mean_wait_s", queue.mean_wait(), method);
    prediction.put("mean_queue_length", queue.mean_queue_length(), method);
    prediction.put_mean_sojourn(queue.mean_sojourn(), queue.throughput(), method);
    prediction.put("prob_wait", queue.prob_wait(), method);
    prediction.put_quantiles(method, |p| queue.wait_quantile(p), |p| queue.sojourn_quantile(p));
    Ok(())
}

fn limited(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let queue = scenario.queue();
    let (rate, mean, servers) = (scenario.arrivals().rate(), scenario.service().mean(), queue.servers());
    let capacity = queue.capacity().unwrap_or(u32::MAX);
    if capacity == servers {
        // Nobody waits, whatever happens to those who find all servers busy; the law of the service is no matter.
        let method = "exact (M/G/c/c, Erlang B)";
        let blocked = erlang::erlang_b(servers, rate * mean)?;
        let carried = rate * (1.0 - blocked);
        prediction.utilization = Some(carried * mean / f64::from(servers));
        prediction.put_mean_wait(0.0, mean, carried, method);
        prediction.put("prob_wait", 0.0, method);
        prediction.put("prob_blocked", blocked, method);
        return Ok(());
    }
    if !is_exponential(scenario) {
        return Ok(());
    }
    let law = Mmck::new(rate, 1.0 / mean, servers, capacity)?;
    let method = "exact (M/M/c/K)";
    prediction.utilization = Some(law.utilization());
    prediction.put("prob_abandon", 0.0, method);
    prediction.put("throughput", law.throughput(), method);
    prediction.put("prob_blocked", law.prob_blocked(), method);
    prediction.put("mean_queue_length", law.mean_queue_length(), method);
    prediction.put("mean_in_system", law.mean_in_system(), method);
    // Which job is lost does not move the number present, but it does move the waits.
    if queue.overflow() == Overflow::Reject {
        prediction.put("mean_wait_s", law.mean_wait(), method);
        prediction.put("mean_sojourn_s", law.mean_sojourn(), method);
        prediction.put("prob_wait", law.prob_wait(), method);
        prediction.put_quantiles(method, |p| law.wait_quantile(p), |p| law.sojourn_quantile(p));
    }
    Ok(())
}

fn impatient(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let queue = scenario.queue();
    let exponential = queue.patience().filter(|patience| matches!(patience.shape(), Shape::Exponential {}));
    let (Some(patience), true) = (exponential, is_exponential(scenario)) else {
        return Ok(());
    };
    let (rate, mean) = (scenario.arrivals().rate(), scenario.service().mean());
    let law = ErlangA::new(rate, 1.0 / mean, queue.servers(), 1.0 / patience.mean())?;
    let method = "exact (M/M/c+M, Erlang A)";
    prediction.utilization = Some(law.utilization());
    prediction.put("mean_wait_s", law.mean_wait_served(), method);
    prediction.put("mean_sojourn_s", law.mean_wait_served() + mean, method);
    prediction.put("mean_queue_length", law.mean_queue_length(), method);
    prediction.put("mean_in_system", law.mean_in_system(), method);
    prediction.put("throughput", law.throughput(), method);
    prediction.put("prob_wait", law.prob_wait(), method);
    prediction.put("prob_blocked", 0.0, method);
    prediction.put("prob_abandon", law.prob_abandon(), method);
    Ok(())
}

/// The textbook's feedback queue: one exponential server, demands drawn anew, no limit to attempts.
fn failing_jobs(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let Queue { retry: Some(retry), .. } = scenario.queue() else {
        return Ok(());
    };
    let textbook = retry.demand() == Redo::Redrawn && retry.max_attempts().is_none();
    if !textbook || !is_exponential(scenario) || scenario.queue().servers() > 1 {
        return Ok(());
    }
    let rate = scenario.arrivals().rate();
    let queue = Feedback::new(rate, 1.0 / scenario.service().mean(), retry.probability())?;
    prediction.utilization = Some(queue.utilization());
    prediction.put_mean_sojourn(queue.mean_sojourn(), rate, "exact (M/M/1 with feedback)");
    Ok(())
}

/// One server whose interrupted work resumes.
fn failing_servers(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let queue = scenario.queue();
    let Some(breakdowns) = queue.breakdowns() else {
        return Ok(());
    };
    if breakdowns.work() != Interrupted::Resume || queue.servers() > 1 {
        return Ok(());
    }
    let (rate, service) = (scenario.arrivals().rate(), scenario.service());
    let (failures, repairs) = (1.0 / breakdowns.mean_up_s(), 1.0 / breakdowns.mean_down_s());
    prediction.utilization = Some(rate * service.mean());
    match breakdowns.fails_while() {
        FailsWhile::Always if is_exponential(scenario) => {
            let law = AnytimeBreakdowns::new(rate, 1.0 / service.mean(), failures, repairs)?;
            prediction.put_mean_sojourn(
                law.mean_sojourn(),
                rate,
                "exact (M/M/1 with breakdowns at any time)",
            );
        }
        FailsWhile::Busy if service.shape().scv().is_finite() => {
            let (mean, scv) = (service.mean(), service.shape().scv());
            let law = WorkingBreakdowns::new(rate, mean, scv, failures, 1.0 / repairs, 1.0)?;
            let method = "exact (M/G/1 with breakdowns at work)";
            prediction.put("mean_wait_s", law.mean_wait(), method);
            prediction.put("prob_wait", law.prob_wait(), method);
            prediction.put_mean_sojourn(law.mean_sojourn(), rate, method);
        }
        _ => {}
    }
    Ok(())
}
