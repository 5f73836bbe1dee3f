//! Quantiles of values that are not kept.

use super::Counts;

/// Leading digits of a value that its bin keeps: bins are 2⁻⁷ of an octave's lower end wide.
const DIGITS: u32 = 7;
/// Octaves that a histogram tells apart.
const OCTAVES: u64 = 64;
/// Bins of a histogram.
pub(crate) const BINS: usize = (OCTAVES << DIGITS) as usize;

/// The bits of a double below exponent and leading digits.
pub(super) const REST: u32 = f64::MANTISSA_DIGITS - 1 - DIGITS;
/// A factor of half the range.
const HALF_RANGE: f64 = (1_u64 << (OCTAVES / 2)) as f64;

/// The range that a histogram resolves: 2⁻³² to 2³² times a typical value.
///
/// The number of a bin is the exponent and the leading digits of its values, as they stand in the bits of a
/// double; finding it takes two comparisons and a shift. A bin is kept in the slot of its number modulo
/// 8192, which is one slot a bin, as the range has as many bins. What lies below the range, zero above
/// all, is counted in its first bin; what lies above, in the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    smallest: f64,
    largest: f64,
}

impl Range {
    /// The range around a positive value, rounded down to a power of two.
    ///
    /// # Panics
    /// If the value is not between 1e-200 and 1e200.
    pub fn around(typical: f64) -> Self {
        assert!((1e-200..=1e200).contains(&typical), "{typical} is not a time");
        let power =
            f64::from_bits(typical.to_bits() >> (f64::MANTISSA_DIGITS - 1) << (f64::MANTISSA_DIGITS - 1));
        Range::from_zero((power / HALF_RANGE).to_bits() >> REST)
    }

    /// The range whose first bin, which counts as zero, has this number.
    pub(super) fn from_zero(bin: u64) -> Self {
        let smallest = f64::from_bits(bin << REST);
        Range { smallest, largest: (smallest * HALF_RANGE * HALF_RANGE).next_down() }
    }

    /// The number of the bin of a value.
    #[inline(always)]
    pub(crate) fn bin(&self, value: f64) -> u64 {
        // Not `clamp` or `max`: their care for NaN costs instructions.
        let value = if value > self.smallest { value } else { self.smallest };
        let value = if value < self.largest { value } else { self.largest };
        value.to_bits() >> REST
    }
}

/// The slot in which a bin is counted.
#[inline(always)]
pub(crate) fn slot(bin: u64) -> usize {
    bin as usize % BINS
}

/// How many values fell into each of the bins of a range, 128 to the octave.
///
/// A quantile is interpolated within a bin, so it is off by less than 1/128 of itself; for a smooth law by
/// far less. Its memory does not depend on the number of values.
///
/// # Examples
/// ```
/// use sim::output::{Histogram, Range};
/// let mut histogram = Histogram::new(Range::around(0.005));
/// (0..=1000).for_each(|n| histogram.record(f64::from(n) * 1e-5));
/// assert!((histogram.quantile(0.5).expect("it has values") / 0.005 - 1.0).abs() < 1e-3);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    range: Range,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram.
    pub fn new(range: Range) -> Self {
        Histogram { range, counts: vec![0; BINS] }
    }

    /// A histogram with the given counts, slot by slot.
    pub(crate) fn of(range: Range, counts: impl Iterator<Item = u64>) -> Self {
        let counts = counts.collect::<Vec<_>>();
        assert_eq!(counts.len(), BINS, "each slot has a count");
        Histogram { range, counts }
    }

    /// Counts a value; NaN as zero.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.counts[slot(self.range.bin(value))] += 1;
    }

    /// Adds to the count of a bin.
    pub(super) fn add_to(&mut self, bin: u64, count: u64) {
        self.counts[slot(bin)] += count;
    }

    /// What is worth keeping of it.
    ///
    /// # Panics
    /// If a bin has 2³² values or more; a replication has fewer jobs.
    pub fn counts(&self) -> Counts {
        let zero = self.range.bin(0.0);
        let count = |bin: u64| self.counts[slot(bin)];
        let bins = zero..zero + BINS as u64;
        let filled = |bin: &u64| count(*bin) > 0;
        let first = bins.clone().find(filled).unwrap_or(zero);
        let end = bins.rev().find(filled).map_or(first, |last| last + 1);
        let narrow = |bin| u32::try_from(count(bin)).expect("a replication has fewer than 2^32 jobs");
        Counts::new(zero, first, (first..end).map(narrow).collect())
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The number of values that are zero but for rounding: those in the first bin.
    pub fn zeros(&self) -> u64 {
        self.counts[slot(self.range.bin(0.0))]
    }

    /// The p-quantile: what a fraction `p` of the values does not exceed; `None` without values.
    ///
    /// Linear within a bin; the first bin counts as zero.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        self.quantiles([p]).map(|[quantile]| quantile)
    }

    /// The quantiles at ascending probabilities, in one pass.
    pub fn quantiles<const N: usize>(&self, probabilities: [f64; N]) -> Option<[f64; N]> {
        let total = self.count();
        let first = self.range.bin(0.0);
        let (mut bin, mut below, mut inside) = (first, 0, self.zeros());
        (total > 0).then(|| {
            probabilities.map(|p| {
                let rank = p.clamp(0.0, 1.0) * total as f64;
                let reached = rank.ceil() as u64;
                while below + inside < reached {
                    below += inside;
                    bin += 1;
                    inside = self.counts[slot(bin)];
                }
                let low = f64::from_bits(bin << REST);
                let width = f64::from_bits((bin + 1) << REST) - low;
                if bin == first { 0.0 } else { low + width * (rank - below as f64) / inside as f64 }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{PROBABILITIES, quantile_of_sorted, sorted};
    use crate::sampling::{Purpose, Stream};

    fn exponentials(seed: u64, typical: f64) -> (Histogram, Vec<f64>) {
        let mut stream = Stream::new(seed, 0, Purpose::Resampling);
        let mut histogram = Histogram::new(Range::around(typical));
        let values = sorted((0..100_000).map(|_| -stream.uniform().ln() * typical).collect());
        values.iter().for_each(|value| histogram.record(*value));
        (histogram, values)
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        for typical in [1e-9, 0.005, 1.0, 1e9] {
            let (histogram, values) = exponentials(1, typical);
            for p in PROBABILITIES.map(|(p, _)| p).into_iter().chain([1e-4, 0.01, 0.25, 0.9999]) {
                let expected = quantile_of_sorted(&values, p).unwrap();
                let error = histogram.quantile(p).unwrap() / expected - 1.0;
                assert!(error.abs() < 1.0 / 128.0, "{p}-quantile of {typical}: off by {error}");
            }
            let highest = histogram.quantile(1.0).unwrap();
            assert!((highest / values.last().unwrap() - 1.0).abs() < 1.0 / 128.0);
        }
    }

    #[test]
    fn within_a_bin_quantiles_are_interpolated() {
        let (histogram, values) = exponentials(2, 1.0);
        let error: f64 = (1..1000)
            .map(|n| f64::from(n) / 1000.0)
            .map(|p| (histogram.quantile(p).unwrap() / quantile_of_sorted(&values, p).unwrap() - 1.0).abs())
            .sum();
        assert!(error / 999.0 < 1e-3, "mean error {}", error / 999.0);
    }

    #[test]
    fn zeros_are_a_bin_of_their_own() {
        let mut histogram = Histogram::new(Range::around(1.0));
        [0.0, -0.0, 1e-30, 2.0, 2.0].into_iter().for_each(|value| histogram.record(value));
        assert_eq!((histogram.zeros(), histogram.count()), (3, 5));
        assert_eq!(histogram.quantile(0.6), Some(0.0));
        assert!(histogram.quantile(0.61).unwrap() >= 2.0);
    }

    #[test]
    fn what_lies_beyond_the_range_is_counted_at_its_ends() {
        let mut histogram = Histogram::new(Range::around(1.0));
        [1e300, f64::INFINITY].into_iter().for_each(|value| histogram.record(value));
        let highest = histogram.quantile(1.0).unwrap();
        assert!(highest <= HALF_RANGE && highest > 0.99 * HALF_RANGE);
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Histogram::new(Range::around(1.0)).quantile(0.5), None);
    }
}
