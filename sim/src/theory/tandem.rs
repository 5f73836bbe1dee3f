//! M/M/1 queues in a row.

use super::TheoryError;
use super::jackson::NetworkError;
use super::{mm1::Mm1, quantile};

/// A tandem of M/M/1 queues in steady state.
///
/// Poisson arrivals at rate λ at the first of k stations, single servers with exponential services at rate
/// μ_i, first come first served. The departures of each station are again Poisson, and the sojourns of a job
/// at the stations are independent exponentials of rates θ_i = μ_i − λ:
///
/// ```text
/// W = Σ 1/θ_i      Var = Σ 1/θ_i²      P(sojourn > t) = Σ_j [e^(Qt)]_1j
/// ```
///
/// where Q has −θ_i on its diagonal and θ_i next to it.
///
/// # Units
/// Rates in jobs per second, times in seconds.
///
/// # Examples
/// ```
/// // One station is the M/M/1 queue.
/// let row = sim::theory::tandem::Tandem::new(160.0, &[200.0])?;
/// assert!((row.sojourn_tail(0.1) - (-4.0_f64).exp()).abs() < 1e-15);
/// # Ok::<(), sim::theory::jackson::NetworkError>(())
/// ```
///
/// # References
/// Burke 1956, *Operations Research* 4; Reich 1957, *Annals of Mathematical Statistics* 28.
#[derive(Debug, Clone, PartialEq)]
pub struct Tandem {
    stations: Vec<Mm1>,
}

impl Tandem {
    /// The tandem with λ = `arrival_rate` and μ_i = `service_rates`\[i\].
    ///
    /// # Errors
    /// [`NetworkError::Station`] with the station that is unstable or whose rates are not positive and
    /// finite; [`NetworkError::Shape`] if there is no station.
    pub fn new(arrival_rate: f64, service_rates: &[f64]) -> Result<Self, NetworkError> {
        if service_rates.is_empty() {
            return Err(NetworkError::Shape { what: "service_rates", expected: 1, found: 0 });
        }
        let station = |(i, rate): (usize, &f64)| Mm1::new(arrival_rate, *rate).map_err(NetworkError::at(i));
        let stations = service_rates.iter().enumerate().map(station).collect::<Result<_, _>>()?;
        Ok(Tandem { stations })
    }

    /// The stations, in their order.
    pub fn stations(&self) -> &[Mm1] {
        &self.stations
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        self.stations.iter().map(Mm1::mean_in_system).sum()
    }

    /// Mean time from arrival at the first station to departure from the last, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.stations.iter().map(Mm1::mean_sojourn).sum()
    }

    /// Variance of the sojourn, s².
    pub fn sojourn_variance(&self) -> f64 {
        self.stations.iter().map(|station| station.mean_sojourn().powi(2)).sum()
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        if t == f64::INFINITY {
            return 0.0;
        }
        // The textbook sum over differences of rates fails for equal and loses digits for close ones. Here no
        // term is negative: a series for a step that is short for the fastest station, doubled up to t.
        let rates: Vec<f64> = self.stations.iter().map(|station| station.mean_sojourn().recip()).collect();
        let fastest = rates.iter().copied().fold(0.0, f64::max);
        let doublings = (fastest * t).log2().ceil().max(0.0);
        let mut kernel = short_step(&rates, fastest, t / doublings.exp2());
        for _ in 0..doublings as u32 {
            kernel = square(&kernel);
        }
        kernel[0].iter().sum()
    }

    /// The p-quantile of the sojourn, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile::of_tail(|t| self.sojourn_tail(t), tail, self.mean_sojourn()))
    }
}

/// e^(Qt) = e^(-Λt)·Σ_k (Λt·(I + Q/Λ))^k/k! for Λ = `fastest` and Λt of 1 at most.
fn short_step(rates: &[f64], fastest: f64, t: f64) -> Vec<Vec<f64>> {
    let size = rates.len();
    let mut term = vec![vec![0.0; size]; size];
    (0..size).for_each(|i| term[i][i] = (-fastest * t).exp());
    let mut sum = term.clone();
    // 1/20! is below what a double can add to 1.
    for k in 1..=20 {
        let scale = fastest * t / f64::from(k);
        for i in 0..size {
            let moves = rates[i] / fastest;
            for j in i..size {
                let next = if i + 1 < size { term[i + 1][j] } else { 0.0 };
                term[i][j] = scale * ((1.0 - moves) * term[i][j] + moves * next);
                sum[i][j] += term[i][j];
            }
        }
    }
    sum
}

/// The square of an upper triangular matrix.
fn square(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let size = matrix.len();
    let entry = |i: usize, j: usize| (i..=j).map(|k| matrix[i][k] * matrix[k][j]).sum();
    (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stations_have_an_erlang_sojourn() {
        let row = Tandem::new(0.5, &[1.5, 1.5, 1.5]).unwrap();
        for t in [0.01, 1.0, 7.0, 60.0_f64] {
            let expected = (-t).exp() * (1.0 + t + t * t / 2.0);
            assert!((row.sojourn_tail(t) / expected - 1.0).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn stations_of_very_different_speed_keep_their_digits() {
        let row = Tandem::new(0.5, &[1e5 + 0.5, 1.5]).unwrap();
        let t = 3.0_f64;
        let expected = (1e5 * (-t).exp() - (-1e5 * t).exp()) / (1e5 - 1.0);
        assert!((row.sojourn_tail(t) / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_order_of_the_stations_does_not_matter() {
        let tail = |rates: &[f64]| Tandem::new(1.0, rates).unwrap().sojourn_tail(2.0);
        assert!((tail(&[2.0, 2.001, 5.0]) / tail(&[5.0, 2.001, 2.0]) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn wrong_arguments_are_refused_with_the_station() {
        let error = Tandem::new(1.0, &[2.0, 1.0]).unwrap_err();
        assert!(matches!(error, NetworkError::Station { station: 1, reason: TheoryError::Unstable { .. } }));
        assert!(matches!(Tandem::new(1.0, &[]), Err(NetworkError::Shape { .. })));
        assert!(matches!(Tandem::new(1.0, &[2.0, f64::NAN]), Err(NetworkError::Station { station: 1, .. })));
        assert!(Tandem::new(1.0, &[2.0]).unwrap().sojourn_quantile(1.0).is_err());
    }
}
