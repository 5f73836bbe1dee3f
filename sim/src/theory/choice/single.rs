//! One class of jobs that only wait and are served.

use super::{is_exponential, is_fcfs, is_poisson};
use crate::model::{ArrivalProcess, Batch, Discipline, Scenario, Shape};
use crate::theory::batch::{BatchQueue, BatchSize};
use crate::theory::law::Law;
use crate::theory::{
    Prediction, TheoryError, approximations, disciplines, gig1::Gig1, gim1::Gim1, gimc::Gimc, mdc::Mdc,
    mg1::Mg1, mm1::Mm1, mmc::Mmc, mmpp::MmppM1,
};

/// The metrics that all families of queues without losses have.
macro_rules! steady {
    ($prediction:ident, $queue:expr, $arrival_rate:expr, $method:literal) => {{
        let queue = $queue;
        $prediction.put("mean_wait_s", queue.mean_wait(), $method);
        $prediction.put("mean_queue_length", queue.mean_queue_length(), $method);
        $prediction.put_mean_sojourn(queue.mean_sojourn(), $arrival_rate, $method);
        $prediction.put("prob_wait", queue.prob_wait(), $method);
        $prediction.put_quantiles($method, |p| queue.wait_quantile(p), |p| queue.sojourn_quantile(p));
    }};
}

pub(super) fn fill(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    if !is_fcfs(scenario) {
        return by_discipline(scenario, prediction);
    }
    if scenario.queue().servers() > 1 && scenario.queue().prefetch().is_some_and(|prefetch| prefetch > 1) {
        // Jobs wait behind others at one consumer while another is idle: no central line, no formula.
        prediction.put_lossless(scenario.arrivals().rate(), "exact");
        return Ok(());
    }
    let (arrivals, service) = (scenario.arrivals(), scenario.service());
    let (rate, servers) = (arrivals.rate(), scenario.queue().servers());
    let service_rate = 1.0 / service.mean();
    if arrivals.batch().is_some() {
        return batches(scenario, prediction);
    }
    match (arrivals.process(), service.shape()) {
        (ArrivalProcess::Mmpp { levels, mean_stay_s }, Shape::Exponential {}) if servers == 1 => {
            let queue = mmpp(rate, levels, mean_stay_s, service_rate)?;
            steady!(prediction, queue, rate, "exact (MMPP/M/1)");
        }
        (process, shape) => match (process.interarrival(), shape) {
            (None, _) => prediction.put_lossless(rate, "exact"),
            (Some(Shape::Exponential {}), shape) => poisson(rate, shape, scenario, prediction)?,
            (Some(interarrival), Shape::Exponential {}) if servers == 1 => {
                match interarrival_has_law(&interarrival) {
                    true => steady!(
                        prediction,
                        Gim1::new(&interarrival, rate, service_rate)?,
                        rate,
                        "exact (GI/M/1)"
                    ),
                    false => approximate(&interarrival, scenario, prediction)?,
                }
            }
            (Some(interarrival), Shape::Exponential {}) if interarrival_has_law(&interarrival) => {
                let queue = Gimc::new(&interarrival, rate, service_rate, servers)?;
                steady!(prediction, queue, rate, "exact (GI/M/c)");
            }
            (Some(interarrival), shape)
                if servers == 1 && is_rational(&interarrival) && is_rational(shape) =>
            {
                let queue = Gig1::new(&interarrival, rate, shape, service.mean())?;
                steady!(prediction, queue, rate, "exact (GI/G/1 with rational transforms)");
            }
            (Some(interarrival), _) => approximate(&interarrival, scenario, prediction)?,
        },
    }
    Ok(())
}

/// Whether the transform of the interarrival time is at hand.
fn interarrival_has_law(shape: &Shape) -> bool {
    Gim1::new(shape, 0.5, 1.0).is_ok()
}

/// Whether the transform is a ratio of polynomials of low degree.
fn is_rational(shape: &Shape) -> bool {
    match shape {
        Shape::Exponential {} | Shape::Hyperexponential { .. } => true,
        Shape::Erlang { stages } => *stages <= 8,
        _ => false,
    }
}

/// Poisson arrivals.
fn poisson(
    rate: f64,
    shape: &Shape,
    scenario: &Scenario,
    prediction: &mut Prediction,
) -> Result<(), TheoryError> {
    let (mean, servers) = (scenario.service().mean(), scenario.queue().servers());
    match shape {
        Shape::Exponential {} if servers == 1 => {
            steady!(prediction, Mm1::new(rate, 1.0 / mean)?, rate, "exact (M/M/1)");
        }
        Shape::Exponential {} => {
            steady!(prediction, Mmc::new(rate, 1.0 / mean, servers)?, rate, "exact (M/M/c)");
        }
        Shape::Deterministic {} if servers <= 1000 => {
            steady!(prediction, Mdc::new(rate, mean, servers)?, rate, "exact (M/D/c)");
        }
        shape if servers == 1 => {
            let queue = Mg1::new(rate, Law::new(shape, mean)?)?;
            steady!(prediction, queue, rate, "exact (M/G/1, Pollaczek–Khinchine)");
        }
        _ => approximate(&Shape::Exponential {}, scenario, prediction)?,
    }
    Ok(())
}

/// Means by approximation, with Kingman's bound for one server.
fn approximate(
    interarrival: &Shape,
    scenario: &Scenario,
    prediction: &mut Prediction,
) -> Result<(), TheoryError> {
    let (rate, mean) = (scenario.arrivals().rate(), scenario.service().mean());
    let (arrivals, services) = (interarrival.scv(), scenario.service().shape().scv());
    if !(arrivals.is_finite() && services.is_finite()) {
        prediction.put_lossless(rate, "exact");
        return Ok(());
    }
    match scenario.queue().servers() {
        1 => {
            let wait = approximations::kraemer_langenbach_belz(rate, mean, arrivals, services)?;
            prediction.put_mean_wait(wait, mean, rate, "approximation (Kraemer & Langenbach-Belz, GI/G/1)");
            let bound = approximations::kingman_bound(rate, mean, arrivals, services)?;
            prediction.mean_wait_bound_s = Some(bound);
        }
        servers => {
            let wait = approximations::allen_cunneen(rate, mean, servers, arrivals, services)?;
            prediction.put_mean_wait(wait, mean, rate, "approximation (Allen–Cunneen, GI/G/c)");
        }
    }
    prediction.put_lossless(rate, "exact");
    Ok(())
}

/// Levels visited in their order, as transition rates.
fn mmpp(rate: f64, levels: &[f64], mean_stay_s: &[f64], service_rate: f64) -> Result<MmppM1, TheoryError> {
    let cycle_s: f64 = mean_stay_s.iter().sum();
    let mean = levels.iter().zip(mean_stay_s).map(|(level, stay_s)| level * stay_s).sum::<f64>() / cycle_s;
    let rates: Vec<f64> = levels.iter().map(|level| level * rate / mean).collect();
    let count = levels.len();
    let mut switching = vec![vec![0.0; count]; count];
    for (level, stay_s) in mean_stay_s.iter().enumerate() {
        if count > 1 {
            switching[level][(level + 1) % count] = 1.0 / stay_s;
        }
    }
    MmppM1::new(&rates, &switching, service_rate)
}

fn batches(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let (arrivals, service) = (scenario.arrivals(), scenario.service());
    let rate = arrivals.rate();
    let Some(batch) = arrivals.batch() else {
        return Ok(());
    };
    if !arrivals.process().is_poisson()
        || scenario.queue().servers() > 1
        || !service.shape().scv().is_finite()
    {
        prediction.put_lossless(rate, "exact");
        return Ok(());
    }
    let size = match batch {
        Batch::Fixed { mean } => BatchSize::Fixed(mean as u32),
        Batch::Geometric { mean } => BatchSize::Geometric(mean),
    };
    let queue = BatchQueue::new(rate / batch.mean(), size, service.mean(), service.shape().scv())?;
    prediction.put_mean_wait(queue.mean_wait(), service.mean(), rate, "exact (M[X]/G/1)");
    Ok(())
}

/// One server, Poisson arrivals, another order than that of arrival.
///
/// With preemption or sharing a wait ends when the first service begins, which no formula here gives; the sojourn
/// is known.
fn by_discipline(scenario: &Scenario, prediction: &mut Prediction) -> Result<(), TheoryError> {
    let rate = scenario.arrivals().rate();
    if !is_poisson(scenario) || scenario.queue().servers() > 1 {
        prediction.put_lossless(rate, "exact");
        return Ok(());
    }
    let (mean, shape) = (scenario.service().mean(), scenario.service().shape());
    let law = Law::new(shape, mean)?;
    match scenario.queue().discipline() {
        Discipline::Lcfs {} | Discipline::Random {} => {
            let queue = Mg1::new(rate, law)?;
            prediction.put_mean_wait(queue.mean_wait(), mean, rate, "exact (M/G/1, the order moves no mean)");
            prediction.put("prob_wait", queue.prob_wait(), "exact (M/G/1)");
        }
        Discipline::LcfsPreemptive {} => {
            let sojourn = disciplines::lcfs_preemptive_mean_sojourn(rate, &law)?;
            prediction.put_mean_sojourn(sojourn, rate, "exact (M/G/1-LCFS-PR)");
        }
        Discipline::ProcessorSharing {} => {
            let sojourn = disciplines::processor_sharing_mean_sojourn(rate, &law)?;
            prediction.put_mean_sojourn(sojourn, rate, "exact (M/G/1-PS)");
        }
        Discipline::Srpt {} if is_exponential(scenario) || law.variance().is_finite() => {
            let sojourn = disciplines::srpt_mean_sojourn(rate, &law)?;
            prediction.put_mean_sojourn(sojourn, rate, "exact (M/G/1-SRPT, Schrage–Miller)");
        }
        Discipline::Sjf {} => {
            let sojourn = disciplines::sjf_mean_sojourn(rate, &law)?;
            prediction.put_mean_wait(sojourn - mean, mean, rate, "exact (M/G/1-SJF)");
        }
        // With one class priorities are the order of arrival.
        Discipline::Priority { .. } => {
            let queue = Mg1::new(rate, law)?;
            steady!(prediction, queue, rate, "exact (M/G/1, Pollaczek–Khinchine)");
        }
        _ => prediction.put_lossless(rate, "exact"),
    }
    Ok(())
}
