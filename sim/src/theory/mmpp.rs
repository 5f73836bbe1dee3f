//! MMPP/M/1: arrivals in bursts (Poisson at a rate that switches at random), exponential services, one server.

use super::matrix::{Matrix, dot};
use super::{TheoryError, poisson::PoissonWeights, quantile};

/// The MMPP/M/1 queue in steady state.
///
/// While the environment is in phase i, jobs arrive at rate λ_i; it moves from phase i to j at rate q_ij. One server
/// with exponential services at rate μ, first come first served. Let Q be the generator of the environment, π its
/// stationary law, Λ = diag(λ_i), λ̄ = πΛ1 < μ, and R the smallest solution ≥ 0 of
///
/// ```text
/// Λ + R·(Q - Λ - μI) + μR² = 0
/// P(N = n, phase) = π(I-R)Rⁿ              L = πR(I-R)⁻¹1            W = L/λ̄
/// P(an arrival finds n or more) = πRⁿΛ1/λ̄
/// P(wait > t) = Σ_k P(Poisson(μt) = k)·πR^(k+1)Λ1/λ̄
/// ```
///
/// All terms are positive. R follows from logarithmic reduction, in which each step doubles the number of levels.
///
/// # Units
/// Rates per second, times in seconds.
///
/// # Examples
/// ```
/// // The same rate in both phases: the M/M/1 queue.
/// let queue = sim::theory::mmpp::MmppM1::new(&[160.0, 160.0], &[[0.0, 0.1], [0.2, 0.0]], 200.0)?;
/// assert!((queue.mean_wait() - 0.020).abs() < 1e-14);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Neuts 1981, *Matrix-Geometric Solutions in Stochastic Models*; Latouche & Ramaswami 1993 (logarithmic reduction).
#[derive(Debug, Clone, PartialEq)]
pub struct MmppM1 {
    service_rate: f64,
    arrival_rates: Vec<f64>,
    mean_arrival_rate: f64,
    generator: Matrix,
    phases: Vec<f64>,
    rate_matrix: Matrix,
    /// (I − R)⁻¹.
    potential: Matrix,
}

impl MmppM1 {
    /// The queue with λ_i = `arrival_rates[i]`, q_ij = `switching[i][j]` (the diagonal is ignored) and
    /// μ = `service_rate`.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the numbers of phases differ, a rate is negative or not finite, no phase has
    /// arrivals, or a phase cannot be reached from the others; [`TheoryError::Unstable`] if λ̄ ≥ μ.
    pub fn new(
        arrival_rates: &[f64],
        switching: &[impl AsRef<[f64]>],
        service_rate: f64,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("service_rate", service_rate)?;
        for rate in arrival_rates {
            TheoryError::not_negative("arrival_rates", *rate)?;
        }
        let generator = generator(arrival_rates.len(), switching)?;
        let phases = stationary(&generator)?;
        let mean_arrival_rate = TheoryError::positive("arrival_rates", dot(&phases, arrival_rates))?;
        TheoryError::stable(mean_arrival_rate, service_rate)?;
        let rate_matrix = rate_matrix(&generator, arrival_rates, service_rate);
        let identity = Matrix::identity(phases.len());
        let potential = identity.combine(&rate_matrix, |one, r| one - r).solve(&identity);
        let potential = potential.expect("the spectral radius of R is below 1 in a stable queue");
        let arrival_rates = arrival_rates.to_vec();
        Ok(MmppM1 {
            service_rate,
            arrival_rates,
            mean_arrival_rate,
            generator,
            phases,
            rate_matrix,
            potential,
        })
    }

    /// λ̄, the long-run arrival rate, jobs/s.
    #[doc(alias = "λ̄")]
    pub fn mean_arrival_rate(&self) -> f64 {
        self.mean_arrival_rate
    }

    /// ρ = λ̄/μ.
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        self.mean_arrival_rate / self.service_rate
    }

    /// P(wait > 0): an arrival, which is likelier in a busy phase, finds the server busy.
    pub fn prob_wait(&self) -> f64 {
        dot(&self.phases, &self.rate_matrix.apply(&self.arrival_rates)) / self.mean_arrival_rate
    }

    /// Time average of the jobs present.
    #[doc(alias = "L")]
    pub fn mean_in_system(&self) -> f64 {
        let ones = vec![1.0; self.phases.len()];
        dot(&self.phases, &self.rate_matrix.apply(&self.potential.apply(&ones)))
    }

    /// Mean time from arrival to departure, s.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_in_system() / self.mean_arrival_rate
    }

    /// Mean wait before service, s: that many services as an arrival finds jobs.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self) -> f64 {
        self.found(&self.potential.apply(&self.arrival_rates)) / self.service_rate
    }

    /// Time average of the jobs waiting.
    #[doc(alias = "Lq")]
    pub fn mean_queue_length(&self) -> f64 {
        self.mean_arrival_rate * self.mean_wait()
    }

    /// Variance of the wait, s².
    pub fn wait_variance(&self) -> f64 {
        // A wait of n services has the second moment n(n + 1)/μ², and E n(n + 1) = 2·Σ k·P(n ≥ k).
        let twice = self.potential.apply(&self.potential.apply(&self.arrival_rates));
        2.0 * self.found(&twice) / self.service_rate.powi(2) - self.mean_wait().powi(2)
    }

    /// πR·x/λ̄.
    fn found(&self, x: &[f64]) -> f64 {
        dot(&self.phases, &self.rate_matrix.apply(x)) / self.mean_arrival_rate
    }

    /// η, the spectral radius of R: far out, P(N = n) falls by this factor per job.
    #[doc(alias = "η")]
    pub fn queue_decay(&self) -> f64 {
        // Squaring leaves only the largest eigenvalue in a power of R.
        let mut power = self.rate_matrix.clone();
        for _ in 0..64 {
            let square = power.times(&power);
            power = square.scaled(1.0 / square.trace());
        }
        power.times(&self.rate_matrix).trace() / power.trace()
    }

    /// Index of dispersion of the arrivals over long times, lim Var/mean of their number: 1 for a Poisson process.
    ///
    /// With x the solution of Qx = λ̄1 − Λ1 for which πx = 0:
    ///
    /// ```text
    /// 1 + 2·πΛx/λ̄
    /// ```
    #[doc(alias = "IDC")]
    pub fn index_of_dispersion(&self) -> f64 {
        let size = self.phases.len();
        // 1π − Q is regular and has the same x.
        let regular =
            Matrix::from_fn(size, |row, column| self.phases[column] - self.generator.at(row, column));
        let excess = Matrix::from_fn(size, |row, _| self.arrival_rates[row] - self.mean_arrival_rate);
        let x = regular.solve(&excess).expect("1π − Q is regular for an irreducible Q");
        let weighted = |i: usize| self.phases[i] * self.arrival_rates[i] * x.at(i, 0);
        1.0 + 2.0 * (0..size).map(weighted).sum::<f64>() / self.mean_arrival_rate
    }

    /// P(wait > `t`) for t in seconds; 1 for negative t.
    pub fn wait_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.longer(t, self.rate_matrix.apply(&self.arrival_rates)) }
    }

    /// P(sojourn > `t`) for t in seconds; 1 for negative t.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        if t < 0.0 { 1.0 } else { self.longer(t, self.arrival_rates.clone()) }
    }

    /// Σ_k P(Poisson(μt) = k)·πR^k·x/λ̄.
    fn longer(&self, t: f64, mut x: Vec<f64>) -> f64 {
        let weights = PoissonWeights::new(self.service_rate * t);
        let (mut power, mut sum) = (0, 0.0);
        for (served, weight) in weights.iter() {
            while power < served {
                x = self.rate_matrix.apply(&x);
                power += 1;
            }
            sum += weight * dot(&self.phases, &x);
        }
        sum / self.mean_arrival_rate
    }

    /// The p-quantile of the wait, s, by bisection of its tail; 0 up to p = 1 − P(wait > 0).
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn wait_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile::of_tail(|t| self.wait_tail(t), tail, self.mean_sojourn()))
    }

    /// The p-quantile of the sojourn, s, by bisection of its tail.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] unless 0 ≤ p < 1.
    pub fn sojourn_quantile(&self, p: f64) -> Result<f64, TheoryError> {
        let tail = 1.0 - TheoryError::probability(p)?;
        Ok(quantile::of_tail(|t| self.sojourn_tail(t), tail, self.mean_sojourn()))
    }
}

/// Q, with a diagonal that makes the sums of its rows zero.
fn generator(size: usize, switching: &[impl AsRef<[f64]>]) -> Result<Matrix, TheoryError> {
    let rows: Vec<&[f64]> = switching.iter().map(AsRef::as_ref).collect();
    let wrong = rows.iter().map(|row| row.len()).chain([rows.len()]).find(|length| *length != size);
    if let Some(length) = wrong.or((size == 0).then_some(0)) {
        let rule = "there must be a row and a column for each phase";
        return Err(TheoryError::OutOfDomain { name: "switching", value: length as f64, rule });
    }
    let rate = |row: usize, column: usize| if row == column { 0.0 } else { rows[row][column] };
    for row in 0..size {
        for column in 0..size {
            TheoryError::not_negative("switching", rate(row, column))?;
        }
    }
    let leaving = |row: usize| (0..size).map(|column| rate(row, column)).sum::<f64>();
    Ok(Matrix::from_fn(size, |row, column| if row == column { -leaving(row) } else { rate(row, column) }))
}

/// π with πQ = 0, by Grassmann, Taksar and Heyman's elimination, which subtracts nothing.
fn stationary(generator: &Matrix) -> Result<Vec<f64>, TheoryError> {
    let size = generator.size();
    let mut rates: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| generator.at(i, j)).collect()).collect();
    for last in (1..size).rev() {
        let leaving: f64 = rates[last][..last].iter().sum();
        if leaving <= 0.0 {
            let rule = "each phase must be reachable from each other";
            return Err(TheoryError::OutOfDomain { name: "switching", value: leaving, rule });
        }
        for i in 0..last {
            rates[i][last] /= leaving;
            for j in 0..last {
                rates[i][j] += rates[i][last] * rates[last][j];
            }
        }
    }
    let mut phases = vec![1.0];
    for column in 1..size {
        phases.push(phases.iter().zip(&rates).map(|(phase, row)| phase * row[column]).sum());
    }
    let total: f64 = phases.iter().sum();
    Ok(phases.iter().map(|phase| phase / total).collect())
}

/// R = Λ·(Λ + μI − Q − ΛG)⁻¹, where G holds the phases in which the queue first is one job shorter.
fn rate_matrix(generator: &Matrix, arrival_rates: &[f64], service_rate: f64) -> Matrix {
    let size = generator.size();
    let identity = Matrix::identity(size);
    let diagonal = |value: &dyn Fn(usize) -> f64| {
        Matrix::from_fn(size, |row, column| if row == column { value(row) } else { 0.0 })
    };
    let (up, down) = (diagonal(&|i| arrival_rates[i]), diagonal(&|_| service_rate));
    let add = |a: &Matrix, b: &Matrix| a.combine(b, |x, y| x + y);
    let subtract = |a: &Matrix, b: &Matrix| a.combine(b, |x, y| x - y);
    let stay = subtract(&add(&up, &down), generator);
    let regular = "an M-matrix that is diagonally dominant";
    // The chances to be first one (then two, four, …) levels higher, or lower.
    let mut higher = stay.solve(&up).expect(regular);
    let mut lower = stay.solve(&down).expect(regular);
    let (mut first_lower, mut still_higher) = (lower.clone(), higher.clone());
    for _ in 0..64 {
        let back = subtract(&identity, &add(&higher.times(&lower), &lower.times(&higher)));
        higher = back.solve(&higher.times(&higher)).expect(regular);
        lower = back.solve(&lower.times(&lower)).expect(regular);
        let more = still_higher.times(&lower);
        first_lower = add(&first_lower, &more);
        still_higher = still_higher.times(&higher);
        if more.apply(&vec![1.0; size]).iter().all(|chance| *chance < 1e-17) {
            break;
        }
    }
    let leave = subtract(&stay, &up.times(&first_lower));
    // X = Λ·leave⁻¹ by columns of its transpose.
    let transposed = |matrix: &Matrix| Matrix::from_fn(size, |row, column| matrix.at(column, row));
    transposed(&transposed(&leave).solve(&up).expect(regular))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{mg1, mm1::Mm1};

    fn three_phases() -> MmppM1 {
        let switching = [[0.0, 0.3, 0.1], [0.2, 0.0, 0.4], [0.5, 0.1, 0.0]];
        MmppM1::new(&[0.1, 1.5, 0.6], &switching, 1.0).unwrap()
    }

    #[test]
    fn one_phase_is_the_mm1_queue() {
        let queue = MmppM1::new(&[0.9], &[[0.0]], 1.0).unwrap();
        let textbook = Mm1::new(0.9, 1.0).unwrap();
        assert!((queue.queue_decay() - 0.9).abs() < 1e-14);
        assert!((queue.index_of_dispersion() - 1.0).abs() < 1e-14);
        assert!((queue.wait_variance() / textbook.wait_variance() - 1.0).abs() < 1e-12);
        assert!((queue.sojourn_tail(30.0) / textbook.sojourn_tail(30.0) - 1.0).abs() < 1e-12);
        let p99 = textbook.wait_quantile(0.99).unwrap();
        assert!((queue.wait_quantile(0.99).unwrap() / p99 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn littles_law_ties_what_time_sees_to_what_arrivals_see() {
        let queue = three_phases();
        assert!((queue.mean_sojourn() - queue.mean_wait() - 1.0).abs() < 1e-12);
        assert!((queue.mean_queue_length() + queue.utilization() - queue.mean_in_system()).abs() < 1e-12);
    }

    #[test]
    fn the_tail_integrates_to_the_mean_and_the_variance() {
        let queue = three_phases();
        let points = (0..40_000).map(|i| 5e-3 * (f64::from(i) + 0.5));
        let (mean, second) = points.fold((0.0, 0.0), |(mean, second), t| {
            let strip = 5e-3 * queue.wait_tail(t);
            (mean + strip, second + 2.0 * t * strip)
        });
        assert!((mean / queue.mean_wait() - 1.0).abs() < 1e-5, "{mean}");
        assert!(((second - mean * mean) / queue.wait_variance() - 1.0).abs() < 1e-4, "{second}");
    }

    #[test]
    fn fast_switching_makes_arrivals_poisson_and_slow_switching_makes_bursts() {
        let wait = |speed: f64| {
            MmppM1::new(&[0.3, 1.2], &[[0.0, 0.1 * speed], [0.2 * speed, 0.0]], 1.0).unwrap().mean_wait()
        };
        let poisson = mg1::mean_wait(0.6, 1.0, 1.0).unwrap();
        assert!((wait(1e7) / poisson - 1.0).abs() < 1e-6);
        assert!(wait(1.0) > 2.0 * poisson && wait(0.1) > 2.0 * wait(1.0));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let queue = |rates: &[f64], switching: &[[f64; 2]]| MmppM1::new(rates, switching, 1.0);
        assert!(matches!(queue(&[2.0, 2.0], &[[0.0, 1.0], [1.0, 0.0]]), Err(TheoryError::Unstable { .. })));
        assert!(matches!(
            queue(&[0.5, 0.1], &[[0.0, 1.0], [0.0, 0.0]]),
            Err(TheoryError::OutOfDomain { name: "switching", .. })
        ));
        assert!(matches!(
            queue(&[0.5], &[[0.0, 1.0]]),
            Err(TheoryError::OutOfDomain { name: "switching", .. })
        ));
        assert!(matches!(
            queue(&[0.0, 0.0], &[[0.0, 1.0], [1.0, 0.0]]),
            Err(TheoryError::OutOfDomain { name: "arrival_rates", .. })
        ));
        assert!(MmppM1::new(&[], &[] as &[[f64; 0]], 1.0).is_err());
    }
}
