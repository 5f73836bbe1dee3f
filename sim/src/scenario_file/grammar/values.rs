//! Files of numbers that a scenario refers to: arrival traces and measured times.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{MOST_ROWS, Result};
use crate::model::{Empirical, Trace};
use crate::scenario_file::table::{Entry, Table};
use crate::scenario_file::{Mistake, hex};

pub(super) fn trace(table: &mut Table<'_>) -> Result<Trace> {
    let remedy = "name a file with one arrival instant a line, in seconds, never decreasing";
    let entry = table.required_string("file", remedy)?;
    let instants = numbers(&entry, remedy, |instant, before| match before {
        Some(before) if instant < before => Some("time must not go back"),
        _ => None,
    })?;
    let (first, last) = (instants[0], instants[instants.len() - 1]);
    if instants.len() < 2 || last <= first {
        return Err(entry.mistake("a trace needs two arrivals at different instants", remedy));
    }
    let instants_s: Arc<[f64]> = instants.iter().map(|instant| instant - first).collect();
    Ok(Trace { file: name("trace", &instants_s), instants_s })
}

pub(super) fn empirical(table: &mut Table<'_>) -> Result<Empirical> {
    let remedy = "name a file with one time a line, not negative, not all zero";
    let entry = table.required_string("file", remedy)?;
    let mut raw = numbers(&entry, remedy, |time, _| (time < 0.0).then_some("a time must not be negative"))?;
    raw.sort_unstable_by(f64::total_cmp);
    let empirical = Empirical::new(name("times", &raw), raw);
    empirical.ok_or_else(|| entry.mistake("the mean of the times must be positive", remedy))
}

/// The numbers of a file, one a line; empty lines and those that begin with `#` do not count.
fn numbers(
    entry: &Entry<String>,
    remedy: &str,
    broken: impl Fn(f64, Option<f64>) -> Option<&'static str>,
) -> Result<Vec<f64>> {
    let path = entry.beside_the_file();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| entry.mistake(&format!("the file must be readable: {error}"), remedy))?;
    let mut numbers: Vec<f64> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let rule = match number {
            Some(number) => broken(number, numbers.last().copied()),
            None => Some("each line is one finite number"),
        };
        if let Some(rule) = rule {
            let (file, key, value) = (path.display().to_string(), "value".to_owned(), text.to_owned());
            let (rule, remedy) = (rule.to_owned(), remedy.to_owned());
            return Err(Mistake { file, line: line + 1, key, value, rule, remedy }.into());
        }
        numbers.extend(number);
    }
    if numbers.is_empty() || numbers.len() as u64 > MOST_ROWS {
        return Err(entry.mistake("the file must hold 1 to 20000000 numbers", remedy));
    }
    Ok(numbers)
}

/// A name that tells the content, so that two scenarios are the same exactly if their files are.
fn name(kind: &str, numbers: &[f64]) -> String {
    format!("{kind}-{}.txt", &hex(&Sha256::digest(content(numbers)))[..16])
}

/// One number a line, each as short as reads back to the same value.
pub(in crate::scenario_file) fn content(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number}\n")).collect()
}
