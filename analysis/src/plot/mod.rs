//! Figures that set predicted against observed waits, as PNG files and as inline SVG.
//!
//! All four figures are drawn from the same [`PairedWaits`] with the kit in [`sim::plot`]. Every
//! series differs in colour and in line style or weight, for grey print.

mod quantile_quantile;
mod queue_length;
mod residuals;
mod series;
mod wait_cdf;

#[cfg(test)]
mod tests;

use std::path::Path;

use sim::plot::canvas::Canvas;
use sim::plot::figure::header;
use sim::plot::{DrawingBackend, Figure, PictureError, png, svg};

use series::job_count;

/// The largest time, in seconds, that a figure accepts (about 30 years).
const MAX_SECONDS: f64 = 1e9;

/// The waits of one pair of runs: the same measured jobs in three worlds, in due order.
///
/// # Units
/// All times in seconds. The four columns have one entry per job; entry *i* is the same job in each.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedWaits {
    /// Name of the scenario, for the subtitle.
    pub title: String,
    /// What served the jobs, for example `RabbitMQ 3.10.8, classic, prefetch 1`.
    pub setup: String,
    /// When each job was due, since the start of the run; never decreasing.
    pub due_s: Vec<f64>,
    /// Wait of each job in the ideal recursion, without any overhead.
    pub ideal_wait_s: Vec<f64>,
    /// Wait of each job as predicted with a calibration made before the run.
    pub predicted_wait_s: Vec<f64>,
    /// Wait of each job as it was observed.
    pub observed_wait_s: Vec<f64>,
}

impl PairedWaits {
    /// Refuses columns that cannot be drawn, naming the first thing that is wrong.
    fn check(&self) -> Result<(), PlotError> {
        let columns = [
            ("due_s", &self.due_s),
            ("ideal_wait_s", &self.ideal_wait_s),
            ("predicted_wait_s", &self.predicted_wait_s),
            ("observed_wait_s", &self.observed_wait_s),
        ];
        let jobs = self.due_s.len();
        if let Some((column, values)) = columns.iter().find(|(_, values)| values.len() != jobs) {
            return Err(PlotError::LengthMismatch { column, expected: jobs, found: values.len() });
        }
        if jobs == 0 {
            return Err(PlotError::NoJobs);
        }
        for (column, values) in columns {
            if let Some(row) = values.iter().position(|v| !v.is_finite() || v.abs() > MAX_SECONDS) {
                return Err(PlotError::NotATime { column, row, value: values[row] });
            }
        }
        match self.due_s.windows(2).position(|pair| pair[0] > pair[1]) {
            Some(row) => Err(PlotError::NotInDueOrder { row: row + 1 }),
            None => Ok(()),
        }
    }
}

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plot {
    /// Distribution functions of the wait: ideal, predicted, observed.
    WaitCdf,
    /// Observed quantiles of the wait against predicted ones, with the diagonal.
    QuantileQuantile,
    /// Number of jobs waiting over the run, predicted and observed.
    QueueLength,
    /// Observed minus predicted wait of every job, over the run.
    Residuals,
}

impl Plot {
    /// Every figure, in the order of a report.
    pub const ALL: [Self; 4] = [Self::WaitCdf, Self::QuantileQuantile, Self::QueueLength, Self::Residuals];

    /// Short name, fit for a file stem: `wait-cdf`, `quantile-quantile`, `queue-length`, `residuals`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitCdf => "wait-cdf",
            Self::QuantileQuantile => "quantile-quantile",
            Self::QueueLength => "queue-length",
            Self::Residuals => "residuals",
        }
    }

    /// The heading inside the picture.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::WaitCdf => "How long jobs wait",
            Self::QuantileQuantile => "Quantiles of the wait: observed against predicted",
            Self::QueueLength => "Jobs waiting in the queue",
            Self::Residuals => "Error of the prediction, job by job",
        }
    }

    /// One sentence that tells a stranger how to read the figure.
    #[must_use]
    pub fn caption(self) -> &'static str {
        match self {
            Self::WaitCdf => {
                "Each curve gives the share of jobs that waited no longer than the time below it; where \
                 the dashed curve covers the thick one the prediction holds, and the gap to the thin one \
                 is what the real system adds to the textbook's ideal queue."
            }
            Self::QuantileQuantile => {
                "Each point compares a quantile of the observed waits with the same quantile of the \
                 predicted ones: on the diagonal the two agree, above it jobs waited longer than \
                 predicted, and the small grey points show how low the ideal queue would have guessed."
            }
            Self::QueueLength => {
                "The line is the number of jobs that were waiting at each moment of the run, the shaded \
                 area what was predicted for the very same jobs; where the line follows the edge of the \
                 area the queue grew and drained as predicted."
            }
            Self::Residuals => {
                "Each point is one job, placed by how much longer (above zero) or shorter (below zero) it \
                 waited than predicted; the thick line is the running median: errors grow and vanish with \
                 the queue, but a lasting shift away from zero means that the real system was slower or \
                 faster than calibrated."
            }
        }
    }

    /// Writes the figure as a PNG file of 1600 × 1000 pixels, to be shown 800 pixels wide.
    ///
    /// # Errors
    /// [`PlotError::Picture`] if the file cannot be written or its name does not end in `.png`; otherwise as
    /// [`Plot::svg`].
    pub fn png(self, data: &PairedWaits, path: &Path) -> Result<(), PlotError> {
        data.check()?;
        Ok(png(&Drawn { plot: self, data }, path)?)
    }

    /// The figure as an `<svg>` element, ready to stand inside an HTML page; see [`sim::plot::svg`].
    ///
    /// # Errors
    /// [`PlotError::NoJobs`], [`PlotError::LengthMismatch`], [`PlotError::NotATime`] or
    /// [`PlotError::NotInDueOrder`] if the data cannot be drawn; [`PlotError::Picture`] if the library fails.
    pub fn svg(self, data: &PairedWaits) -> Result<String, PlotError> {
        data.check()?;
        Ok(svg(&Drawn { plot: self, data })?)
    }
}

/// One kind of figure of some data.
struct Drawn<'a> {
    plot: Plot,
    data: &'a PairedWaits,
}

impl Figure for Drawn<'_> {
    fn title(&self) -> String {
        format!("{}: {}, {}", self.plot.heading(), self.data.title, self.data.setup)
    }

    fn description(&self) -> String {
        self.plot.caption().to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let Drawn { plot, data } = self;
        let what = format!("{} · {}", data.title, data.setup);
        header(canvas, plot.heading(), &what, &job_count(data.due_s.len()))?;
        match plot {
            Plot::WaitCdf => wait_cdf::draw(data, canvas),
            Plot::QuantileQuantile => quantile_quantile::draw(data, canvas),
            Plot::QueueLength => queue_length::draw(data, canvas),
            Plot::Residuals => residuals::draw(data, canvas),
        }
    }
}

/// Why a figure could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error(
        "there are no measured jobs to plot; at least one is needed (a longer run, or a shorter warm-up)"
    )]
    NoJobs,
    /// The columns do not describe the same jobs.
    #[error("column {column} has {found} jobs, due_s has {expected}; all columns must hold the same jobs")]
    LengthMismatch {
        /// The column that differs.
        column: &'static str,
        /// Jobs in `due_s`.
        expected: usize,
        /// Jobs in `column`.
        found: usize,
    },
    /// A value is no time that can be drawn.
    #[error(
        "column {column}, row {row}: {value} s cannot be plotted; times must be finite and below 1e9 s, \
         so leave out jobs that were never served"
    )]
    NotATime {
        /// The column of the value.
        column: &'static str,
        /// Its row, counted from 0.
        row: usize,
        /// The value, in seconds.
        value: f64,
    },
    /// A job is due before its predecessor.
    #[error("row {row}: due_s is smaller than in the row before; sort the jobs by due time")]
    NotInDueOrder {
        /// The later of the two rows, counted from 0.
        row: usize,
    },
    /// The picture could not be drawn or stored.
    #[error(transparent)]
    Picture(#[from] PictureError),
}
