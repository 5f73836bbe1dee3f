//! A plain FCFS queue behind a broker, with constant overheads.

use super::is_poisson;
use crate::model::{Scenario, Terms};
use crate::theory::law::Law;
use crate::theory::prefetch1::Prefetch1;
use crate::theory::{Prediction, TheoryError};

/// At prefetch 1 a job occupies the consumer for S + o + t and waits the idle path besides, so the queue is an
/// M/G/1 exactly as far as the terms are constant. Otherwise only the load is known.
pub(super) fn predict(scenario: &Scenario, terms: Terms) -> Result<Prediction, TheoryError> {
    let between = match scenario.effective_prefetch() {
        1 => terms.turnaround_s,
        _ => terms.hand_over_s,
    };
    let mean = scenario.service().mean();
    let servers = f64::from(scenario.queue().servers());
    let occupancy_s = mean + terms.overshoot_s + between;
    let rate = scenario.arrivals().rate();
    let effective = TheoryError::stable(rate, servers / occupancy_s)?;
    let utilization = rate * (mean + terms.overshoot_s) / servers;
    let mut prediction = Prediction::unknown(scenario, Some(utilization), effective);
    prediction.put_lossless(rate, "exact");
    let known = scenario.effective_prefetch() == 1 && servers == 1.0 && is_poisson(scenario);
    if !known || !scenario.is_plain_fcfs() {
        return Ok(prediction);
    }
    let method = "exact for constant overheads (M/G/1 with occupancy S + o + t)";
    let queue = Prefetch1::new(rate, Law::new(scenario.service().shape(), mean)?, terms)?;
    prediction.put("mean_wait_s", queue.mean_wait(), method);
    prediction.put("mean_queue_length", rate * queue.mean_wait(), method);
    prediction.put_mean_sojourn(queue.mean_sojourn(), rate, method);
    prediction.put("prob_wait", effective, method);
    prediction.put_quantiles(method, |p| queue.wait_quantile(p), |p| queue.sojourn_quantile(p));
    Ok(prediction)
}
