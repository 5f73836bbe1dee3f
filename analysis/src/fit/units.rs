//! Time stamps as whole nanoseconds, so that neither the unit nor a long epoch costs digits.

use clap::ValueEnum;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What a number in a column of time stamps counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// Dates and times such as 2026-01-01T12:00:00.5Z.
    Rfc3339,
}

impl Unit {
    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Unit::S => "s",
            Unit::Ms => "ms",
            Unit::Us => "us",
            Unit::Ns => "ns",
            Unit::Rfc3339 => "rfc3339",
        }
    }

    /// The unit that a column's name ends in, such as `arrival_ms`.
    pub fn of_name(column: &str) -> Option<Unit> {
        let (_, ending) = column.rsplit_once(['_', ' ', '.', '-'])?;
        [Unit::S, Unit::Ms, Unit::Us, Unit::Ns].into_iter().find(|unit| unit.name() == ending.to_lowercase())
    }

    /// The unit that a column's first value shows: a date, an epoch that is of this age in one unit only, or else
    /// seconds. `None` where a large number is of no likely age.
    pub fn of_value(text: &str) -> Option<Unit> {
        if text.get(4..5) == Some("-") && text.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
            return Some(Unit::Rfc3339);
        }
        // Between the years 2001 and 2128, each unit has its own three decades of size.
        match text.parse::<f64>().ok()?.abs() {
            count if count < 5e9 => Some(Unit::S),
            count if (1e12..5e12).contains(&count) => Some(Unit::Ms),
            count if (1e15..5e15).contains(&count) => Some(Unit::Us),
            count if (1e18..5e18).contains(&count) => Some(Unit::Ns),
            _ => None,
        }
    }

    /// The nanoseconds that a text says, rounded to whole ones.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn nanoseconds(self, text: &str) -> Result<i128, &'static str> {
        let power = match self {
            Unit::S => 9,
            Unit::Ms => 6,
            Unit::Us => 3,
            Unit::Ns => 0,
            Unit::Rfc3339 => {
                let text = text.replacen(' ', "T", 1);
                let instant = OffsetDateTime::parse(&text, &Rfc3339);
                return instant
                    .map(OffsetDateTime::unix_timestamp_nanos)
                    .map_err(|_| "a date is RFC 3339 with its offset, such as 2026-01-01T12:00:00.5Z");
            }
        };
        decimal(text, power).ok_or("a time stamp is a finite decimal number of less than 1e22 ns")
    }
}

/// The number text·10^power to the nearest whole one, exactly; a half away from zero.
fn decimal(text: &str, power: i32) -> Option<i128> {
    const MOST: u128 = 10_u128.pow(22);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() < 100)?),
        None => (text, 0),
    };
    let (is_negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    // The decimal point moves; what stands behind it then only rounds.
    let point = i32::try_from(whole.len()).ok()? + exponent + power;
    let (mut value, mut rounds_up) = (0_u128, false);
    for (n, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let (n, digit) = (i32::try_from(n).ok()?, u128::from(digit - b'0'));
        if n < point {
            value = value * 10 + digit;
        } else if n == point {
            rounds_up = digit >= 5;
        }
        if value > MOST {
            return None;
        }
    }
    let missing = point - i32::try_from(whole.len() + fraction.len()).ok()?;
    if value > 0 && missing > 0 {
        value = value.checked_mul(10_u128.checked_pow(missing as u32)?)?;
    }
    let value = i128::try_from(value.saturating_add(u128::from(rounds_up))).ok()?;
    (value.unsigned_abs() < MOST).then_some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_instant_in_every_unit() {
        for (unit, text) in [
            (Unit::S, "1700000000.123456789"),
            (Unit::S, "1.700000000123456789e9"),
            (Unit::Ms, "+1700000000123.456789"),
            (Unit::Us, "1700000000123456.7890"),
            (Unit::Ns, "1700000000123456789"),
            (Unit::Ns, "1700000000123456788.5"),
            (Unit::Rfc3339, "2023-11-14T22:13:20.123456789Z"),
            (Unit::Rfc3339, "2023-11-14 23:13:20.123456789+01:00"),
        ] {
            assert_eq!(unit.nanoseconds(text), Ok(1_700_000_000_123_456_789), "{text}");
        }
        assert_eq!(Unit::S.nanoseconds("-0.5"), Ok(-500_000_000));
        assert_eq!(Unit::S.nanoseconds("1e-10"), Ok(0));
        assert_eq!(Unit::S.nanoseconds("6e-10"), Ok(1));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in
            ["", ".", "nan", "inf", "1,5", "0x1", "1e99", "1e", "--1", "99999999999999999999999", "12 ms"]
        {
            assert!(Unit::S.nanoseconds(text).is_err(), "{text}");
        }
        assert!(
            Unit::Rfc3339.nanoseconds("2026-01-01T12:00:00").is_err(),
            "without an offset it is no instant"
        );
    }

    #[test]
    fn a_unit_is_read_off_a_name_or_an_epoch() {
        assert_eq!(Unit::of_name("arrival_ms"), Some(Unit::Ms));
        assert_eq!(Unit::of_name("Arrival NS"), Some(Unit::Ns));
        assert_eq!(Unit::of_name("arrivals"), None);
        for (text, unit) in [
            ("12.5", Some(Unit::S)),
            ("1700000000.5", Some(Unit::S)),
            ("1700000000000", Some(Unit::Ms)),
            ("1700000000000000", Some(Unit::Us)),
            ("1700000000000000000", Some(Unit::Ns)),
            ("2026-01-01T12:00:00Z", Some(Unit::Rfc3339)),
            ("88000000000", None),
            ("x", None),
        ] {
            assert_eq!(Unit::of_value(text), unit, "{text}");
        }
    }
}
