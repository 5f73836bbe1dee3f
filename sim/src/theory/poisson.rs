//! Poisson probabilities that neither underflow nor lose digits, for any mean.

/// The probabilities of the Poisson law with mean `mean` that are above 10⁻⁴⁰ of the largest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PoissonWeights {
    first: usize,
    weights: Vec<f64>,
}

impl PoissonWeights {
    /// By ratios outwards from the mode, and normalised at last: no factorial, no e^(-mean).
    pub(super) fn new(mean: f64) -> Self {
        const NEGLIGIBLE: f64 = 1e-40;
        let mode = mean.floor();
        let mut weights = Vec::new();
        let (mut k, mut weight) = (mode, 1.0);
        while weight > NEGLIGIBLE {
            weights.push(weight);
            weight *= k / mean;
            k -= 1.0;
        }
        let first = mode as usize + 1 - weights.len();
        weights.reverse();
        (k, weight) = (mode + 1.0, mean / (mode + 1.0));
        while weight > NEGLIGIBLE {
            weights.push(weight);
            k += 1.0;
            weight *= mean / k;
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        PoissonWeights { first, weights }
    }

    /// The values and their probabilities, in ascending order of the values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        (self.first..).zip(self.weights.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_are_the_mean() {
        for mean in [1e-9, 0.3, 1.0, 17.5, 1e3, 1e6] {
            let weights = PoissonWeights::new(mean);
            let expected =
                |f: &dyn Fn(f64) -> f64| -> f64 { weights.iter().map(|(k, w)| w * f(k as f64)).sum() };
            assert!((expected(&|k| k) / mean - 1.0).abs() < 1e-12, "{mean}");
            assert!((expected(&|k| (k - mean).powi(2)) / mean - 1.0).abs() < 1e-11, "{mean}");
        }
    }

    #[test]
    fn a_mean_of_zero_leaves_all_at_zero() {
        assert_eq!(PoissonWeights::new(0.0).iter().collect::<Vec<_>>(), [(0, 1.0)]);
    }
}
