//! Mean and variance of values that are not kept.

/// Number, sum and sum of squares of some values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Tally {
    /// Counts a value.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    /// The mean, in the unit of the values; NaN without values.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The sample variance, in the squared unit of the values; NaN without two values.
    ///
    /// ```text
    /// s² = (Σx² − (Σx)²/n) / (n − 1)
    /// ```
    ///
    /// The difference cancels: for values that hardly vary, rounding leaves up to 1e-9·mean² after millions of
    /// them, though never less than 0.
    pub fn variance(&self) -> f64 {
        let count = self.count as f64;
        let variance = (self.squares - self.sum * self.sum / count) / (count - 1.0);
        if variance < 0.0 { 0.0 } else { variance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_are_those_of_the_values() {
        let mut tally = Tally::default();
        [1.0, 2.0, 4.0, 9.0].into_iter().for_each(|value| tally.record(value));
        assert_eq!(tally.mean(), 4.0);
        assert!((tally.variance() - 38.0 / 3.0).abs() < 1e-14);
    }

    #[test]
    fn equal_values_do_not_vary() {
        let mut tally = Tally::default();
        (0..1000).for_each(|_| tally.record(0.1));
        assert!((0.0..1e-14).contains(&tally.variance()), "{}", tally.variance());
        assert!(Tally::default().variance().is_nan() && Tally::default().mean().is_nan());
    }
}
