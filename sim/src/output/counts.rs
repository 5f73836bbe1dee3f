//! What a replication keeps of its histograms.

use super::histogram::{Histogram, REST, Range};

/// The counts of a histogram without its empty ends.
///
/// It answers what fraction of a replication's values lay below a quantile of all replications together, and
/// takes a fifth of a histogram's memory. Bins count up to 2³² values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// The number of the bin that counts as zero.
    zero: u64,
    /// The number of the first bin of `counts`.
    first: u64,
    counts: Box<[u32]>,
}

impl Counts {
    pub(super) fn new(zero: u64, first: u64, counts: Box<[u32]>) -> Self {
        Counts { zero, first, counts }
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Bins with their numbers and counts.
    pub(super) fn bins(&self) -> impl Iterator<Item = (u64, u64)> {
        (self.first..).zip(self.counts.iter().map(|count| u64::from(*count)))
    }

    /// The fraction of the values that do not exceed `value`; NaN without values.
    ///
    /// Linear within a bin, as [`Histogram::quantile`] is.
    pub fn fraction_up_to(&self, value: f64) -> f64 {
        let bin = (value.max(0.0).to_bits() >> REST).max(self.zero);
        let inside = |(number, count): (u64, u64)| {
            if number < bin || bin == self.zero {
                return count as f64;
            }
            let low = f64::from_bits(bin << REST);
            let width = f64::from_bits((bin + 1) << REST) - low;
            count as f64 * ((value - low) / width)
        };
        let up_to: f64 = self.bins().take_while(|(number, _)| *number <= bin).map(inside).sum();
        up_to / self.total() as f64
    }
}

impl Histogram {
    /// The values of several replications together, whose ranges must be the same.
    pub fn of_all(replications: &[&Counts]) -> Self {
        let zero = replications.first().map_or(0, |counts| counts.zero);
        let mut all = Histogram::new(Range::from_zero(zero));
        for counts in replications {
            assert_eq!(counts.zero, zero, "counts of different ranges cannot be added");
            counts.bins().for_each(|(bin, count)| all.add_to(bin, count));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: impl Iterator<Item = f64>) -> Histogram {
        let mut histogram = Histogram::new(Range::around(1.0));
        values.for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn a_quantile_of_a_histogram_has_its_fraction_below() {
        let histogram = filled((0..5000).map(|n| f64::from(n) * 1e-3));
        let counts = histogram.counts();
        for p in [0.1, 0.5, 0.9, 0.999] {
            let value = histogram.quantile(p).unwrap();
            assert!((counts.fraction_up_to(value) - p).abs() < 1e-12, "{p}");
        }
        assert_eq!((counts.total(), counts.fraction_up_to(100.0)), (5000, 1.0));
    }

    #[test]
    fn zeros_are_below_everything() {
        let counts = filled([0.0, 0.0, 0.0, 2.0].into_iter()).counts();
        assert_eq!((counts.fraction_up_to(0.0), counts.fraction_up_to(1.0)), (0.75, 0.75));
    }

    #[test]
    fn counts_add_up_to_the_histogram_of_all_values() {
        let halves = [filled((0..500).map(f64::from)), filled((500..1000).map(f64::from))];
        let [one, two] = halves.map(|half| half.counts());
        assert_eq!(Histogram::of_all(&[&one, &two]), filled((0..1000).map(f64::from)));
    }

    #[test]
    fn nothing_has_no_fractions() {
        let counts = Histogram::new(Range::around(1.0)).counts();
        assert!(counts.total() == 0 && counts.fraction_up_to(1.0).is_nan());
    }
}
