//! The shape of a distribution: everything about it but its mean.

use serde::Serialize;

/// A distribution of positive times with its mean left open.
///
/// All parameters are dimensionless, so changing the shape of a service time never moves the
/// utilization. One type serves interarrival times and service times alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
    /// Uniform on mean·(1 ± `half_width`); c² = half_width²/3.
    Uniform {
        /// Half the width as a fraction of the mean, in (0, 1].
        half_width: f64,
    },
}

impl Shape {
    /// Squared coefficient of variation, Var/mean² (dimensionless).
    #[doc(alias = "c_s²")]
    pub fn scv(&self) -> f64 {
        match *self {
            Shape::Deterministic {} => 0.0,
            Shape::Exponential {} => 1.0,
            Shape::Erlang { stages } => 1.0 / f64::from(stages),
            Shape::Hyperexponential { scv } => scv,
            Shape::Uniform { half_width } => half_width * half_width / 3.0,
        }
    }

    /// Kendall's letter for the shape: `D`, `M`, `E3`, `H2`, or `G`.
    pub fn kendall(&self) -> String {
        match *self {
            Shape::Deterministic {} => "D".into(),
            Shape::Exponential {} => "M".into(),
            Shape::Erlang { stages } => format!("E{stages}"),
            Shape::Hyperexponential { .. } => "H2".into(),
            Shape::Uniform { .. } => "G".into(),
        }
    }
}
