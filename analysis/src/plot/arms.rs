//! Services of two arms.

use std::path::Path;

use sim::plot::axis::{Axis, TimeUnit, grouped};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, INK, MARGINS, Sample, header, legend_row};
use sim::plot::{DrawingBackend, Figure, PictureError, RGBColor, save};

use super::PlotError;
use super::series::{OBSERVED, PREDICTED, quantile, sorted, time_axis};
use crate::experiment::{Findings, Ratio, quantile_effect};
use crate::report;

/// Probabilities at which differences are drawn: beyond them a quantile is a matter of a few jobs.
const SHOWN: (f64, f64) = (0.02, 0.98);
const POINTS: u32 = 120;
/// The scale of differences is that of shares up to this.
const MOST_SCALED: f64 = 0.85;
/// Times at which each distribution function is evaluated, and the quantile at which they end.
const STEPS: u32 = 400;
const LONGEST: f64 = 0.99;

const A: Stroke = Stroke { color: PREDICTED, width: 5.0, dash: Some((16.0, 10.0)) };
const B: Stroke = Stroke { color: OBSERVED, width: 5.0, dash: None };
const TINT: RGBColor = RGBColor(226, 232, 240);
const DIFFERENCE: Stroke = Stroke { color: INK, width: 4.0, dash: None };
const NOTHING: Stroke = Stroke { color: INK, width: 2.0, dash: Some((4.0, 8.0)) };

const HEADING: &str = "Services of both arms, and how far their quantiles are apart";
const CAPTION: &str = "Above, the share of services that were no longer than a time, of A (dashed) and of B; below, how much longer \
                       (above zero) or shorter (below zero) B's service is at each share, with a band for the whole curve: where \
                       the shaded area leaves the dotted line out anywhere, the arms differ.";

struct Arms<'a> {
    name: &'a str,
    a: Vec<f64>,
    b: Vec<f64>,
    alpha: f64,
    /// What decides, in a few words.
    found: String,
}

/// Writes distribution functions and quantile differences of two arms' services as PNG or SVG, as the file's name asks
/// for.
///
/// # Errors
/// [`PlotError::Picture`] if the file cannot be written or its name has another ending.
pub fn arms(name: &str, services: &[Vec<f64>; 2], findings: &Findings, path: &Path) -> Result<(), PlotError> {
    let [a, b] = services.each_ref().map(|arm| sorted(arm));
    let Ratio { estimate, low, high, .. } = findings.adjusted.ratio;
    let [estimate, low, high] = [estimate, low, high].map(|ratio| ratio - 1.0);
    let found = format!("at equal demand {} ({})", report::percent(estimate), report::percents(low, high));
    Ok(save(&Arms { name, a, b, alpha: findings.alpha, found }, path)?)
}

impl Figure for Arms<'_> {
    fn title(&self) -> String {
        format!("{HEADING}: {}", self.name)
    }

    fn description(&self) -> String {
        CAPTION.to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let jobs = format!(
            "{} and {} served; {}",
            grouped(self.a.len() as f64, 0),
            grouped(self.b.len() as f64, 0),
            self.found
        );
        header(canvas, HEADING, self.name, &jobs)?;
        self.distributions(canvas)?;
        self.differences(canvas)?;
        let band = format!("{} band", report::confidence(self.alpha));
        let area = Sample::Area(TINT, Stroke { color: TINT, ..DIFFERENCE });
        legend_row(
            canvas,
            &[
                (Sample::Line(A), "A".to_owned()),
                (Sample::Line(B), "B".to_owned()),
                (Sample::Line(DIFFERENCE), "B − A".to_owned()),
                (area, band),
            ],
        )
    }
}

impl Arms<'_> {
    fn distributions<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let longest = [&self.a, &self.b].map(|arm| quantile(arm, LONGEST));
        let unit = TimeUnit::fitting(longest.into_iter());
        let x = time_axis(longest.into_iter().map(|time| time * unit.per_second), 8);
        let y = Axis::new(0.0, 100.0, 4);
        let left = Frame::left_of_ticks(canvas, &y)?;
        let frame = Frame { left, right: MARGINS.1 - 10.0, top: 250.0, bottom: 500.0, x, y };
        frame.draw(canvas, &format!("service ({})", unit.name), "services no longer (%)")?;
        for (arm, stroke) in [(&self.b, B), (&self.a, A)] {
            let place = |step: u32| {
                let time = frame.x.low + f64::from(step) / f64::from(STEPS) * (frame.x.high - frame.x.low);
                let covered = arm.partition_point(|service| service * unit.per_second <= time);
                frame.at(time, 100.0 * covered as f64 / arm.len() as f64)
            };
            canvas.line(&(0..=STEPS).map(place).collect::<Vec<_>>(), stroke)?;
        }
        Ok(())
    }

    fn differences<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let effects: Vec<_> = (0..=POINTS)
            .map(|point| SHOWN.0 + f64::from(point) / f64::from(POINTS) * (SHOWN.1 - SHOWN.0))
            .filter_map(|probability| quantile_effect::band(&self.a, &self.b, probability, self.alpha))
            .collect();
        // Far out the band is so wide that nothing else would be seen.
        let inner = || effects.iter().filter(|effect| effect.probability <= MOST_SCALED);
        let ends = || inner().flat_map(|effect| [effect.low_s, effect.high_s]);
        let unit = TimeUnit::fitting(ends().map(f64::abs));
        let (low, high) = ends().fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
        let room = 0.05 * (high - low).max(1e-9);
        let y = Axis::new((low - room) * unit.per_second, (high + room) * unit.per_second, 4);
        let left = Frame::left_of_ticks(canvas, &y)?;
        let x = Axis::new(0.0, 100.0, 10);
        let frame = Frame { left, right: MARGINS.1 - 10.0, top: 640.0, bottom: 884.0, x, y };
        let at = |probability: f64, seconds: f64| {
            frame.at(100.0 * probability, (seconds * unit.per_second).clamp(frame.y.low, frame.y.high))
        };
        let edge = |of: fn(&quantile_effect::QuantileEffect) -> f64| -> Vec<Place> {
            effects.iter().map(|effect| at(effect.probability, of(effect))).collect()
        };
        let mut outline = edge(|effect| effect.high_s);
        outline.extend(edge(|effect| effect.low_s).into_iter().rev());
        if outline.len() > 2 {
            canvas.area(&outline, TINT)?;
        }
        frame.draw(canvas, "share of services (%)", &format!("difference of quantiles ({})", unit.name))?;
        canvas.line(&[at(0.0, 0.0), at(1.0, 0.0)], NOTHING)?;
        canvas.line(&edge(|effect| effect.difference_s), DIFFERENCE)
    }
}
