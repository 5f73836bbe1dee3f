//! The charts of a mean run length, with what theory says of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::cusum::Cusum;
use super::ewma::Ewma;
use super::run_length::RunLength;
use super::signal::Method;

/// A chart for higher values, and one for lower ones.
const SIDES: f64 = 2.0;

/// EWMA and CUSUM that give one false alarm each in so many points, and the laws of their run lengths.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// The moving averages, of which there are two.
    pub ewma: Ewma,
    /// The sums, of which there are two.
    pub cusum: Cusum,
    /// In control: of one average, and of one sum.
    in_control: [RunLength; 2],
}

impl Design {
    /// The design for a mean run of so many points, worked out once for each.
    pub fn of(points: f64) -> Arc<Self> {
        static KNOWN: Mutex<BTreeMap<u64, Arc<Design>>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let design = known.entry(points.to_bits()).or_insert_with(|| {
            let (ewma, cusum) = (Ewma::with_mean_run(points), Cusum::with_mean_run(points));
            let in_control = [ewma.run_length(0.0), cusum.run_length(0.0)];
            Arc::new(Design { ewma, cusum, in_control })
        });
        Arc::clone(design)
    }

    /// Points from one false alarm to the next, on average.
    pub fn mean_run(&self, method: Method) -> f64 {
        self.in_control[place(method)].mean() / SIDES
    }

    /// Probability of a false alarm within so many points.
    pub fn probability_within(&self, method: Method, points: f64) -> f64 {
        1.0 - (1.0 - self.in_control[place(method)].probability_within(points)).powf(SIDES)
    }

    /// Points within which a shift of two standard deviations is seen with probability `p`, compared with a reference that is
    /// known.
    #[cfg(test)]
    pub fn seen_within(&self, method: Method, p: f64) -> u64 {
        [self.ewma.run_length(super::SHOWN), self.cusum.run_length(super::SHOWN)][place(method)].quantile(p)
    }

    /// The limit in the chart's own unit.
    pub fn limit(&self, method: Method) -> f64 {
        if method == Method::Ewma { self.ewma.end() } else { self.cusum.limit }
    }
}

/// Where a chart's law is.
fn place(method: Method) -> usize {
    usize::from(method != Method::Ewma)
}
