//! Reading TOML tables key by key, so that every complaint can name file, line, key and value.
//!
//! Serde's derived readers lose the position inside tagged enums and cannot tell a rule from a type
//! error, which is why the grammar is read by hand.

use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Mistake, ScenarioError};

type Result<T> = std::result::Result<T, ScenarioError>;

/// Name and text of the file, to turn positions into lines.
struct Source {
    file: String,
    text: String,
}

impl Source {
    fn line(&self, offset: usize) -> usize {
        1 + self.text[..offset.min(self.text.len())].matches('\n').count()
    }
}

/// A parsed file.
pub(super) struct Document;

impl Document {
    /// Parses the text into its root table.
    pub(super) fn parse<'t>(text: &'t str, file: &str) -> Result<Table<'t>> {
        let source = Rc::new(Source { file: file.to_owned(), text: text.to_owned() });
        let root = DeTable::parse(text).map_err(|error| ScenarioError::Syntax {
            file: file.to_owned(),
            line: source.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let span = root.span();
        Ok(Table { source, path: String::new(), span, entries: root.into_inner(), known: Vec::new() })
    }
}

/// One table being read; [`Table::finish`] refuses what nobody asked for.
pub(super) struct Table<'t> {
    source: Rc<Source>,
    path: String,
    span: Range<usize>,
    entries: DeTable<'t>,
    known: Vec<&'static str>,
}

/// A number read from the file, with what a complaint about it needs.
pub(super) struct Entry<T> {
    pub(super) value: T,
    source: Rc<Source>,
    key: String,
    span: Range<usize>,
}

impl<T> Entry<T> {
    /// The value if it keeps the rule, the complaint otherwise.
    pub(super) fn ensure(self, keeps: impl Fn(&T) -> bool, rule: &str, remedy: &str) -> Result<T> {
        if keeps(&self.value) { Ok(self.value) } else { Err(self.mistake(rule, remedy)) }
    }

    /// A complaint about this value.
    pub(super) fn mistake(&self, rule: &str, remedy: &str) -> ScenarioError {
        mistake(&self.source, &self.key, &self.span, rule, remedy).into()
    }
}

fn mistake(source: &Source, key: &str, span: &Range<usize>, rule: &str, remedy: &str) -> Mistake {
    let written = source.text.get(span.clone()).unwrap_or("").trim();
    let value = written.lines().next().unwrap_or("").to_owned();
    Mistake {
        file: source.file.clone(),
        line: source.line(span.start),
        key: key.to_owned(),
        value: if value.is_empty() { "empty".into() } else { value },
        rule: rule.to_owned(),
        remedy: remedy.to_owned(),
    }
}

impl<'t> Table<'t> {
    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// The complaint that a required key is missing.
    fn missing(&self, key: &str, remedy: &str) -> ScenarioError {
        Mistake {
            file: self.source.file.clone(),
            line: self.source.line(self.span.start),
            key: self.full(key),
            value: "missing".into(),
            rule: "this key is required".into(),
            remedy: remedy.to_owned(),
        }
        .into()
    }

    fn entry<T>(
        &self,
        key: &str,
        value: Spanned<DeValue<'t>>,
        read: impl FnOnce(&DeValue<'t>) -> Option<T>,
        rule: &str,
        remedy: &str,
    ) -> Result<Entry<T>> {
        let (span, key) = (value.span(), self.full(key));
        match read(value.get_ref()) {
            Some(value) => Ok(Entry { value, source: Rc::clone(&self.source), key, span }),
            None => Err(mistake(&self.source, &key, &span, rule, remedy).into()),
        }
    }

    /// An optional number; integers count as numbers.
    pub(super) fn number(&mut self, key: &'static str, remedy: &str) -> Result<Option<Entry<f64>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.entry(key, value, as_number, "it must be a number", remedy).map(Some)
    }

    /// A required number.
    pub(super) fn required_number(&mut self, key: &'static str, remedy: &str) -> Result<Entry<f64>> {
        self.number(key, remedy)?.ok_or_else(|| self.missing(key, remedy))
    }

    /// An optional whole number, not negative.
    pub(super) fn count(&mut self, key: &'static str, remedy: &str) -> Result<Option<Entry<u64>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.entry(key, value, as_count, "it must be a whole number from 0 to 9223372036854775807", remedy)
            .map(Some)
    }

    /// A required whole number, not negative.
    pub(super) fn required_count(&mut self, key: &'static str, remedy: &str) -> Result<Entry<u64>> {
        self.count(key, remedy)?.ok_or_else(|| self.missing(key, remedy))
    }

    /// An optional string.
    pub(super) fn string(&mut self, key: &'static str, remedy: &str) -> Result<Option<Entry<String>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let read = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
        self.entry(key, value, read, "it must be a string", remedy).map(Some)
    }

    /// A required string.
    pub(super) fn required_string(&mut self, key: &'static str, remedy: &str) -> Result<Entry<String>> {
        self.string(key, remedy)?.ok_or_else(|| self.missing(key, remedy))
    }

    /// An optional table, inline or with a header.
    pub(super) fn table(&mut self, key: &'static str, remedy: &str) -> Result<Option<Table<'t>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let (span, path) = (value.span(), self.full(key));
        match value.into_inner() {
            DeValue::Table(entries) => {
                let source = Rc::clone(&self.source);
                Ok(Some(Table { source, path, span, entries, known: Vec::new() }))
            }
            _ => Err(mistake(&self.source, &path, &span, "it must be a table", remedy).into()),
        }
    }

    /// A required table.
    pub(super) fn required_table(&mut self, key: &'static str, remedy: &str) -> Result<Table<'t>> {
        self.table(key, remedy)?.ok_or_else(|| self.missing(key, remedy))
    }

    /// Refuses every key that was not asked for.
    pub(super) fn finish(self) -> Result<()> {
        let Some((key, _)) = self.entries.iter().next() else {
            return Ok(());
        };
        let full = self.full(key.get_ref());
        let known = self.known.join(", ");
        let rule = format!("this table knows only: {known}");
        let remedy = match closest(key.get_ref(), &self.known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "remove it; what is not understood is never ignored".to_owned(),
        };
        let complaint = mistake(&self.source, &full, &key.span(), &rule, &remedy);
        Err(Mistake { value: "unknown".into(), ..complaint }.into())
    }
}

fn as_number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(_) => as_integer(value).map(|integer| integer as f64),
        _ => None,
    }
}

fn as_count(value: &DeValue<'_>) -> Option<u64> {
    as_integer(value).and_then(|integer| u64::try_from(integer).ok())
}

fn as_integer(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(integer) = value else {
        return None;
    };
    i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

/// The known key within two edits of the unknown one.
fn closest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let nearest = known.iter().min_by_key(|candidate| edits(unknown, candidate))?;
    (edits(unknown, nearest) <= 2).then_some(nearest)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
