//! Run variances that have closed forms.

use super::Scatter;
use crate::estimate::Metric;
use crate::model::{Scenario, Shape};
use crate::theory::law::Law;
use crate::theory::mg1::Mg1;
use crate::theory::mm1::Mm1;

/// Single jobs in a Poisson process, one server, first come first served.
pub(super) enum Textbook {
    Mm1(Mm1),
    Mg1(Mg1),
}

impl Textbook {
    /// The queue of a scenario, if it is one of these.
    pub(super) fn of(scenario: &Scenario) -> Option<Self> {
        let arrivals = scenario.arrivals();
        let poisson = arrivals.process().is_poisson() && arrivals.batch().is_none();
        if !scenario.is_plain_fcfs() || !poisson || scenario.queue().servers() > 1 {
            return None;
        }
        let (rate, service) = (arrivals.rate(), scenario.service());
        if matches!(service.shape(), Shape::Exponential {}) {
            return Mm1::new(rate, 1.0 / service.mean()).ok().map(Textbook::Mm1);
        }
        let law = Law::new(service.shape(), service.mean()).ok()?;
        Mg1::new(rate, law).ok().map(Textbook::Mg1)
    }

    /// How many jobs tell as much of the mean sojourn as one independent job.
    pub(super) fn variance_inflation(&self) -> f64 {
        match self {
            Textbook::Mm1(queue) => queue.mean_sojourn_run_variance() / queue.sojourn_variance(),
            Textbook::Mg1(queue) => queue.sojourn_mean_asymptotic_variance() / queue.sojourn_variance(),
        }
    }

    /// Whether the metric is 0: the quantile of a wait that more jobs than that do not have.
    pub(super) fn is_zero(&self, metric: Metric) -> bool {
        let prob_wait = match self {
            Textbook::Mm1(queue) => queue.prob_wait(),
            Textbook::Mg1(queue) => queue.prob_wait(),
        };
        !metric.is_sojourn() && metric.probability().is_some_and(|(p, _)| p <= 1.0 - prob_wait)
    }

    /// How a metric scatters from run to run, where that is known and the metric is not 0.
    pub(super) fn scatter(&self, metric: Metric) -> Option<Scatter> {
        let (value_s, variance) = match (self, metric.probability()) {
            (Textbook::Mm1(queue), None) if metric.is_sojourn() => {
                (queue.mean_sojourn(), queue.mean_sojourn_run_variance())
            }
            (Textbook::Mm1(queue), None) => (queue.mean_wait(), queue.mean_wait_run_variance()),
            (Textbook::Mm1(queue), Some((p, _))) if metric.is_sojourn() => {
                (queue.sojourn_quantile(p).ok()?, queue.sojourn_quantile_run_variance(p).ok()?)
            }
            (Textbook::Mm1(queue), Some((p, _))) => {
                (queue.wait_quantile(p).ok()?, queue.wait_quantile_run_variance(p).ok()?)
            }
            (Textbook::Mg1(queue), None) if metric.is_sojourn() => {
                (queue.mean_sojourn(), queue.sojourn_mean_asymptotic_variance())
            }
            (Textbook::Mg1(queue), None) => (queue.mean_wait(), queue.wait_mean_asymptotic_variance()),
            (Textbook::Mg1(_), Some(_)) => return None,
        };
        let (method, fitted) = match self {
            Textbook::Mm1(queue) => ("exact (M/M/1)", Some(fitted_share(queue, metric, value_s))),
            Textbook::Mg1(_) => ("exact (M/G/1)", None),
        };
        let relative_variance = variance / (value_s * value_s);
        Some(Scatter {
            value_s,
            relative_variance,
            low: relative_variance,
            high: relative_variance,
            // Estimates that are efficient, such as the rates, take their own variance off that of a difference.
            fitted: fitted.map(|share| relative_variance - share),
            method,
        })
    }
}

/// The relative run variance of a metric that is computed from the rates λ̂ and μ̂ of the same run.
///
/// Each rate has the relative run variance 1, so this is the sum of the squared logarithmic derivatives.
fn fitted_share(queue: &Mm1, metric: Metric, value_s: f64) -> f64 {
    let (lambda, mu, theta) = (queue.arrival_rate(), queue.service_rate(), queue.decay_rate());
    let (by_lambda, by_mu) = match (metric.is_sojourn(), metric.probability()) {
        (true, _) => (lambda / theta, mu / theta),
        (false, None) => (mu / theta, 1.0 + mu / theta),
        // (ln ρ - ln q)/θ
        (false, Some(_)) => ((lambda + 1.0 / value_s) / theta, (mu + 1.0 / value_s) / theta),
    };
    by_lambda * by_lambda + by_mu * by_mu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fitted_mean_has_the_variance_of_the_closed_form() {
        for rho in [0.2, 0.8, 0.95] {
            let queue = Mm1::new(rho, 1.0).unwrap();
            let textbook = Textbook::Mm1(queue);
            for metric in [Metric::MeanWait, Metric::MeanSojourn] {
                let Scatter { value_s, fitted, .. } = textbook.scatter(metric).unwrap();
                // With the services of the run itself the wait differs from its fit as the sojourn does.
                let variance = fitted.unwrap() * value_s * value_s;
                assert!(
                    (variance / queue.fitted_mean_sojourn_run_variance() - 1.0).abs() < 1e-11,
                    "{metric} {rho}"
                );
            }
        }
    }

    #[test]
    fn exponential_services_are_the_same_by_both_ways() {
        let (one, other) = (
            Textbook::Mm1(Mm1::new(0.7, 1.0).unwrap()),
            Textbook::Mg1(Mg1::new(0.7, Law::new(&Shape::Exponential {}, 1.0).unwrap()).unwrap()),
        );
        for metric in [Metric::MeanWait, Metric::MeanSojourn] {
            let relative = |textbook: &Textbook| textbook.scatter(metric).unwrap().relative_variance;
            assert!((relative(&one) / relative(&other) - 1.0).abs() < 1e-12, "{metric}");
        }
        assert!((one.variance_inflation() / other.variance_inflation() - 1.0).abs() < 1e-12);
    }
}
