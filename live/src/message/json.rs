//! Checking JSON without building it.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::{Data, Demand, SubmissionError};

/// Any JSON value, read to its end and forgotten.
///
/// Serde's own `IgnoredAny` skips: it takes numbers beyond range, broken surrogates, and any depth. What is passed
/// on here must be readable by whoever reads it next, so every value goes through the full parser.
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Demand::deserialize(deserializer).map(|_| Anything)
    }
}

impl<'de> Deserialize<'de> for Demand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DemandVisitor)
    }
}

struct DemandVisitor;

impl<'de> Visitor<'de> for DemandVisitor {
    type Value = Demand;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Demand, E> {
        Ok(Demand(Some(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Demand, E> {
        Ok(Demand(Some(value as f64)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Demand, E> {
        Ok(Demand(Some(value as f64)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Demand, E> {
        Ok(Demand(None))
    }

    fn visit_unit<E>(self) -> Result<Demand, E> {
        Ok(Demand(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Demand, E> {
        Ok(Demand(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Demand, A::Error> {
        while values.next_element::<Anything>()?.is_some() {}
        Ok(Demand(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Demand, A::Error> {
        while entries.next_entry::<Anything, Anything>()?.is_some() {}
        Ok(Demand(None))
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let mut demand = None;
        while let Some(key) = entries.next_key::<Key>()? {
            if key.is_demand {
                if demand.is_some() {
                    return Err(A::Error::duplicate_field("demand_s"));
                }
                demand = Some(entries.next_value::<Demand>()?);
            } else {
                entries.next_value::<Anything>()?;
            }
        }
        Ok(Data(demand))
    }
}

/// A key of `data`.
struct Key {
    is_demand: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key { is_demand: key == "demand_s" })
    }
}

/// The body as text.
pub(super) fn text(body: &[u8]) -> Result<&str, SubmissionError> {
    std::str::from_utf8(body).map_err(|error| SubmissionError::NotJson(error.to_string()))
}

/// Which rule a body breaks that could not be read as a submission.
#[cold]
pub(super) fn explain(text: &str, error: &serde_json::Error) -> SubmissionError {
    if error.classify() != Category::Data {
        return SubmissionError::NotJson(error.to_string());
    }
    // The wrong form was seen first, but what follows may not be JSON at all.
    match serde_json::from_str::<Anything>(text) {
        Err(error) => SubmissionError::NotJson(error.to_string()),
        Ok(_) => SubmissionError::WrongForm(error.to_string()),
    }
}

/// Where the elements of a JSON array lie in its text; at most `limit + 1` are looked for.
///
/// # Errors
/// `NotJson` if the text breaks off or is malformed, `WrongForm` if it is no array.
pub(crate) fn elements(body: &[u8], limit: usize) -> Result<Vec<Range<usize>>, SubmissionError> {
    let text = text(body)?;
    let broken = |what: &str, at: usize| SubmissionError::NotJson(format!("{what} at byte {at}"));
    let skip = |at: usize| text.len() - text[at..].trim_start_matches([' ', '\t', '\n', '\r']).len();
    let mut at = skip(0);
    if !text[at..].starts_with('[') {
        let whole = serde_json::from_str::<Anything>(text);
        return Err(whole.map_or_else(
            |error| SubmissionError::NotJson(error.to_string()),
            |_| SubmissionError::WrongForm("not an array of submissions".into()),
        ));
    }
    let mut found = Vec::new();
    at = skip(at + 1);
    if text[at..].starts_with(']') {
        return whole(text, skip(at + 1), found);
    }
    loop {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Anything>();
        match values.next() {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                return Err(SubmissionError::NotJson(format!("element {}: {error}", found.len())));
            }
            None => return Err(broken("expected a value", at)),
        }
        found.push(at..at + values.byte_offset());
        if found.len() > limit {
            return Ok(found);
        }
        at = skip(at + values.byte_offset());
        match text.as_bytes().get(at) {
            Some(b',') => at = skip(at + 1),
            Some(b']') => return whole(text, skip(at + 1), found),
            _ => return Err(broken("expected `,` or `]`", at)),
        }
    }
}

/// What was found, if nothing follows it.
fn whole(text: &str, end: usize, found: Vec<Range<usize>>) -> Result<Vec<Range<usize>>, SubmissionError> {
    if end == text.len() {
        return Ok(found);
    }
    Err(SubmissionError::NotJson(format!("trailing characters at byte {end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<Vec<&str>, SubmissionError> {
        elements(text.as_bytes(), 10).map(|found| found.into_iter().map(|range| &text[range]).collect())
    }

    #[test]
    fn an_array_is_cut_into_its_elements() {
        assert_eq!(
            parts(" [ {\"a\": [1, 2]} ,3,\"x,]\", null ] ").unwrap(),
            ["{\"a\": [1, 2]}", "3", "\"x,]\"", "null"]
        );
        assert_eq!(parts("[]").unwrap(), Vec::<&str>::new());
        assert_eq!(elements(b"[1,2,3,4,5", 2).unwrap().len(), 3, "beyond the limit nothing is read");
    }

    #[test]
    fn what_is_no_array_has_no_elements() {
        for text in ["[", "[1", "[1,", "[1,]", "[,]", "[1 2]", "[1]]", "[1] x", "", "{", "[tru]"] {
            assert!(matches!(parts(text), Err(SubmissionError::NotJson(_))), "{text}: {:?}", parts(text));
        }
        assert!(matches!(parts("{}"), Err(SubmissionError::WrongForm(_))));
    }
}
