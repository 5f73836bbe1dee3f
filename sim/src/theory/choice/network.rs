//! Open networks.

use crate::model::{Discipline, Load, Scenario, Shape, Station};
use crate::theory::mmc::Mmc;
use crate::theory::tandem::Tandem;
use crate::theory::{Prediction, TheoryError};

/// Jackson's theorem, for Poisson arrivals and exponential servers with lines in the order of arrival.
pub(super) fn fill(
    scenario: &Scenario,
    loads: &[Load],
    prediction: &mut Prediction,
) -> Result<(), TheoryError> {
    let poisson = scenario
        .classes()
        .iter()
        .all(|class| class.arrivals().process().is_poisson() && class.arrivals().batch().is_none());
    let product_form =
        poisson && scenario.stations().iter().enumerate().all(|(n, s)| is_markovian(scenario, n, s));
    let arrival_rate = scenario.arrival_rate();
    let mut in_system = 0.0;
    let mut waiting = 0.0;
    for (n, (station, load)) in scenario.stations().iter().zip(loads).enumerate() {
        let (mean, servers) = (scenario.service_of(0, n).mean(), station.queue().servers());
        let mut part = prediction.part(station.name(), load.arrival_rate, mean, servers);
        if product_form && load.arrival_rate > 0.0 {
            let queue = Mmc::new(load.arrival_rate, 1.0 / mean, servers)?;
            let method = "exact (Jackson network)";
            part.put("mean_wait_s", queue.mean_wait(), method);
            part.put("mean_queue_length", queue.mean_queue_length(), method);
            part.put_mean_sojourn(queue.mean_sojourn(), load.arrival_rate, method);
            part.put("prob_wait", queue.prob_wait(), method);
            // Arrivals see time averages at a station even where jobs come back to it.
            part.put_quantiles(method, |p| queue.wait_quantile(p), |p| queue.sojourn_quantile(p));
            in_system += queue.mean_in_system();
            waiting += queue.mean_queue_length();
        }
        prediction.stations.insert(station.name().to_owned(), part);
    }
    if product_form {
        let method = "exact (Jackson network)";
        prediction.put_mean_sojourn(in_system / arrival_rate, arrival_rate, method);
        prediction.put("mean_queue_length", waiting, method);
        prediction.put("mean_wait_s", waiting / arrival_rate, method);
        if let Some(tandem) = chain(scenario).and_then(|rates| Tandem::new(arrival_rate, &rates).ok()) {
            prediction.put_sojourn_quantiles("exact (tandem of M/M/1)", |p| tandem.sojourn_quantile(p));
        }
    }
    Ok(())
}

fn is_markovian(scenario: &Scenario, number: usize, station: &Station) -> bool {
    let exponential = matches!(scenario.service_of(0, number).shape(), Shape::Exponential {});
    let queue = station.queue();
    exponential && queue.is_plain() && matches!(queue.discipline(), Discipline::Fcfs {})
}

/// The service rates of stations that follow one another, one server each.
fn chain(scenario: &Scenario) -> Option<Vec<f64>> {
    let stations = scenario.stations();
    let mut rates = Vec::new();
    for (n, station) in stations.iter().enumerate() {
        let last = n + 1 == stations.len();
        let follows = match station.next().stations().collect::<Vec<_>>().as_slice() {
            [] => last,
            [(to, 1.0)] => !last && *to == n + 1,
            _ => false,
        };
        let enters_here = scenario.classes().iter().all(|class| class.arrivals().first().is_none());
        if !follows || !enters_here || station.queue().servers() > 1 {
            return None;
        }
        rates.push(1.0 / scenario.service_of(0, n).mean());
    }
    Some(rates)
}
