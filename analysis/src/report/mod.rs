//! What a comparison looks like: a table for the terminal, a page for the browser, Markdown for a pull request.

mod arms;
mod capacity;
mod charts;
mod escape;
mod figures;
mod html;
mod markdown;
mod numbers;
mod reasons;
mod run;
mod sheet;
mod table;

use std::path::{Path, PathBuf};
use std::thread;

pub use arms::{arms, paired, plan};
pub use capacity::capacity;
pub use charts::charts;
pub(crate) use numbers::{chance, confidence, percent, percents, rate};
pub use table::table;

use crate::compare::Comparison;
use crate::diagnostics::State;
use crate::pair::Pair;
use crate::plot::{Evidence, Plot, PlotError};

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

/// A picture of the report.
struct Picture {
    plot: Plot,
    svg: String,
}

/// Writes `report.html`, `report.md` and `plots/NAME.png` and `.svg` into a folder, for the command line that asked for
/// it; returns the paths of page, Markdown and plots.
///
/// # Errors
/// [`ReportError`] if a picture cannot be drawn or a file cannot be written.
pub fn write(
    folder: &Path,
    pair: &Pair,
    comparison: &Comparison,
    command: &[String],
) -> Result<Vec<PathBuf>, ReportError> {
    let plots = folder.join("plots");
    std::fs::create_dir_all(&plots).map_err(|source| ReportError::Io { path: plots.clone(), source })?;
    let evidence = Evidence::of(pair, comparison);
    let pictures = drawn(&evidence, &plots)?;
    let files = [
        ("report.html", html::page(pair, comparison, &pictures, command)),
        ("report.md", markdown::markdown(pair, comparison, &pictures, command)),
    ];
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        store(&path, &text)?;
        written.push(path);
    }
    written.push(plots);
    Ok(written)
}

/// Draws every picture that says something, in both formats, two at a time.
fn drawn(evidence: &Evidence<'_>, folder: &Path) -> Result<Vec<Picture>, ReportError> {
    let draw = |plot: Plot| -> Result<Picture, ReportError> {
        let svg = plot.svg(evidence)?;
        let path = |extension: &str| folder.join(format!("{}.{extension}", plot.name()));
        store(&path("svg"), &(svg.clone() + "\n"))?;
        plot.png(evidence, &path("png"))?;
        Ok::<_, ReportError>(Picture { plot, svg })
    };
    let plots = evidence.plots();
    // Those that take longest to prepare are in different halves.
    let (odd, even): (Vec<_>, Vec<_>) = plots.iter().enumerate().partition(|(n, _)| n % 2 == 1);
    let each = |plots: Vec<(usize, &Plot)>| {
        plots.into_iter().map(|(n, plot)| Ok((n, draw(*plot)?))).collect::<Result<Vec<_>, ReportError>>()
    };
    let (odd, even) = thread::scope(|scope| {
        let other = scope.spawn(|| each(odd));
        let even = each(even);
        (other.join().expect("drawing does not panic"), even)
    });
    let mut pictures = odd?;
    pictures.extend(even?);
    pictures.sort_by_key(|(n, _)| *n);
    Ok(pictures.into_iter().map(|(_, picture)| picture).collect())
}

fn store(path: &Path, text: &str) -> Result<(), ReportError> {
    std::fs::write(path, text).map_err(|source| ReportError::Io { path: path.to_owned(), source })
}

/// What a run without a steady state is called.
fn state_name(comparison: &Comparison) -> Option<&'static str> {
    match comparison.state() {
        State::Overloaded { .. } => Some("overloaded"),
        State::Drifting { .. } => Some("drifting"),
        State::Steady => None,
    }
}
