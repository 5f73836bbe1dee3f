//! The values that one key takes: listed, or from a to b in steps.

use toml::{Table, Value};

use super::MOST_CELLS;
use super::key::Broken;

/// One value of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// How tables and messages write it.
    pub(super) label: String,
    pub(super) value: Value,
}

/// Reads values between commas, each a TOML value, a bare word or a range `a:b:step`.
///
/// Commas inside quotes and brackets belong to the value.
pub(super) fn parse(text: &str) -> Result<Vec<Level>, Broken> {
    let mut levels: Vec<Level> = Vec::new();
    for item in items(text)? {
        match range(item) {
            Some(range) => levels.extend(range?),
            None => levels.push(single(item)?),
        }
        if levels.len() > MOST_CELLS {
            return Err(too_many());
        }
    }
    let twice =
        levels.iter().enumerate().find(|(n, level)| levels[..*n].iter().any(|l| l.label == level.label));
    match twice {
        Some((_, level)) => Err((format!("{} is there twice", level.label), "name each value once".into())),
        None => Ok(levels),
    }
}

fn too_many() -> Broken {
    (format!("a sweep has at most {MOST_CELLS} cells"), "take larger steps".into())
}

/// The text between commas that are in no quotes or brackets.
fn items(text: &str) -> Result<Vec<&str>, Broken> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                items.push(text[start..at].trim());
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    items.push(text[start..].trim());
    if quote.is_some() || depth != 0 {
        return Err(("a quote or a bracket is not closed".into(), "close it".into()));
    }
    if items.contains(&"") {
        return Err(("a value is missing".into(), "write KEY=v1,v2,… or KEY=a:b:step".into()));
    }
    Ok(items)
}

/// A bare word counts as a string, so that `queue.overflow=reject` needs no quotes in a shell.
fn single(item: &str) -> Result<Level, Broken> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let parsed = format!("it = {item}").parse::<Table>().ok();
    let value = match parsed.and_then(|mut table| table.remove("it").filter(|_| table.is_empty())) {
        Some(value) => value,
        None if item.chars().all(is_word) => Value::String(item.to_owned()),
        None => {
            let remedy = "write a number, true, false, a word, \"text\", { key = value } or [1, 2]";
            return Err((format!("{item} is no TOML value"), remedy.into()));
        }
    };
    let label = match &value {
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::String(text) => text.clone(),
        _ => item.to_owned(),
    };
    if label.chars().any(char::is_control) {
        return Err(("a value must be one line of text".into(), "leave out control characters".into()));
    }
    Ok(Level { label, value })
}

/// The values of `a:b:step`; `None` if the item is no range.
fn range(item: &str) -> Option<Result<Vec<Level>, Broken>> {
    if item.starts_with(['"', '\'', '{', '[']) || !item.contains(':') {
        return None;
    }
    let ends: Vec<&str> = item.split(':').map(str::trim).collect();
    let numbers: Vec<f64> =
        ends.iter().filter_map(|end| end.parse().ok()).filter(|number: &f64| number.is_finite()).collect();
    let (&[first, last, step], &[from, _, by]) = (&numbers[..], &ends[..]) else {
        let remedy = "write three numbers a:b:step, such as 80:190:10, or put text in quotes";
        return Some(Err((format!("{item} is no range"), remedy.into())));
    };
    let steps = (last - first) / step;
    if step == 0.0 || steps < 0.0 {
        let remedy = "give the step the sign of b - a, and not 0";
        return Some(Err((format!("steps of {by} do not lead from {from} to {last}"), remedy.into())));
    }
    // The end counts where rounding alone would miss it.
    let steps = (steps + 1e-9).floor();
    if steps >= MOST_CELLS as f64 {
        return Some(Err(too_many()));
    }
    Some(Ok((0..=steps as u32).map(|i| on_grid(from, by, i)).collect()))
}

/// The decimal number a + i·step, which is whole where both are.
fn on_grid(from: &str, by: &str, i: u32) -> Level {
    if let (Ok(from), Ok(by)) = (from.parse::<i64>(), by.parse::<i64>())
        && let Some(value) = by.checked_mul(i64::from(i)).and_then(|way| from.checked_add(way))
    {
        return Level { label: value.to_string(), value: Value::Integer(value) };
    }
    let number = |text: &str| text.parse::<f64>().expect("both were read as numbers");
    let sum = number(from) + f64::from(i) * number(by);
    // Rounded to the decimals of a and step, or 0.1 + 2 · 0.1 would be 0.30000000000000004.
    let decimals = decimals(from).max(decimals(by));
    let value: f64 = format!("{sum:.decimals$}").parse().expect("a number as it was just written");
    Level { label: value.to_string(), value: Value::Float(value) }
}

/// Digits behind the point that a number as written needs.
fn decimals(text: &str) -> usize {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    (fraction - exponent.parse::<i64>().unwrap_or(0)).clamp(0, 400) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        parse(text).unwrap().into_iter().map(|level| level.label).collect()
    }

    #[test]
    fn a_range_includes_its_end_and_has_no_rounding_noise() {
        assert_eq!(labels("0.1:0.5:0.1"), ["0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels("80:190:40"), ["80", "120", "160"]);
        assert_eq!(labels("1e-3:3e-3:1e-3"), ["0.001", "0.002", "0.003"]);
        assert_eq!(labels("5:1:-2"), ["5", "3", "1"]);
        assert_eq!(labels("0:1:0.25"), ["0", "0.25", "0.5", "0.75", "1"]);
        let all = parse("0.01:99.99:0.01").unwrap();
        assert!(all.len() == 9_999 && all.iter().all(|level| level.label.len() <= 5));
    }

    #[test]
    fn whole_numbers_stay_whole() {
        let values = |text| parse(text).unwrap().into_iter().map(|level| level.value).collect::<Vec<_>>();
        assert_eq!(values("1:3:2"), [Value::Integer(1), Value::Integer(3)]);
        assert_eq!(values("1,2.0"), [Value::Integer(1), Value::Float(2.0)]);
        assert_eq!(values("1.0:2:1"), [Value::Float(1.0), Value::Float(2.0)]);
    }

    #[test]
    fn lists_hold_numbers_words_text_tables_and_ranges() {
        assert_eq!(labels("20,80:100:10"), ["20", "80", "90", "100"]);
        assert_eq!(labels("reject, \"drop_head\",true"), ["reject", "drop_head", "true"]);
        let shapes = "{kind=\"erlang\",stages=3},{kind=\"exponential\"}";
        assert_eq!(labels(shapes), ["{kind=\"erlang\",stages=3}", "{kind=\"exponential\"}"]);
        assert_eq!(labels("[1,2],[3,4]"), ["[1,2]", "[3,4]"]);
        assert_eq!(labels("\"a,\\\"b\",'c:d'"), ["a,\"b", "c:d"]);
    }

    #[test]
    fn what_is_no_list_of_values_is_refused_with_a_remedy() {
        for text in [
            "",
            "1,",
            "1,,2",
            "1:2",
            "1:2:0",
            "1:2:-1",
            "a:b:c",
            "1:2:3:4",
            "{a=1",
            "\"a",
            "1,1.0,2,1",
            "a b",
            "0:1:1e-9",
            "1\nit2 = 3",
            "1:inf:1",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
