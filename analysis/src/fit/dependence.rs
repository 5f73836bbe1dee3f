//! Whether times come independently of each other, and from one law all along.

use statrs::function::gamma::gamma_ur;

/// Lags that are looked at.
const LAGS: usize = 20;

/// How times in their order depend on each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dependence {
    /// Correlation of neighbours.
    pub lag1: f64,
    /// Significance of the first 20 correlations together.
    pub p: f64,
    /// Variance of a long sum, over that of as many independent times.
    pub inflation: f64,
}

impl Dependence {
    /// Ljung and Box's test, and the index of dispersion relative to independent times:
    ///
    /// ```text
    /// Q = n(n + 2) Σ r_k²/(n − k) ~ χ²_20,      1 + 2 Σ (1 − k/21) r_k,      k = 1 … 20
    /// ```
    ///
    /// Times that a clock of steps of `resolution_s` cannot tell from one constant are independent of each other: what
    /// they are correlated by is how it rounds.
    ///
    /// # References
    /// Ljung & Box 1978, *Biometrika* 65; Bartlett 1950, *Biometrika* 37; Cox & Lewis 1966.
    pub fn of(times: &[f64], resolution_s: f64) -> Self {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let square = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        // Rounded to either of two neighbours no constant varies by more.
        if square <= 0.25 * count * resolution_s.powi(2) {
            return Dependence { lag1: 0.0, p: 1.0, inflation: 1.0 };
        }
        let correlation = |lag: usize| {
            let products = times.iter().zip(&times[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
            products / square
        };
        let correlations: Vec<f64> = (1..=LAGS.min(times.len() - 1)).map(correlation).collect();
        let by_lag = || (1..).zip(&correlations).map(|(lag, r)| (f64::from(lag), r));
        let q = count * (count + 2.0) * by_lag().map(|(lag, r)| r * r / (count - lag)).sum::<f64>();
        let lags = correlations.len() as f64;
        let sum = by_lag().map(|(lag, r)| (1.0 - lag / (lags + 1.0)) * r).sum::<f64>();
        Dependence { lag1: correlations[0], p: gamma_ur(0.5 * lags, 0.5 * q), inflation: 1.0 + 2.0 * sum }
    }

    /// Whether the times depend on each other, by more than chance and by enough to matter.
    pub fn matters(&self) -> bool {
        self.p < 0.01 && (self.inflation - 1.0).abs() > 0.1
    }
}

/// The means of the two halves, if they differ by more than three standard errors.
///
/// ```text
/// z = (x̄₁ − x̄₂)/√(2(s₁² + s₂²)/n · inflation)
/// ```
pub fn differing_halves(times: &[f64], dependence: &Dependence) -> Option<[f64; 2]> {
    let halves = [&times[..times.len() / 2], &times[times.len() / 2..]];
    let mean = |half: &[f64]| half.iter().sum::<f64>() / half.len() as f64;
    let means = halves.map(mean);
    let variance_of_mean = |half: &[f64]| {
        let mean = mean(half);
        half.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (half.len() as f64).powi(2)
    };
    let variance = halves.map(variance_of_mean).iter().sum::<f64>() * dependence.inflation.max(1.0);
    ((means[0] - means[1]).abs() > 3.0 * variance.sqrt()).then_some(means)
}

#[cfg(test)]
mod tests {
    use sim::sampling::{Purpose, Stream};

    use super::*;

    /// x_n = φ x_{n−1} + e_n with exponential e.
    fn autoregressive(phi: f64, count: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0, Purpose::Resampling);
        let mut x = 1.0 / (1.0 - phi);
        (0..count)
            .map(|_| {
                x = phi * x - stream.uniform().ln();
                x
            })
            .collect()
    }

    #[test]
    fn correlations_are_those_of_an_autoregressive_process() {
        let found = Dependence::of(&autoregressive(0.5, 20_000, 1), 1e-9);
        // Bartlett: the standard error of r_1 is √((1 − φ²)/n); (1 + φ)/(1 − φ) = 3 without the taper of 20 lags.
        assert!((found.lag1 - 0.5).abs() < 4.0 * (0.75_f64 / 20_000.0).sqrt(), "{found:?}");
        let tapered =
            1.0 + 2.0 * (1..=20).map(|k| (1.0 - f64::from(k) / 21.0) * 0.5_f64.powi(k)).sum::<f64>();
        assert!((found.inflation / tapered - 1.0).abs() < 0.1 && found.matters(), "{found:?}");
    }

    #[test]
    fn independent_times_are_suspected_as_often_as_the_level_says() {
        let p = |seed| Dependence::of(&autoregressive(0.0, 500, seed), 1e-9).p;
        let suspected = (0..400).filter(|seed| p(*seed) < 0.05).count() as f64;
        // Binomial with mean 20 and deviation 4.4.
        assert!((suspected - 20.0).abs() < 3.0 * 4.4, "{suspected} of 400 at 5 %");
    }

    #[test]
    fn halves_differ_only_where_the_mean_moves() {
        let mut times = autoregressive(0.3, 2_000, 2);
        assert_eq!(differing_halves(&times, &Dependence::of(&times, 1e-9)), None);
        times[1_000..].iter_mut().for_each(|time| *time *= 1.5);
        let [first, second] = differing_halves(&times, &Dependence::of(&times, 1e-9)).unwrap();
        assert!((second / first - 1.5).abs() < 0.15, "{first} and {second}");
    }

    #[test]
    fn constants_are_independent_however_a_clock_rounds_them() {
        let independent = Dependence { lag1: 0.0, p: 1.0, inflation: 1.0 };
        for constant in [1.0, 0.5, 0.0078125, 0.1, 1e-3] {
            assert_eq!(Dependence::of(&[constant; 500], 1e-9), independent, "{constant}");
            // Ends of a clock that counts whole milliseconds.
            let rounded = |n: u32| (f64::from(n) * constant * 1e3).round() * 1e-3;
            let times: Vec<f64> = (0..500).map(|n| rounded(n + 1) - rounded(n)).collect();
            assert_eq!(Dependence::of(&times, 1e-3), independent, "{constant} in milliseconds");
        }
        assert!(Dependence::of(&autoregressive(0.5, 2_000, 1), 1.0).matters(), "steps as long as the mean");
    }
}
