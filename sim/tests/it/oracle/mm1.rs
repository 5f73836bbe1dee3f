use sim::theory::busy_period::BusyPeriod;
use sim::theory::mm1::Mm1;

use super::{Record, check};

#[test]
fn mm1_matches_theory() {
    check("mm1", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let queue = Mm1::new(record.param("lam"), record.param("mu")).unwrap();
    Some(match record.metric.as_str() {
        "rho" => queue.utilization(),
        "L" => queue.mean_in_system(),
        "Lq" => queue.mean_queue_length(),
        "W" => queue.mean_sojourn(),
        "Wq" => queue.mean_wait(),
        "var_N" => queue.in_system_variance(),
        "var_W" => queue.sojourn_variance(),
        "var_Wq" => queue.wait_variance(),
        "P(N=0)" => queue.prob_in_system(0),
        "P(N=1)" => queue.prob_in_system(1),
        "P(N=5)" => queue.prob_in_system(5),
        "P(N=20)" => queue.prob_in_system(20),
        "t_with_P(Wq>t)=1e-6" => queue.wait_exceeded_with(1e-6).unwrap(),
        "t_with_P(Wq>t)=1e-9" => queue.wait_exceeded_with(1e-9).unwrap(),
        _ => match (record.quantile_of("Wq"), record.quantile_of("W")) {
            (Some(p), _) => queue.wait_quantile(p).unwrap(),
            (_, Some(p)) => queue.sojourn_quantile(p).unwrap(),
            _ => {
                return dependence(record, queue)
                    .or_else(|| precision(record, queue))
                    .or_else(|| busy(record));
            }
        },
    })
}

fn dependence(record: &Record, queue: Mm1) -> Option<f64> {
    let lag = |prefix| record.metric.strip_prefix(prefix)?.parse().ok();
    match (lag("corr_Wq_lag"), lag("corr_W_lag")) {
        (Some(lag), _) => Some(queue.wait_autocorrelation(lag)),
        (_, Some(lag)) => Some(queue.sojourn_autocorrelation(lag)),
        _ => None,
    }
}

fn precision(record: &Record, queue: Mm1) -> Option<f64> {
    Some(match record.metric.as_str() {
        "asyvar_mean_W" => queue.mean_sojourn_run_variance(),
        "asyvar_mean_Wq" => queue.mean_wait_run_variance(),
        "asyvar_mean_W_plugin_rates" => queue.fitted_mean_sojourn_run_variance(),
        "asyvar_time_avg_N" => queue.in_system_run_variance(),
        "bias_sum_W_from_empty" => queue.empty_start_bias(),
        "relaxation_time" => queue.relaxation_time(),
        "siegmund_rel_variance" => queue.twisted_run_relative_variance(),
        _ => match (record.quantile_of("asyvar_ecdf_at_W"), record.quantile_of("asyvar_quantile_W")) {
            (Some(p), _) => queue.sojourn_cdf_run_variance(p).unwrap(),
            (_, Some(p)) => queue.sojourn_quantile_run_variance(p).unwrap(),
            _ => return None,
        },
    })
}

fn busy(record: &Record) -> Option<f64> {
    let busy = BusyPeriod::new(record.param("lam"), record.param("mu")).unwrap();
    Some(match record.metric.as_str() {
        "busy_mean" => busy.mean(),
        "busy_var" => busy.variance(),
        "busy_customers_mean" => busy.mean_jobs(),
        "busy_customers_var" => busy.jobs_variance(),
        "P(busy_customers=1)" => busy.prob_jobs(1),
        "P(busy_customers=2)" => busy.prob_jobs(2),
        "P(busy_customers=10)" => busy.prob_jobs(10),
        "P(busy<=2*mean)" => busy.cdf(2.0 * busy.mean()),
        _ => return None,
    })
}
