//! The figures of a cell: what is in the table, and in which order.

use crate::estimate::{Estimates, Figure, Metric, Sample};

/// Figures that the table leaves out: they serve other figures, or are rare.
const LEFT_OUT: [Metric; 4] =
    [Metric::OfferedLoad, Metric::WaitVariance, Metric::SojournVariance, Metric::ProbDeadLetter];

/// All figures, in the order of the table.
pub(super) fn metrics() -> Vec<Metric> {
    Metric::all().filter(|metric| !LEFT_OUT.contains(metric)).collect()
}

/// The full name of a figure of the table that may have been written without its unit `_s`.
pub fn metric_named(name: &str) -> Option<String> {
    let metric = name.parse().ok()?;
    metrics().contains(&metric).then(|| metric.name())
}

/// The figures of a whole and of its parts, each in the order of [`metrics`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    pub(super) whole: Vec<Figure>,
    /// In the order of the scenario; empty with a single class.
    pub(super) classes: Vec<Vec<Figure>>,
    /// In the order of the scenario; empty without a network.
    pub(super) stations: Vec<Vec<Figure>>,
}

/// The figures of what was observed.
pub(super) fn summarize(sample: &Sample) -> Summary {
    let estimates = Estimates::of(sample);
    let parts = |parts: &[Estimates]| parts.iter().map(figures).collect();
    Summary {
        whole: figures(&estimates),
        classes: parts(&estimates.classes),
        stations: parts(&estimates.stations),
    }
}

fn figures(estimates: &Estimates) -> Vec<Figure> {
    // What never happened has no mean.
    let known = |figure: Figure| {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Figure {
            estimate: finite(figure.estimate),
            low: finite(figure.low),
            high: finite(figure.high),
            ..figure
        }
    };
    metrics().into_iter().map(|metric| known(estimates.get(metric))).collect()
}
