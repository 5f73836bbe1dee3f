//! Runs cut into cells of time, of which blocks are drawn.

use sim::sampling::{Purpose, Stream};

use super::error::RelativeError;
use super::grid::Grid;
use super::memory::Memory;

/// Cells of a run that has as many jobs.
const CELLS: usize = 480;
/// Resampled runs behind a standard error, which they give to within two per cent of itself.
const RESAMPLES: u32 = 999;

/// What of a run is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// The mean.
    Mean,
    /// The quantile at this probability.
    Quantile(f64),
}

impl Statistic {
    /// The share of jobs on which it depends.
    fn share(self) -> f64 {
        match self {
            Statistic::Mean => 1.0,
            Statistic::Quantile(p) => 1.0 - p,
        }
    }
}

/// A run, or a predicted and an observed one of the same jobs, cut in time order into cells of as many jobs.
///
/// Sums and histograms are kept as sums over all cells before, so that a stretch of cells of any length costs one
/// subtraction, and a whole run put together from stretches some additions.
#[derive(Debug, Clone)]
pub struct Blocks {
    grid: Grid,
    /// The first job of each cell, and the number of jobs.
    ends: Vec<usize>,
    observed: Column,
    predicted: Option<Column>,
}

/// One series: what came before each of the cells, and in the end.
#[derive(Debug, Clone)]
struct Column {
    sums: Vec<f64>,
    /// For each cut of the grid, the number of values up to it.
    counts: Vec<u32>,
}

impl Column {
    fn new(values: &[f64], grid: &Grid, ends: &[usize]) -> Self {
        let (width, cuts) = (ends.len(), grid.cuts_s().len());
        let (mut sums, mut counts) = (vec![0.0; width], vec![0; width * cuts]);
        for (cell, job) in ends.windows(2).enumerate() {
            let values = &values[job[0]..job[1]];
            sums[cell + 1] = sums[cell] + values.iter().sum::<f64>();
            for cut in values.iter().map(|value| grid.cell(*value)).filter(|cut| *cut < cuts) {
                counts[cut * width + cell + 1] += 1;
            }
        }
        for cut in 0..cuts {
            let (lower, row) = counts.split_at_mut(cut * width);
            let mut before = 0;
            for cell in 0..width {
                before += row[cell];
                row[cell] = before + if cut > 0 { lower[(cut - 1) * width + cell] } else { 0 };
            }
        }
        Column { sums, counts }
    }
}

impl Blocks {
    /// A predicted and an observed series of the same jobs; of unequal ones the common length.
    pub fn of_pair(predicted: &[f64], observed: &[f64]) -> Self {
        let jobs = predicted.len().min(observed.len());
        let (predicted, observed) = (&predicted[..jobs], &observed[..jobs]);
        let mut blocks = Blocks::new(Grid::of(&[predicted, observed]), observed);
        blocks.predicted = Some(Column::new(predicted, &blocks.grid, &blocks.ends));
        blocks
    }

    /// One series.
    pub fn of_one(observed: &[f64]) -> Self {
        Blocks::new(Grid::of(&[observed]), observed)
    }

    fn new(grid: Grid, observed: &[f64]) -> Self {
        let cells = observed.len().clamp(1, CELLS);
        let ends: Vec<usize> = (0..=cells).map(|cell| cell * observed.len() / cells).collect();
        Blocks { observed: Column::new(observed, &grid, &ends), grid, ends, predicted: None }
    }

    /// The cut points of the histograms.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.ends.len() - 1
    }

    /// The run as it was.
    pub fn whole(&self) -> Resample<'_> {
        self.stretch(0, self.cells())
    }

    /// The cells from `from` to before `to`.
    pub fn stretch(&self, from: usize, to: usize) -> Resample<'_> {
        Resample { blocks: self, stretches: vec![(from, to)] }
    }

    /// A run of as many cells, put together from blocks of neighbouring cells that begin anywhere.
    ///
    /// A block that reaches the end goes on at the beginning, or else the cells at both ends would be drawn less
    /// often than the others. The last block is cut short.
    ///
    /// # References
    /// Künsch 1989, *Annals of Statistics* 17 (blocks); Politis & Romano 1992, in *Exploring the Limits of
    /// Bootstrap* (the circle).
    pub fn resample(&self, block_cells: usize, stream: &mut Stream) -> Resample<'_> {
        let cells = self.cells();
        let mut stretches = Vec::with_capacity(cells / block_cells.max(1) + 2);
        let mut missing = cells;
        while missing > 0 {
            let (start, length) = ((stream.uniform() * cells as f64) as usize, block_cells.clamp(1, missing));
            let end = start + length;
            stretches.push((start, end.min(cells)));
            if end > cells {
                stretches.push((0, end - cells));
            }
            missing -= length;
        }
        Resample { blocks: self, stretches }
    }

    /// The relative errors of some statistics, observed against predicted.
    ///
    /// ```text
    /// e = (observed − predicted)/max(predicted, scale)
    /// ```
    ///
    /// `scale_s` is a mean service, since shorter waits are a matter of microseconds on an idle consumer; 0 does
    /// without. The same blocks are drawn for both series, so what they have in common cancels. The standard error is
    /// that of 999 resampled runs, corrected for k blocks by √(k/(k − 1)) and for their memory of each other by
    /// √(1/(1 − VIF/block)), to first order; its degrees of freedom and skewness are those of
    /// the memory.
    ///
    /// How often their intervals cover the truth has been measured: for the mean as often as they say, for quantiles
    /// somewhat more often. NaN if there is no predicted series.
    pub fn relative_errors(
        &self,
        statistics: &[Statistic],
        scale_s: f64,
        memory: &Memory,
        seed: u64,
    ) -> Vec<RelativeError> {
        let blocks = memory.blocks.clamp(1, self.cells());
        let block_cells = self.cells() / blocks;
        let mut moments = vec![(0.0, 0.0); statistics.len()];
        let whole = self.whole();
        let values: Vec<f64> =
            statistics.iter().map(|statistic| whole.relative_error(*statistic, scale_s)).collect();
        for replicate in 0..RESAMPLES {
            let mut stream = Stream::new(seed, replicate, Purpose::Resampling);
            let resample = self.resample(block_cells, &mut stream);
            for ((sum, squares), (statistic, value)) in moments.iter_mut().zip(statistics.iter().zip(&values))
            {
                // From the estimate, or rounding could exceed the spread.
                let difference = resample.relative_error(*statistic, scale_s) - value;
                *sum += difference;
                *squares += difference * difference;
            }
        }
        let correction = memory.correction();
        let error = |(statistic, (value, (sum, squares))): (&Statistic, (&f64, &(f64, f64)))| {
            let count = f64::from(RESAMPLES);
            let variance = (squares - sum * sum / count) / (count - 1.0);
            let standard_error = correction * variance.max(0.0).sqrt();
            RelativeError {
                value: *value,
                standard_error,
                freedom: memory.freedom(statistic.share()),
                skewness: memory.skewness(),
            }
        };
        statistics.iter().zip(values.iter().zip(&moments)).map(error).collect()
    }
}

/// A run that was put together from stretches of another.
#[derive(Debug, Clone)]
pub struct Resample<'a> {
    blocks: &'a Blocks,
    stretches: Vec<(usize, usize)>,
}

impl Resample<'_> {
    fn jobs(&self) -> f64 {
        let ends = &self.blocks.ends;
        self.stretches.iter().map(|(from, to)| ends[*to] - ends[*from]).sum::<usize>() as f64
    }

    fn of(&self, column: &Column, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Mean => {
                let sum = |(from, to): &(usize, usize)| column.sums[*to] - column.sums[*from];
                self.stretches.iter().map(sum).sum::<f64>() / self.jobs()
            }
            Statistic::Quantile(p) => {
                let jobs = self.jobs();
                self.blocks.grid.quantile(p, |cut| self.count(column, cut) / jobs)
            }
        }
    }

    fn count(&self, column: &Column, cut: usize) -> f64 {
        let width = self.blocks.ends.len();
        let row = &column.counts[cut * width..(cut + 1) * width];
        let count = |(from, to): &(usize, usize)| u64::from(row[*to] - row[*from]);
        self.stretches.iter().map(count).sum::<u64>() as f64
    }

    /// A statistic of the observed series, s.
    pub fn observed(&self, statistic: Statistic) -> f64 {
        self.of(&self.blocks.observed, statistic)
    }

    /// A statistic of the predicted series, s; NaN if there is none.
    pub fn predicted(&self, statistic: Statistic) -> f64 {
        self.blocks.predicted.as_ref().map_or(f64::NAN, |column| self.of(column, statistic))
    }

    /// The share of observed values up to a cut of the grid.
    pub fn observed_share(&self, cut: usize) -> f64 {
        self.count(&self.blocks.observed, cut) / self.jobs()
    }

    /// The share of predicted values up to a cut of the grid; NaN if there are none.
    pub fn predicted_share(&self, cut: usize) -> f64 {
        self.blocks.predicted.as_ref().map_or(f64::NAN, |column| self.count(column, cut)) / self.jobs()
    }

    /// (observed − predicted)/max(predicted, scale) of a statistic.
    pub fn relative_error(&self, statistic: Statistic, scale_s: f64) -> f64 {
        let predicted = self.predicted(statistic);
        (self.observed(statistic) - predicted) / predicted.max(scale_s)
    }
}

#[cfg(test)]
mod tests {
    use sim::output::{quantile_of_sorted, sorted};

    use super::super::test_bed::{Bed, normal};
    use super::*;

    const STATISTICS: [Statistic; 4] =
        [Statistic::Mean, Statistic::Quantile(0.5), Statistic::Quantile(0.9), Statistic::Quantile(0.99)];

    fn independent(seed: u64, count: usize) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0, Purpose::Resampling);
        (0..count).map(|_| 10.0 + normal(&mut stream)).collect()
    }

    #[test]
    fn the_whole_run_has_its_mean_and_quantiles() {
        let [predicted, observed] = Bed::new(0.8).run(1, 20_000);
        let blocks = Blocks::of_pair(&predicted, &observed);
        let whole = blocks.whole();
        let mean = observed.iter().sum::<f64>() / 20_000.0;
        assert!((whole.observed(Statistic::Mean) / mean - 1.0).abs() < 1e-12);
        let sorted = sorted(predicted);
        for p in [0.5, 0.9, 0.99] {
            let exact = quantile_of_sorted(&sorted, p).unwrap();
            assert!((whole.predicted(Statistic::Quantile(p)) / exact - 1.0).abs() < 2e-3);
        }
    }

    #[test]
    fn a_resampled_run_is_made_of_its_cells() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let blocks = Blocks::of_one(&values);
        let mut stream = Stream::new(1, 0, Purpose::Resampling);
        for block_cells in [1, 7, 60, 480, 1000] {
            let resample = blocks.resample(block_cells, &mut stream);
            let cells = resample.stretches.iter().flat_map(|(from, to)| *from..*to);
            let jobs: Vec<usize> = cells.flat_map(|cell| blocks.ends[cell]..blocks.ends[cell + 1]).collect();
            let mean = jobs.iter().sum::<usize>() as f64 / jobs.len() as f64;
            assert!((resample.observed(Statistic::Mean) - mean).abs() < 1e-9);
            let below = jobs.iter().filter(|job| **job as f64 <= blocks.grid.cuts_s()[300]).count();
            assert_eq!(resample.observed_share(300), below as f64 / jobs.len() as f64);
            assert_eq!(resample.stretches.iter().map(|(from, to)| to - from).sum::<usize>(), 480);
        }
    }

    #[test]
    fn the_standard_error_of_independent_values_matches_theory() {
        // Of two independent series with mean 10 and variance 1: s.e. of the ratio √(2/n)/10; of medians √(π/n)/10.
        let (predicted, observed) = (independent(1, 50_000), independent(2, 50_000));
        let memory = Memory::of_pair(&predicted, &observed);
        assert_eq!((memory.blocks, memory.is_short), (60, false));
        let blocks = Blocks::of_pair(&predicted, &observed);
        let errors = blocks.relative_errors(&STATISTICS[..2], 0.0, &memory, 1);
        for (error, variance) in errors.iter().zip([2.0, std::f64::consts::PI]) {
            // With 60 blocks (and their overlaps) it is known to within some eight per cent.
            let expected = (variance / 50_000.0).sqrt() / 10.0;
            assert!((error.standard_error / expected - 1.0).abs() < 0.24, "{error:?}, not {expected}");
            assert!(error.value.abs() < 4.0 * expected);
        }
    }

    #[test]
    fn the_interval_covers_the_error_of_the_long_run() {
        const RUNS: u32 = 150;
        // From 157 million jobs, to within 0.0001.
        let (bed, truth) = (Bed::new(0.5), 0.0149);
        let mut width = 0.0;
        let covers = |run: &u32| {
            let [predicted, observed] = bed.run(100 + run, 4_800);
            let memory = Memory::of_pair(&predicted, &observed);
            let blocks = Blocks::of_pair(&predicted, &observed);
            let interval =
                blocks.relative_errors(&[Statistic::Mean], 0.0, &memory, u64::from(*run))[0].interval(0.9);
            width += (interval.high - interval.low) / f64::from(RUNS);
            (interval.low..=interval.high).contains(&truth)
        };
        // 90 % of 150, and three standard deviations.
        let covered = (0..RUNS).filter(covers).count();
        assert!((124..=146).contains(&covered), "{covered} of {RUNS}");
        assert!(width < 0.025, "{width}");
    }

    #[test]
    fn a_prediction_that_is_right_everywhere_has_no_error() {
        let [predicted, _] = Bed::new(0.5).run(2, 5_000);
        let memory = Memory::of_pair(&predicted, &predicted);
        for error in Blocks::of_pair(&predicted, &predicted).relative_errors(&STATISTICS, 0.0, &memory, 1) {
            assert_eq!((error.value, error.standard_error), (0.0, 0.0));
        }
    }

    #[test]
    fn a_median_wait_of_nothing_is_judged_on_the_scale_of_a_service() {
        let (predicted, observed) = ([0.0, 0.0, 0.0, 1.0], [0.25, 0.25, 0.25, 1.0]);
        let blocks = Blocks::of_pair(&predicted, &observed);
        assert_eq!(blocks.whole().relative_error(Statistic::Quantile(0.5), 0.5), 0.5);
    }

    #[test]
    fn nothing_has_no_error() {
        let errors =
            Blocks::of_pair(&[], &[]).relative_errors(&STATISTICS, 0.0, &Memory::of_pair(&[], &[]), 1);
        assert!(errors.iter().all(|error| error.value.is_nan() && error.freedom == 0));
    }
}
