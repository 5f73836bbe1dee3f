use sim::theory::jackson::{Jackson, Station};

use super::{Record, check};

#[test]
fn jackson_matches_theory() {
    check("jackson", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let external = record.list("external");
    let routing: Vec<Vec<f64>> = record.list("routing").chunks(external.len()).map(<[f64]>::to_vec).collect();
    let station = |service_rate| Station { service_rate, servers: 1 };
    let stations: Vec<Station> = record.list("mu").into_iter().map(station).collect();
    let network = Jackson::new(&external, &stations, &routing).unwrap();
    if record.metric == "W_system" {
        return Some(network.mean_sojourn());
    }
    let (metric, number) = record.metric.split_once('_')?;
    let station = number.parse::<usize>().ok()? - 1;
    Some(match metric {
        "lam" => network.arrival_rates()[station],
        "L" => network.station(station)?.mean_in_system(),
        _ => return None,
    })
}
