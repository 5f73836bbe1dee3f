//! Cut points that stand in for the values themselves.

use sim::output::sorted;

/// Cut points up to the 90 % quantile, and beyond it.
const BODY: usize = 600;
const TAIL: usize = 600;
/// Where the tail begins.
const TAIL_FROM: f64 = 0.9;
/// Values that are sorted at most to place the cut points.
const SORTED: usize = 1_000_000;
/// Entries of the table that finds a cell.
const BUCKETS: usize = 4096;

/// At most some two thousand cut points, in seconds, at quantiles of the values.
///
/// They are uniform in p up to 0.9 and uniform in −ln(1 − p) beyond, so the tail is resolved as far as there are
/// values. Cell j is the interval
///
/// ```text
/// (cut_{j-1}, cut_j],      cut_{-1} = −∞
/// ```
///
/// and what exceeds the last cut is in one more cell. A value that many share, such as the zero wait of jobs that
/// found the consumer idle, has a cell of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    cuts_s: Vec<f64>,
    /// Number of cuts that lie in buckets before this one; one entry more than buckets.
    before: Vec<u32>,
    buckets_per_second: f64,
}

impl Grid {
    /// The grid at the pooled quantiles of the samples; of very large ones every k-th value is looked at.
    pub fn of(samples: &[&[f64]]) -> Self {
        let total: usize = samples.iter().map(|sample| sample.len()).sum();
        let step = total.div_ceil(SORTED).max(1);
        let mut pooled: Vec<f64> =
            samples.iter().flat_map(|sample| sample.iter().step_by(step)).copied().collect();
        let all = || samples.iter().flat_map(|sample| sample.iter().copied());
        pooled.extend([all().reduce(f64::min), all().reduce(f64::max)].into_iter().flatten());
        Grid::at_quantiles(&sorted(pooled))
    }

    fn at_quantiles(values: &[f64]) -> Self {
        let Some(last) = values.len().checked_sub(1) else {
            return Grid::new(Vec::new());
        };
        let body = (0..=BODY).map(|j| TAIL_FROM * j as f64 / BODY as f64);
        let decay = (values.len() as f64 * (1.0 - TAIL_FROM)).ln().max(0.0) / TAIL as f64;
        let tail = (1..=TAIL).map(|j| 1.0 - (1.0 - TAIL_FROM) * (-decay * j as f64).exp());
        let mut cuts_s: Vec<f64> = Vec::with_capacity(BODY + TAIL);
        for p in body.chain(tail).chain([1.0]) {
            let value = values[((p * values.len() as f64) as usize).min(last)];
            match cuts_s.as_slice() {
                [.., before, cut] if *cut == value && *before < value.next_down() => {
                    cuts_s.insert(cuts_s.len() - 1, value.next_down());
                }
                [cut] if *cut == value => cuts_s.insert(0, value.next_down()),
                [.., cut] if *cut == value => {}
                _ => cuts_s.push(value),
            }
        }
        Grid::new(cuts_s)
    }

    fn new(cuts_s: Vec<f64>) -> Self {
        let width_s = cuts_s.last().zip(cuts_s.first()).map_or(0.0, |(last, first)| last - first);
        let buckets_per_second = if width_s > 0.0 { BUCKETS as f64 / width_s } else { 0.0 };
        let mut grid = Grid { cuts_s, before: vec![0; BUCKETS + 1], buckets_per_second };
        for cut in 0..grid.cuts_s.len() {
            let bucket = grid.bucket(grid.cuts_s[cut]);
            grid.before[bucket + 1] += 1;
        }
        for bucket in 0..BUCKETS {
            grid.before[bucket + 1] += grid.before[bucket];
        }
        grid
    }

    /// Grows with the value, which is all that [`Grid::cell`] needs of it.
    #[inline]
    fn bucket(&self, value: f64) -> usize {
        let first = self.cuts_s.first().copied().unwrap_or(0.0);
        (((value - first) * self.buckets_per_second) as usize).min(BUCKETS - 1)
    }

    /// The cut points in ascending order, s.
    pub fn cuts_s(&self) -> &[f64] {
        &self.cuts_s
    }

    /// The cell of a value: the number of cuts below it.
    #[inline]
    pub fn cell(&self, value: f64) -> usize {
        let bucket = self.bucket(value);
        let (from, to) = (self.before[bucket] as usize, self.before[bucket + 1] as usize);
        from + self.cuts_s[from..to].partition_point(|cut| *cut < value)
    }

    /// The share of values up to each cut.
    pub fn distribution(&self, values: &[f64]) -> Vec<f64> {
        let mut counts = vec![0_u32; self.cuts_s.len() + 1];
        for value in values {
            counts[self.cell(*value)] += 1;
        }
        let mut below = 0;
        let share = |count| {
            below += count;
            f64::from(below) / values.len() as f64
        };
        counts[..self.cuts_s.len()].iter().copied().map(share).collect()
    }

    /// Where a distribution function, given at the cuts, reaches p; linear within a cell. NaN without cuts.
    pub fn quantile(&self, p: f64, distribution: impl Fn(usize) -> f64) -> f64 {
        let (mut from, mut to) = (0, self.cuts_s.len());
        // Half a unit in the last place of a share, or 0.9 would miss 9 of 10.
        let p = p * (1.0 - 1e-12);
        while from < to {
            let middle = usize::midpoint(from, to);
            if distribution(middle) < p { from = middle + 1 } else { to = middle }
        }
        match (from, self.cuts_s.get(from)) {
            (0, Some(first)) => *first,
            (_, Some(cut)) => {
                let (below, reached) = (distribution(from - 1), distribution(from));
                let before = self.cuts_s[from - 1];
                before + (cut - before) * ((p - below) / (reached - below)).clamp(0.0, 1.0)
            }
            (_, None) => self.cuts_s.last().copied().unwrap_or(f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests {
    use sim::output::quantile_of_sorted;
    use sim::sampling::{Purpose, Stream};

    use super::*;

    /// Waits of M/M/1 at ρ = 0.5: half of them zero, the others exponential.
    fn waits(count: usize) -> Vec<f64> {
        let mut stream = Stream::new(7, 0, Purpose::Resampling);
        (0..count).map(|_| (-(2.0 * stream.uniform()).ln()).max(0.0)).collect()
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let values = waits(100_000);
        let grid = Grid::of(&[&values]);
        assert!(grid.cuts_s().len() <= 2000);
        let (distribution, values) = (grid.distribution(&values), sorted(values));
        for p in [0.1, 0.5, 0.6, 0.9, 0.99, 0.999, 0.9999] {
            let (mine, exact) =
                (grid.quantile(p, |j| distribution[j]), quantile_of_sorted(&values, p).unwrap());
            assert!((mine - exact).abs() <= 2e-3 * exact.max(0.1), "p = {p}: {mine}, not {exact}");
        }
    }

    #[test]
    fn a_cell_is_the_number_of_cuts_below() {
        for values in [waits(5), waits(100), waits(20_000), vec![3.0; 10], vec![0.0, 1e-9, 1e6]] {
            let grid = Grid::of(&[&values]);
            assert!(grid.cuts_s().is_sorted_by(|a, b| a < b));
            let probes = values
                .iter()
                .step_by(values.len().div_ceil(500))
                .flat_map(|x| [*x, x.next_up(), x.next_down(), x + 1e-3]);
            for probe in probes.chain([-1.0, 0.0, 1e9]) {
                assert_eq!(grid.cell(probe), grid.cuts_s().iter().filter(|cut| **cut < probe).count());
            }
        }
    }

    #[test]
    fn a_value_that_many_share_has_a_cell_of_its_own() {
        let values = waits(10_000);
        let (grid, zeros) = (Grid::of(&[&values]), values.iter().filter(|wait| **wait == 0.0).count());
        let distribution = grid.distribution(&values);
        assert_eq!(grid.cuts_s()[..2], [0.0_f64.next_down(), 0.0]);
        assert_eq!(distribution[..2], [0.0, zeros as f64 / 10_000.0]);
    }

    #[test]
    fn nothing_has_a_grid_without_cuts() {
        let grid = Grid::of(&[]);
        assert_eq!(grid.cell(1.0), 0);
        assert!(grid.quantile(0.5, |_| 0.0).is_nan());
    }
}
