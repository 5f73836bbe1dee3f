//! Open Jackson networks: M/M/c stations between which jobs are routed at random.

use super::{TheoryError, mmc::Mmc};

/// Routing rows may miss the sum 1 by this much, which is rounding.
const ROUNDING: f64 = 1e-12;

/// Why a network has no answer. Stations are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A station breaks a rule: it is unstable, or an argument of it is out of its domain.
    #[error("station {station} (counted from 0): {reason}")]
    Station {
        /// Which one.
        station: usize,
        /// What is wrong with it.
        reason: TheoryError,
    },
    /// The routing probabilities from a station sum to more than one.
    #[error(
        "routing from station {station} (counted from 0) sums to {sum}\n  rule: a row of the routing sums \
         to at most 1; what is missing leaves the network\n  remedy: lower the probabilities of the row"
    )]
    RowSum {
        /// Which row.
        station: usize,
        /// Its sum.
        sum: f64,
    },
    /// A station from which no job ever leaves the network.
    #[error(
        "jobs at station {station} (counted from 0) never leave the network\n  rule: an exit must be \
         reachable from every station\n  remedy: let a routing row on their way sum to less than 1"
    )]
    NoExit {
        /// Which station.
        station: usize,
    },
    /// A list has the wrong length.
    #[error(
        "{what} has {found} entries\n  rule: one for each of the {expected} stations\n  remedy: adjust its \
         length"
    )]
    Shape {
        /// Name of the list.
        what: &'static str,
        /// Number of stations.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// No job ever arrives.
    #[error(
        "no station has arrivals from outside\n  rule: at least one rate is positive\n  remedy: give one"
    )]
    NoArrivals,
}

impl NetworkError {
    /// Adds which station it was.
    pub(super) fn at(station: usize) -> impl Fn(TheoryError) -> NetworkError {
        move |reason| NetworkError::Station { station, reason }
    }
}

/// A station of exponential servers that share one line, first come first served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Station {
    /// μ, jobs/s per server.
    pub service_rate: f64,
    /// c.
    pub servers: u32,
}

/// An open Jackson network in steady state.
///
/// Jobs come to station i from outside as a Poisson process at rate γ_i and go from station i to station j
/// with probability p_ij, or out of the network with what is missing to 1. The total arrival rates solve
///
/// ```text
/// λ_j = γ_j + Σ_i λ_i·p_ij
/// ```
///
/// and the numbers at the stations are independent, each that of an M/M/c queue with arrival rate λ_i.
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// use sim::theory::jackson::{Jackson, Station};
/// // Half of the jobs come back: 2 visits each, so a load of 0.8.
/// let station = Station { service_rate: 1.0, servers: 1 };
/// let network = Jackson::new(&[0.4], &[station], &[vec![0.5]])?;
/// assert!((network.mean_in_system() - 4.0).abs() < 1e-14);
/// assert!((network.mean_sojourn() - 10.0).abs() < 1e-13);
/// # Ok::<(), sim::theory::jackson::NetworkError>(())
/// ```
///
/// # References
/// Jackson 1957, 1963.
#[derive(Debug, Clone, PartialEq)]
pub struct Jackson {
    throughput: f64,
    arrival_rates: Vec<f64>,
    /// `None` where no job ever comes.
    stations: Vec<Option<Mmc>>,
}

impl Jackson {
    /// The network with γ = `external`, its `stations`, and p = `routing`, a row for each station.
    ///
    /// # Errors
    /// [`NetworkError::Shape`] if the lists differ in length; [`NetworkError::Station`] with the station that
    /// is unstable or has a wrong rate or probability; [`NetworkError::RowSum`] if a row sums to more than 1;
    /// [`NetworkError::NoExit`] if jobs at a station can never leave; [`NetworkError::NoArrivals`] if γ = 0.
    pub fn new(external: &[f64], stations: &[Station], routing: &[Vec<f64>]) -> Result<Self, NetworkError> {
        let expected = stations.len();
        let lists = [("external", external.len()), ("routing", routing.len())];
        let rows = routing.iter().map(|row| ("a row of the routing", row.len()));
        for (what, found) in lists.into_iter().chain(rows) {
            if found != expected {
                return Err(NetworkError::Shape { what, expected, found });
            }
        }
        let mut exits = Vec::with_capacity(expected);
        for (station, row) in routing.iter().enumerate() {
            TheoryError::not_negative("external", external[station]).map_err(NetworkError::at(station))?;
            for probability in row {
                TheoryError::not_negative("routing", *probability).map_err(NetworkError::at(station))?;
            }
            let sum: f64 = row.iter().sum();
            if sum > 1.0 + ROUNDING {
                return Err(NetworkError::RowSum { station, sum });
            }
            exits.push(if sum >= 1.0 - ROUNDING { 0.0 } else { 1.0 - sum });
        }
        let throughput: f64 = external.iter().sum();
        if throughput == 0.0 {
            return Err(NetworkError::NoArrivals);
        }
        let arrival_rates = solve_traffic(external.to_vec(), routing.to_vec(), exits)?;
        let queue = |(i, station): (usize, &Station)| match arrival_rates[i] {
            0.0 => Ok(None),
            rate => {
                Mmc::new(rate, station.service_rate, station.servers).map(Some).map_err(NetworkError::at(i))
            }
        };
        let stations = stations.iter().enumerate().map(queue).collect::<Result<_, _>>()?;
        Ok(Jackson { throughput, arrival_rates, stations })
    }

    /// λ of each station, jobs/s, counting every visit.
    pub fn arrival_rates(&self) -> &[f64] {
        &self.arrival_rates
    }

    /// The queue at a station; `None` if there is no such station or no job ever comes to it.
    pub fn station(&self, station: usize) -> Option<&Mmc> {
        self.stations.get(station)?.as_ref()
    }

    /// Jobs through the network per second.
    pub fn throughput(&self) -> f64 {
        self.throughput
    }

    /// Time average of the jobs in the network.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.stations.iter().flatten().map(Mmc::mean_in_system).sum()
    }

    /// Mean time from entering the network to leaving it, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.throughput
    }
}

/// The arrival rates that solve the traffic equations.
///
/// Gaussian elimination, read as taking out one station after another: what went through it goes on directly
/// to where it would have come out. In that form nothing is subtracted, so no digits are lost however rarely
/// jobs leave, and a vanishing pivot is exactly a station without a way out.
fn solve_traffic(
    mut arrivals: Vec<f64>,
    mut routing: Vec<Vec<f64>>,
    mut exits: Vec<f64>,
) -> Result<Vec<f64>, NetworkError> {
    for k in (0..arrivals.len()).rev() {
        let leaves = routing[k][..k].iter().sum::<f64>() + exits[k];
        if leaves == 0.0 {
            return Err(NetworkError::NoExit { station: k });
        }
        let passed: Vec<f64> = routing[k][..k].iter().map(|probability| probability / leaves).collect();
        let out = exits[k] / leaves;
        for i in 0..k {
            let comes = routing[i][k];
            arrivals[i] += arrivals[k] * passed[i];
            exits[i] += comes * out;
            routing[i].iter_mut().zip(&passed).for_each(|(to, passed)| *to += comes * passed);
            routing[i][k] = comes / leaves;
        }
        arrivals[k] /= leaves;
    }
    for k in 1..arrivals.len() {
        arrivals[k] += (0..k).map(|i| arrivals[i] * routing[i][k]).sum::<f64>();
    }
    Ok(arrivals)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Station = Station { service_rate: 1.0, servers: 1 };

    #[test]
    fn the_rates_solve_the_traffic_equations_however_rarely_jobs_leave() {
        let routing = [vec![0.1, 0.5, 0.4], vec![0.3, 0.3, 0.4 - 1e-9], vec![0.7, 0.3, 0.0]];
        let external = [1e-10, 0.0, 2e-10];
        let network = Jackson::new(&external, &[FAST; 3], &routing).unwrap();
        let rates = network.arrival_rates();
        for j in 0..3 {
            let sum = external[j] + (0..3).map(|i| rates[i] * routing[i][j]).sum::<f64>();
            assert!((rates[j] / sum - 1.0).abs() < 1e-14, "{j}: {} {sum}", rates[j]);
        }
        // What comes leaves, by the one exit of 1e-9.
        assert!((rates[1] * (1.0 - routing[1].iter().sum::<f64>()) / 3e-10 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_station_may_have_several_servers_and_another_no_jobs() {
        let two = Station { service_rate: 1.0, servers: 2 };
        let network = Jackson::new(&[1.6, 0.0], &[two, FAST], &[vec![0.0; 2], vec![1.0, 0.0]]).unwrap();
        let expected = Mmc::new(1.6, 1.0, 2).unwrap();
        assert_eq!(network.station(0), Some(&expected));
        assert_eq!((network.station(1), network.station(2)), (None, None));
        assert!((network.mean_sojourn() - expected.mean_sojourn()).abs() < 1e-14);
    }

    #[test]
    fn wrong_networks_are_refused_with_the_station() {
        let new = |external: &[f64], routing: [[f64; 2]; 2]| {
            Jackson::new(external, &[FAST; 2], &routing.map(|row| row.to_vec())).unwrap_err()
        };
        let tandem = [[0.0, 1.0], [0.0, 0.0]];
        assert!(matches!(
            new(&[0.5, 0.6], tandem),
            NetworkError::Station { station: 1, reason: TheoryError::Unstable { .. } }
        ));
        let above = new(&[0.5, 0.0], [[0.0, 1.0], [0.6, 0.6]]);
        assert_eq!(above, NetworkError::RowSum { station: 1, sum: 1.2 });
        assert_eq!(new(&[0.5, 0.0], [[0.5, 0.0], [0.0, 1.0]]), NetworkError::NoExit { station: 1 });
        assert_eq!(new(&[0.5, 0.0], [[0.3, 0.7], [0.9, 0.1]]), NetworkError::NoExit { station: 0 });
        assert_eq!(new(&[0.0, 0.0], tandem), NetworkError::NoArrivals);
        assert!(matches!(new(&[0.5], tandem), NetworkError::Shape { expected: 2, found: 1, .. }));
        assert!(matches!(new(&[0.5, f64::NAN], tandem), NetworkError::Station { station: 1, .. }));
        let negative = [[0.0, 1.0], [-0.1, 0.0]];
        assert!(matches!(new(&[0.5, 0.0], negative), NetworkError::Station { station: 1, .. }));
    }
}
