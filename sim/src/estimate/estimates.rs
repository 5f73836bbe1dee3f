//! Estimates of all metrics with their intervals.

use serde::Serialize;

use super::sample::View;
use super::{Metric, Sample};
use crate::engine::Replication;
use crate::output::{Counts, Estimate, Histogram, Interval};

/// An estimate with its 95 % interval, or how many jobs it would take to have one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Figure {
    /// The estimate; none where it would mean nothing.
    pub estimate: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Measured jobs, of all replications, that an estimate needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_jobs: Option<u64>,
}

impl Figure {
    fn known(Interval { estimate, low, high }: Interval) -> Self {
        Figure { estimate: Some(estimate), low: Some(low), high: Some(high), needed_jobs: None }
    }

    fn unknown(needed_jobs: u64) -> Self {
        Figure { estimate: None, low: None, high: None, needed_jobs: Some(needed_jobs) }
    }

    /// The interval, where there is one.
    pub fn interval(&self) -> Option<Interval> {
        let (estimate, (low, high)) = self.estimate.zip(self.low.zip(self.high))?;
        Some(Interval { estimate, low, high })
    }

    /// Half the width of the interval divided by the estimate; infinite where there is none.
    pub fn relative_half_width(&self) -> f64 {
        let relative = |Interval { estimate, low, high }: Interval| (0.5 * (high - low) / estimate).abs();
        self.interval().map_or(f64::INFINITY, relative)
    }
}

/// The figures of a simulation: of the whole, and by class and station.
///
/// Means are those of the observations. A quantile is that of all jobs together; its interval is where the
/// distribution function of all jobs has the values at the ends of the interval for it at the quantile:
///
/// ```text
/// [F̂⁻¹(p − h), F̂⁻¹(p + h)],   h = t·s/√R,   s² the variance of F_r(F̂⁻¹(p)) over observations r
/// ```
///
/// so that no density is estimated, and short replications do not bias it. A quantile is shown where at least
/// 30 clusters of jobs lie beyond it, N·(1−p)/τ with τ the integrated autocorrelation of the times.
///
/// # References
/// Woodruff 1952, *JASA* 47 (intervals of quantiles from those of fractions); Law 2015, §9.5.
#[derive(Debug, Clone)]
pub struct Estimates {
    figures: Vec<(Metric, Figure)>,
    /// By class, in the order of the scenario; empty with a single class.
    pub classes: Vec<Estimates>,
    /// By station, in the order of the scenario; empty without a network.
    pub stations: Vec<Estimates>,
}

/// Clusters of jobs beyond a quantile that an estimate of it takes.
const CLUSTERS: f64 = 30.0;

impl Estimates {
    /// From what was observed.
    pub fn of(sample: &Sample) -> Self {
        Estimates::of_view(&sample.view())
    }

    fn of_view(sample: &View<'_>) -> Self {
        let first = sample.replications[0];
        let part = |parts: fn(&Replication) -> &[Replication], n: usize| {
            Estimates::of_view(&sample.part(|replication| &parts(replication)[n]))
        };
        Estimates {
            figures: figures(sample),
            classes: (0..first.classes.len()).map(|n| part(|r| &r.classes, n)).collect(),
            stations: (0..first.stations.len()).map(|n| part(|r| &r.stations, n)).collect(),
        }
    }

    /// One of the figures.
    pub fn get(&self, metric: Metric) -> Figure {
        let found = self.figures.iter().find(|(of, _)| *of == metric);
        found.expect("there is a figure for every metric").1
    }
}

fn figures(sample: &View<'_>) -> Vec<(Metric, Figure)> {
    let pools = [Metric::WaitQuantile(0), Metric::SojournQuantile(0)].map(|of| Pool::new(sample, of));
    let figure = |metric: Metric| match metric {
        Metric::WaitQuantile(_) => pools[0].quantile(sample, metric),
        Metric::SojournQuantile(_) => pools[1].quantile(sample, metric),
        mean => Figure::known(Estimate::of(&sample.join(|replication| mean.of(replication))).interval()),
    };
    Metric::all().map(|metric| (metric, figure(metric))).collect()
}

/// The times of all jobs together.
struct Pool {
    times: Histogram,
    inflation: f64,
}

impl Pool {
    fn new(sample: &View<'_>, metric: Metric) -> Self {
        let counts: Vec<&Counts> =
            sample.replications.iter().map(|replication| metric.times(replication).counts).collect();
        let moments = |replication: &Replication| {
            let times = metric.times(replication);
            (times.mean_s, times.variance)
        };
        Pool { times: Histogram::of_all(&counts), inflation: sample.inflation(moments) }
    }

    fn quantile(&self, sample: &View<'_>, metric: Metric) -> Figure {
        let (p, _) = metric.probability().expect("it is a quantile");
        let needed_jobs = CLUSTERS * self.inflation / (1.0 - p);
        let Some(estimate) = self.times.quantile(p).filter(|_| self.times.count() as f64 >= needed_jobs)
        else {
            return Figure::unknown(needed_jobs.ceil() as u64);
        };
        let below = |replication: &Replication| metric.times(replication).counts.fraction_up_to(estimate);
        let half_width = Estimate::of(&sample.join(below)).half_width;
        let end = |p: f64| self.times.quantile(p).expect("it has values");
        Figure::known(Interval { estimate, low: end(p - half_width), high: end(p + half_width) })
    }
}
