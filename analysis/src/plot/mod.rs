//! Figures that set predicted against observed, as PNG files and as SVG.
//!
//! All figures are drawn from one [`Evidence`] with the kit in [`sim::plot`]. Every series differs in colour and
//! in line style or weight, for grey print.

mod arms;
mod backlog;
mod capacity;
mod charts;
mod errors;
mod evidence;
mod ladder;
mod pauses;
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
use sim::plot::{DrawingBackend, Figure, PictureError, png, save, svg};

pub use arms::arms;
pub use backlog::backlog;
pub use capacity::capacity;
pub use charts::charts;
pub use evidence::Evidence;
use series::job_count;

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plot {
    /// From the textbook's mean wait to the observed one, share by share.
    Ladder,
    /// Distribution functions of the wait: ideal, predicted, observed.
    WaitCdf,
    /// Observed quantiles of the wait against predicted ones, with the diagonal.
    QuantileQuantile,
    /// Number of jobs waiting over the run, predicted and observed.
    QueueLength,
    /// What the recursion cannot explain of each start, over the run.
    Residuals,
    /// Observed minus predicted wait of every job, over the run.
    Errors,
    /// Control charts of services, residuals and failures.
    ControlCharts,
}

impl Plot {
    /// Every figure, in the order of a report.
    pub const ALL: [Self; 7] = [
        Self::Ladder,
        Self::WaitCdf,
        Self::QuantileQuantile,
        Self::QueueLength,
        Self::Residuals,
        Self::Errors,
        Self::ControlCharts,
    ];

    /// Short name, fit for a file stem: `ladder`, `wait-cdf`, `quantile-quantile`, `queue-length`, `residuals`,
    /// `errors` or `control-charts`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ladder => "ladder",
            Self::WaitCdf => "wait-cdf",
            Self::QuantileQuantile => "quantile-quantile",
            Self::QueueLength => "queue-length",
            Self::Residuals => "residuals",
            Self::Errors => "errors",
            Self::ControlCharts => "control-charts",
        }
    }

    /// Whether it shows what only a steady state has: how long jobs wait of an overloaded run depends on its length.
    pub(crate) fn is_of_steady_state(self) -> bool {
        matches!(self, Self::Ladder | Self::WaitCdf | Self::QuantileQuantile)
    }

    /// The heading inside the picture.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Ladder => "From the textbook to the observation",
            Self::WaitCdf => "How long jobs wait",
            Self::QuantileQuantile => "Quantiles of the wait: observed against predicted",
            Self::QueueLength => "Jobs waiting in the queue",
            Self::Residuals => "Pauses: what a job’s past does not explain",
            Self::Errors => "Error of the prediction, job by job",
            Self::ControlCharts => charts::HEADING,
        }
    }

    /// One sentence that tells a stranger how to read the figure.
    #[must_use]
    pub fn caption(self) -> &'static str {
        match self {
            Self::Ladder => {
                "From top to bottom the formula is made more like the run, one thing at a time; each bar is what that \
                 one change adds to the wait or takes away, and the last bar before the observed wait is what no \
                 model here explains."
            }
            Self::WaitCdf => {
                "Each curve gives the share of jobs that waited no longer than the time below it; where the dashed \
                 curve covers the thick one the prediction holds, the gap to the thin one is what the real system adds \
                 to the textbook’s ideal queue, and the shaded band is how far another run of this length could be off."
            }
            Self::QuantileQuantile => {
                "Each point compares a quantile of the observed waits with the same quantile of the predicted ones: on \
                 the diagonal the two agree, above it jobs waited longer than predicted; the shaded band is how far \
                 another run of this length could be off, and the small grey points show how low the ideal queue \
                 would have guessed."
            }
            Self::QueueLength => {
                "The thick line is the number of jobs that were waiting at each moment of the run, the dashed one what \
                 was predicted, and the shaded area what the calibration leaves possible: where the thick line runs \
                 inside it, the queue grew and drained as predicted. A prediction with jobs of its own has its peaks \
                 elsewhere; then only their height and their length can be compared."
            }
            Self::Residuals => {
                "Each point is one job, placed by how much later it began than its arrival and the jobs before it \
                 allow: above, every pause of the run as a spike, the longest with their numbers in the table of \
                 pauses; below, the same enlarged to what is usual, with its running median."
            }
            Self::Errors => {
                "Each point is one job, placed by how much longer (above zero) or shorter (below zero) it waited than \
                 predicted; the thick line is the running median: errors grow and vanish with the queue, but a lasting \
                 shift away from zero means that the real system was slower or faster than calibrated."
            }
            Self::ControlCharts => charts::CAPTION,
        }
    }

    /// Writes the figure as a PNG file of 1600 × 1000 pixels, to be shown 800 pixels wide.
    ///
    /// # Errors
    /// [`PlotError::Picture`] if the file cannot be written or its name does not end in `.png`; otherwise as
    /// [`Plot::svg`].
    pub fn png(self, evidence: &Evidence<'_>, path: &Path) -> Result<(), PlotError> {
        evidence.check(self)?;
        Ok(png(&Drawn { plot: self, evidence }, path)?)
    }

    /// The figure as an `<svg>` element, ready to stand inside an HTML page; see [`sim::plot::svg`].
    ///
    /// # Errors
    /// [`PlotError::NoJobs`], [`PlotError::NotATime`], [`PlotError::OtherJobs`], [`PlotError::NoOverheads`] or
    /// [`PlotError::NoCharts`] if there is nothing to draw; [`PlotError::Picture`] if the library fails.
    pub fn svg(self, evidence: &Evidence<'_>) -> Result<String, PlotError> {
        evidence.check(self)?;
        Ok(svg(&Drawn { plot: self, evidence })?)
    }

    /// Writes the figure in the format that the file's name asks for, `.png` or `.svg`.
    ///
    /// # Errors
    /// [`PlotError::Picture`] if the file cannot be written or its name has another ending; otherwise as
    /// [`Plot::svg`].
    pub fn save(self, evidence: &Evidence<'_>, path: &Path) -> Result<(), PlotError> {
        evidence.check(self)?;
        Ok(save(&Drawn { plot: self, evidence }, path)?)
    }
}

/// One kind of figure of some evidence.
struct Drawn<'a> {
    plot: Plot,
    evidence: &'a Evidence<'a>,
}

impl Figure for Drawn<'_> {
    fn title(&self) -> String {
        format!("{}: {}, {}", self.plot.heading(), self.evidence.title, self.evidence.setup)
    }

    fn description(&self) -> String {
        self.plot.caption().to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let Drawn { plot, evidence } = self;
        let what = format!("{} · {}", evidence.title, evidence.setup);
        let state = if evidence.is_steady { "" } else { ", no steady state" };
        header(canvas, plot.heading(), &what, &format!("{}{state}", job_count(evidence.seen.len())))?;
        match plot {
            Plot::Ladder => ladder::draw(evidence, canvas),
            Plot::WaitCdf => wait_cdf::draw(evidence, canvas),
            Plot::QuantileQuantile => quantile_quantile::draw(evidence, canvas),
            Plot::QueueLength => queue_length::draw(evidence, canvas),
            Plot::Residuals => residuals::draw(evidence, canvas),
            Plot::Errors => errors::draw(evidence, canvas),
            Plot::ControlCharts => evidence.control.map_or(Ok(()), |control| charts::draw(control, canvas)),
        }
    }
}

/// Why a figure could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error(
        "no {series} jobs are there to draw\n  rule: a figure needs at least one measured job\n  remedy: drive for \
         longer, or with a shorter warm-up"
    )]
    NoJobs {
        /// The series without jobs.
        series: &'static str,
    },
    /// A value is no time that can be drawn.
    #[error(
        "the {series} job {job} has a time of {value} s\n  rule: times are finite and below 1e9 s\n  remedy: look at \
         that row of jobs.csv"
    )]
    NotATime {
        /// The series it is in.
        series: &'static str,
        /// Number of the job.
        job: u64,
        /// The value, s.
        value: f64,
    },
    /// The runs have jobs of their own.
    #[error(
        "prediction and observation have jobs of their own, so there is no error job by job\n  rule: `errors` is for \
         runs of one seed\n  remedy: draw quantile-quantile, or predict with the seed of the observation"
    )]
    OtherJobs,
    /// The run was overloaded, or became another system under way.
    #[error(
        "the run has no steady state, so there is no law of waits to draw\n  rule: `ladder`, `wait-cdf` and \
         `quantile-quantile` are of runs that could go on like that\n  remedy: draw queue-length, or drive fewer jobs a second"
    )]
    NoSteadyState,
    /// The recursion has no overheads to go by.
    #[error(
        "the run does not tell its overheads, so nothing can be said of what they leave unexplained\n  rule: \
         `residuals` needs jobs that found a consumer idle and jobs that queued\n  remedy: drive for longer"
    )]
    NoOverheads,
    /// The run has no control charts.
    #[error(
        "the run is too short for control charts\n  rule: they begin after phase I, of 100 measured jobs at least\n  \
         remedy: drive for longer"
    )]
    NoCharts,
    /// The picture could not be drawn or stored.
    #[error(transparent)]
    Picture(#[from] PictureError),
}
