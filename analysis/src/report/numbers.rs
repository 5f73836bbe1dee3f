//! Numbers for people.

use sim::console::milliseconds;
use sim::plot::axis::{grouped, significant};

/// What stands where there is no answer.
pub(super) const NOTHING: &str = "–";

/// From here on a time is shown in seconds.
const LONG: f64 = 10.0;

/// A time, such as `20.1 ms`, or `16.1 s`; a dash for what is no number.
pub(super) fn time(seconds: impl Into<Option<f64>>) -> String {
    let seconds: Option<f64> = seconds.into().filter(|seconds| seconds.is_finite());
    if let Some(seconds) = seconds.filter(|seconds| seconds.abs() >= LONG) {
        return format!("{} s", significant(seconds, 3)).replacen('-', "−", 1);
    }
    match seconds.map(milliseconds) {
        Some(shown) if is_zero(&shown) => "0 ms".to_owned(),
        Some(shown) => shown.replacen('-', "−", 1),
        None => NOTHING.to_owned(),
    }
}

/// A difference of times with its sign, such as `+3.21 ms`.
pub(super) fn share(seconds: impl Into<Option<f64>>) -> String {
    let shown = time(seconds);
    let has_sign = shown.starts_with('−') || shown == NOTHING || is_zero(&shown);
    if has_sign { shown } else { format!("+{shown}") }
}

/// Whether a number is zero as it is shown.
fn is_zero(shown: &str) -> bool {
    !shown.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
}

/// Two ends of an interval of times, the unit once.
pub(super) fn times(low: f64, high: f64) -> String {
    let (low, high) = (time(low), time(high));
    let low = if high.ends_with(" ms") { low.trim_end_matches(" ms") } else { &low };
    format!("{low} – {high}")
}

/// A relative difference with its sign, such as `+3.2 %`.
pub(crate) fn percent(value: impl Into<Option<f64>>) -> String {
    match value.into().filter(|value| value.is_finite()) {
        Some(value) => {
            let value = 100.0 * value;
            let decimals = if value.abs() < 0.995 { 2 } else { 1 };
            let shown = grouped(value, decimals);
            let plus = if value > 0.0 && !is_zero(&shown) { "+" } else { "" };
            format!("{plus}{shown} %")
        }
        None => NOTHING.to_owned(),
    }
}

/// A share without a sign, such as `3.2 %`.
pub(super) fn portion(value: f64) -> String {
    percent(value).trim_start_matches('+').to_owned()
}

/// A confidence, such as `99 %` or `99.5 %`.
pub(crate) fn confidence(alpha: f64) -> String {
    let shown = format!("{:.4}", 100.0 * (1.0 - alpha));
    format!("{} %", shown.trim_end_matches('0').trim_end_matches('.'))
}

/// A probability, such as `3.2 %`; what is hardly possible, or hardly anything else, is not called certain.
pub(crate) fn chance(value: f64) -> String {
    match value {
        value if value < 1e-3 => "< 0.1 %".to_owned(),
        value if value > 0.999 => "> 99.9 %".to_owned(),
        value if value.is_nan() => NOTHING.to_owned(),
        value => format!("{:.1} %", 100.0 * value),
    }
}

/// Two ends of an interval of relative differences, the unit once.
pub(crate) fn percents(low: f64, high: f64) -> String {
    let low = percent(low);
    format!("{} … {}", low.trim_end_matches(" %"), percent(high))
}

/// A margin, such as `±5 %`.
pub(super) fn margin(value: f64) -> String {
    let value = 100.0 * value;
    format!("±{} %", if value.fract().abs() < 1e-9 { grouped(value, 0) } else { significant(value, 2) })
}

/// A probability of chance.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.0005 => "< 0.001".to_owned(),
        Some(p) if p.is_finite() => format!("{p:.3}"),
        _ => NOTHING.to_owned(),
    }
}

/// A count, commas between thousands.
pub(super) fn count(count: u64) -> String {
    grouped(count as f64, 0)
}

/// A number with three significant digits.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { significant(value, 3) } else { NOTHING.to_owned() }
}

/// A rate, jobs/s: with four significant digits, and all before the decimal point.
pub(crate) fn rate(value: f64) -> String {
    match value {
        _ if !value.is_finite() => NOTHING.to_owned(),
        0.0 | 1e-3..1e9 => significant(value, 4),
        _ => format!("{value:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_true_signs_and_their_unit_once() {
        assert_eq!(
            [share(0.003), share(-0.003), share(None), share(f64::NAN)],
            ["+3.00 ms", "−3.00 ms", "–", "–"]
        );
        assert_eq!([time(0.0), share(-1e-9), share(1e-9)], ["0 ms", "0 ms", "0 ms"]);
        assert_eq!([times(0.017, 0.02), times(9.0, 12.5)], ["17.0 – 20.0 ms", "9000.0 ms – 12.5 s"]);
        assert_eq!([rate(1234.56), rate(1e-12), rate(0.0)], ["1,235", "1.000e-12", "0"]);
        assert_eq!(
            [percent(0.0321), percent(-0.5), percent(0.0), percent(-1e-9)],
            ["+3.2 %", "−50.0 %", "0.00 %", "0.00 %"]
        );
        assert_eq!(percents(-0.031, 0.042), "−3.1 … +4.2 %");
        assert_eq!([margin(0.05), margin(0.025)], ["±5 %", "±2.5 %"]);
        assert_eq!([p_value(Some(0.0001)), p_value(Some(0.034)), p_value(None)], ["< 0.001", "0.034", "–"]);
        assert_eq!([count(12_345), portion(0.0123)], ["12,345", "1.2 %"]);
    }
}
