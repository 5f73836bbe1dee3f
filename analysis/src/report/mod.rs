//! What a comparison looks like: a table for the terminal, a page for the browser.

mod html;
mod table;

use std::path::{Path, PathBuf};

pub use html::page;
pub use table::table;

use crate::compare::Comparison;
use crate::pair::Pair;
use crate::plot::{PairedWaits, Plot, PlotError};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A picture could not be drawn.
    #[error("{0}")]
    Plot(#[from] PlotError),
    /// The system refused.
    #[error("{}: {source}\n  rule: the report's folder must be writable\n  remedy: name another with --out", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes `report.html` and `plots/*.png` into a folder; returns their paths, the page first.
///
/// # Errors
/// [`ReportError`] if a picture cannot be drawn or a file cannot be written.
pub fn write(folder: &Path, pair: &Pair, comparison: &Comparison) -> Result<Vec<PathBuf>, ReportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, source }
    };
    let plots = folder.join("plots");
    std::fs::create_dir_all(&plots).map_err(io(&plots))?;
    let waits = paired_waits(pair);
    let page_path = folder.join("report.html");
    std::fs::write(&page_path, page(pair, comparison, &waits)?).map_err(io(&page_path))?;
    let mut written = vec![page_path];
    for plot in Plot::ALL {
        let path = plots.join(format!("{}.png", plot.name()));
        plot.png(&waits, &path)?;
        written.push(path);
    }
    Ok(written)
}

/// The data behind the pictures.
pub fn paired_waits(pair: &Pair) -> PairedWaits {
    let column = |value: fn(&crate::pair::PairedJob) -> f64| pair.jobs.iter().map(value).collect();
    PairedWaits {
        title: pair.observed.scenario.name().to_owned(),
        setup: pair.set_up(),
        due_s: column(|job| job.due_s),
        ideal_wait_s: column(|job| job.ideal.wait_s),
        predicted_wait_s: column(|job| job.predicted.wait_s),
        observed_wait_s: column(|job| job.observed.wait_s),
    }
}
