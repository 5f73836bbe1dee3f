//! Axes: a range, round ticks and their labels.

/// A range of values with ticks at round numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The value at the left or lower end.
    pub low: f64,
    /// The value at the right or upper end.
    pub high: f64,
    scale: Scale,
}

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    /// Equal differences are equally long; a tick every step.
    Linear { step: f64 },
    /// Equal ratios are equally long.
    Logarithmic,
}

impl Axis {
    /// An axis over exactly `low..high` with about `ticks` ticks; a range without extent is widened.
    pub fn new(low: f64, high: f64, ticks: u32) -> Self {
        let high = if high > low { high } else { low + 1.0_f64.max(low.abs() * 0.01) };
        let raw = (high - low) / f64::from(ticks);
        let power = 10_f64.powf(raw.log10().floor());
        let round = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= raw * 0.999);
        Self { low, high, scale: Scale::Linear { step: round.unwrap_or(10.0) * power } }
    }

    /// An axis from zero, or from the smallest value if that is negative, to a little above the largest.
    pub fn from_zero(values: impl Iterator<Item = f64>, ticks: u32) -> Self {
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        let margin = (high - low) * 0.05;
        Self::new(if low < 0.0 { low - margin } else { 0.0 }, high + margin, ticks)
    }

    /// A logarithmic axis over exactly `low..high`.
    ///
    /// # Panics
    /// Unless 0 < low < high.
    pub fn logarithmic(low: f64, high: f64) -> Self {
        assert!(0.0 < low && low < high, "a logarithmic axis needs 0 < {low} < {high}");
        Self { low, high, scale: Scale::Logarithmic }
    }

    /// Where a value lies, 0 at the low and 1 at the high end.
    pub fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear { .. } => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
            }
        }
    }

    /// The values to mark.
    pub fn ticks(&self) -> Vec<f64> {
        let Scale::Linear { step } = self.scale else {
            return self.powers();
        };
        let first = (self.low / step - 1e-9).ceil();
        let tick = |i: u32| (first + f64::from(i)) * step;
        (0..32).map(tick).take_while(|tick| *tick <= self.high + step * 1e-9).collect()
    }

    /// Powers of ten, and on a short axis twice and five times those between them.
    fn powers(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades < 3.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 8.0).ceil().max(1.0) as usize;
        let exponents = (self.low.log10().floor() as i32..=self.high.log10().ceil() as i32).step_by(every);
        let ticks = exponents.flat_map(|exponent| factors.iter().map(move |f| f * 10_f64.powi(exponent)));
        let on_axis = self.low * (1.0 - 1e-9)..=self.high * (1.0 + 1e-9);
        ticks.filter(|tick| on_axis.contains(tick)).collect()
    }

    /// The label of a tick, with as many decimals as the ticks need.
    pub fn label(&self, tick: f64) -> String {
        match self.scale {
            Scale::Linear { step } => {
                grouped(tick, (-(step * 1.001).log10().floor()).clamp(0.0, 9.0) as usize)
            }
            Scale::Logarithmic => significant(tick, 1),
        }
    }
}

/// The unit in which a figure shows waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeUnit {
    /// Its symbol.
    pub name: &'static str,
    /// How many of it make a second.
    pub per_second: f64,
}

impl TimeUnit {
    /// Milliseconds, or seconds if one of the values is beyond five seconds.
    pub fn fitting(seconds: impl Iterator<Item = f64>) -> Self {
        let longest = seconds.fold(0.0, |longest: f64, s| longest.max(s.abs()));
        if longest > 5.0 {
            Self { name: "s", per_second: 1.0 }
        } else {
            Self { name: "ms", per_second: 1000.0 }
        }
    }

    /// A duration with three significant digits and its unit.
    pub fn label(self, seconds: f64) -> String {
        format!("{} {}", significant(seconds * self.per_second, 3), self.name)
    }
}

/// A number rounded to so many significant digits, of which all before the decimal point are kept.
pub fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    grouped(value, (digits - 1 - magnitude).clamp(0, 6) as usize)
}

/// A number with fixed decimals, commas between thousands and a true minus sign.
pub fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = String::new();
    if value < 0.0 && plain.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        text.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        let axis = Axis::new(low, high, 6);
        axis.ticks().into_iter().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(labels(0.0, 104.0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(-0.31, 0.52), ["−0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(labels(0.0, 12_000.0), ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]);
    }

    #[test]
    fn a_logarithmic_axis_has_round_ticks_at_equal_ratios() {
        let axis = Axis::logarithmic(0.8, 250.0);
        let labels: Vec<_> = axis.ticks().into_iter().map(|tick| axis.label(tick)).collect();
        assert_eq!(labels, ["1", "2", "5", "10", "20", "50", "100", "200"]);
        let [one, ten, hundred] = [1.0, 10.0, 100.0].map(|value| axis.share(value));
        assert!((2.0 * ten - one - hundred).abs() < 1e-12);
        assert!(Axis::logarithmic(1e-9, 1e9).ticks().len() <= 10);
    }

    #[test]
    fn a_range_without_extent_still_has_ticks() {
        for value in [0.0, -3.0, 1e9, 1e-12] {
            assert!(!Axis::new(value, value, 6).ticks().is_empty(), "{value}");
        }
    }

    #[test]
    fn numbers_keep_their_significant_digits() {
        let written: Vec<_> = [18.24, 0.001_234, 1234.5, 0.0, -0.5].map(|v| significant(v, 3)).into();
        assert_eq!(written, ["18.2", "0.00123", "1,234", "0", "−0.500"]);
    }
}
