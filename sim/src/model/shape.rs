//! The shape of a distribution: everything about it but its mean.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A distribution of positive times with its mean left open.
///
/// All parameters are dimensionless, so changing the shape of a service time never moves the
/// utilization. One type serves interarrival times, service times, patience and outages alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Shape {
    /// Always exactly the mean; c² = 0.
    Deterministic {},
    /// Memoryless; c² = 1.
    Exponential {},
    /// The sum of `stages` equal exponential stages; c² = 1/stages.
    Erlang {
        /// Number of stages, at least 1.
        stages: u32,
    },
    /// A mixture of two exponentials with balanced means (p₁/μ₁ = p₂/μ₂); c² = `scv` ≥ 1.
    Hyperexponential {
        /// Squared coefficient of variation, at least 1.
        scv: f64,
    },
    /// Gamma with shape parameter 1/`scv`; c² = `scv` > 0.
    Gamma {
        /// Squared coefficient of variation, positive.
        scv: f64,
    },
    /// Lognormal; c² = `scv` > 0. The logarithm has variance ln(1 + scv).
    Lognormal {
        /// Squared coefficient of variation, positive.
        scv: f64,
    },
    /// Pareto (type I): P(X > x) = (x_m/x)^α for x ≥ x_m = (α−1)/α means, α = `tail` > 1.
    Pareto {
        /// Tail index α, above 1; the variance is finite above 2.
        tail: f64,
    },
    /// Lomax (Pareto type II): P(X > x) = (1 + x/((α−1) means))^(−α), α = `tail` > 1.
    Lomax {
        /// Tail index α, above 1; the variance is finite above 2.
        tail: f64,
    },
    /// Weibull: P(X > x) = exp(−(x/scale)^k), k = `shape` > 0.
    Weibull {
        /// Shape parameter k, positive; below 1 the tail is heavier than an exponential's.
        shape: f64,
    },
    /// Uniform on mean·(1 ± `half_width`); c² = half_width²/3.
    Uniform {
        /// Half the width as a fraction of the mean, in (0, 1].
        half_width: f64,
    },
    /// Drawn from measured values, which are scaled to the mean.
    #[serde(skip_deserializing)]
    Empirical(Empirical),
}

/// Measured values, one a line in a file; only their ratios matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Empirical {
    /// A name that tells the content, under which a copy is kept with each run.
    pub(crate) file: String,
    /// As in the file.
    #[serde(skip)]
    pub(crate) raw: Arc<[f64]>,
    /// In ascending order, scaled to mean 1.
    #[serde(skip)]
    pub(crate) values: Arc<[f64]>,
}

impl Empirical {
    /// Values in ascending order whose mean is positive and finite.
    pub(crate) fn new(file: String, raw: Vec<f64>) -> Option<Self> {
        let mean = raw.iter().sum::<f64>() / raw.len() as f64;
        let values = raw.iter().map(|value| value / mean).collect();
        (mean > 0.0 && mean.is_finite()).then(|| Empirical { file, raw: raw.into(), values })
    }

    /// The values in ascending order, scaled to mean 1; never empty.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

impl Shape {
    /// Squared coefficient of variation, Var/mean² (dimensionless); infinite for a tail index up to 2.
    #[doc(alias = "c_s²")]
    pub fn scv(&self) -> f64 {
        match self {
            Shape::Deterministic {} => 0.0,
            Shape::Exponential {} => 1.0,
            Shape::Erlang { stages } => 1.0 / f64::from(*stages),
            Shape::Hyperexponential { scv } | Shape::Gamma { scv } | Shape::Lognormal { scv } => *scv,
            Shape::Pareto { tail } | Shape::Lomax { tail } if *tail <= 2.0 => f64::INFINITY,
            Shape::Pareto { tail } => 1.0 / (tail * (tail - 2.0)),
            Shape::Lomax { tail } => tail / (tail - 2.0),
            Shape::Weibull { shape } => {
                (libm::lgamma(1.0 + 2.0 / shape) - 2.0 * libm::lgamma(1.0 + 1.0 / shape)).exp_m1()
            }
            Shape::Uniform { half_width } => half_width * half_width / 3.0,
            Shape::Empirical(Empirical { values, .. }) => {
                values.iter().map(|value| (value - 1.0).powi(2)).sum::<f64>() / values.len() as f64
            }
        }
    }

    /// Kendall's letter for the shape: `D`, `M`, `E3`, `H2`, or `G`.
    pub fn kendall(&self) -> String {
        match self {
            Shape::Deterministic {} => "D".into(),
            Shape::Exponential {} => "M".into(),
            Shape::Erlang { stages } => format!("E{stages}"),
            Shape::Hyperexponential { .. } => "H2".into(),
            _ => "G".into(),
        }
    }

    /// The rule that a parameter breaks, with its name: what makes a shape of file input a valid one.
    pub(crate) fn broken_rule(&self) -> Option<(&'static str, &'static str)> {
        let (kept, name, rule) = match self {
            Shape::Erlang { stages } => {
                ((1..=1000).contains(stages), "stages", "an Erlang shape has 1 to 1000 stages")
            }
            Shape::Hyperexponential { scv } => (
                (1.0..=1e6).contains(scv),
                "scv",
                "two exponentials vary at least as much as one: 1 <= scv <= 1e6",
            ),
            Shape::Gamma { scv } | Shape::Lognormal { scv } => {
                ((1e-6..=1e6).contains(scv), "scv", "it varies, and not without bound: 1e-6 <= scv <= 1e6")
            }
            Shape::Pareto { tail } | Shape::Lomax { tail } => (
                *tail > 1.0 && *tail <= 1e6,
                "tail",
                "the mean must exist: 1 < tail <= 1e6 (the variance exists above 2)",
            ),
            Shape::Weibull { shape } => ((0.1..=100.0).contains(shape), "shape", "0.1 <= shape <= 100"),
            Shape::Uniform { half_width } => (
                *half_width > 0.0 && *half_width <= 1.0,
                "half_width",
                "times are not negative: 0 < half_width <= 1, as a fraction of the mean",
            ),
            Shape::Deterministic {} | Shape::Exponential {} | Shape::Empirical(_) => return None,
        };
        (!kept).then_some((name, rule))
    }
}
