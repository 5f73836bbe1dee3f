//! Integrals over (0, π) whose integrand changes fast near an end.

use std::f64::consts::PI;

/// Nodes and weights of the trapezoidal rule in t for θ = π/(1 + e^(-t)).
///
/// The nodes crowd exponentially towards both ends, so that a pole or a peak at a distance ε from an end costs
/// nothing but is seen however small ε is. The error falls as e^(-const/step) for analytic integrands.
pub(super) fn nodes(step: f64) -> impl Iterator<Item = (f64, f64)> {
    let reach = (40.0 / step).ceil() as i32;
    (-reach..=reach).map(move |i| {
        let t = f64::from(i) * step;
        let (below, above) = (1.0 / (1.0 + (-t).exp()), 1.0 / (1.0 + t.exp()));
        (PI * below, PI * below * above * step)
    })
}

/// ∫₀^π f(θ) dθ for an f ≥ 0 that is analytic inside; halves the step until two results agree.
pub(super) fn integral(f: impl Fn(f64) -> f64) -> f64 {
    let at = |step: f64| -> f64 { nodes(step).map(|(theta, weight)| weight * f(theta)).sum() };
    let (mut step, mut coarse) = (0.125, at(0.25));
    loop {
        let fine = at(step);
        if (fine - coarse).abs() <= 1e-13 * fine || step < 1e-3 {
            return fine;
        }
        coarse = fine;
        step *= 0.5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_at_an_end_is_integrated_however_narrow() {
        for width in [1.0, 1e-2, 1e-4] {
            let cauchy = integral(|theta| width / (width * width + theta * theta));
            assert!((cauchy - (PI / width).atan()).abs() < 1e-12, "{width}: {cauchy}");
        }
    }
}
