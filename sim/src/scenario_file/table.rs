//! Reading TOML tables key by key, so that every complaint can name file, line, key and value.
//!
//! Serde's derived readers lose the position inside tagged enums and cannot tell a rule from a type
//! error, which is why the grammar is read by hand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Mistake, ScenarioError};

type Result<T> = std::result::Result<T, ScenarioError>;

/// Name and text of the file, to turn positions into lines and to find what it refers to.
struct Source {
    file: String,
    text: String,
    /// Where each key that was read stands, by its full name.
    places: RefCell<BTreeMap<String, Range<usize>>>,
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
        let source =
            Rc::new(Source { file: file.to_owned(), text: text.to_owned(), places: RefCell::default() });
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

    /// The value as a 32-bit number if it lies between `least` and `most`.
    pub(super) fn between(self, least: u32, most: u32, rule: &str, remedy: &str) -> Result<u32>
    where
        T: Copy + TryInto<u32>,
    {
        let fits = self.value.try_into().ok().filter(|value| (least..=most).contains(value));
        fits.ok_or_else(|| self.mistake(rule, remedy))
    }

    /// A path as written, taken from where the file is.
    pub(super) fn beside_the_file(&self) -> PathBuf
    where
        T: AsRef<Path>,
    {
        Path::new(&self.source.file).parent().unwrap_or(Path::new("")).join(&self.value)
    }

    /// A complaint about this value.
    pub(super) fn mistake(&self, rule: &str, remedy: &str) -> ScenarioError {
        mistake(&self.source, &self.key, &self.span, rule, remedy).into()
    }
}

/// Where the keys of a file stand, for rules that join several of them.
pub(super) struct Places(Rc<Source>);

impl Places {
    /// A complaint about a key that was read.
    pub(super) fn mistake(&self, key: &str, rule: &str, remedy: &str) -> ScenarioError {
        let span = self.0.places.borrow().get(key).cloned().unwrap_or(0..0);
        mistake(&self.0, key, &span, rule, remedy).into()
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
        let value = self.entries.remove(key)?;
        self.source.places.borrow_mut().insert(self.full(key), value.span());
        Some(value)
    }

    /// What remembers where each key of the file stands.
    pub(super) fn places(&self) -> Places {
        Places(Rc::clone(&self.source))
    }

    /// The complaint that a required key is missing.
    pub(super) fn missing(&self, key: &str, remedy: &str) -> ScenarioError {
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

    /// An optional truth value.
    pub(super) fn flag(&mut self, key: &'static str, remedy: &str) -> Result<Option<Entry<bool>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.entry(key, value, DeValue::as_bool, "it must be true or false", remedy).map(Some)
    }

    /// A required list of numbers.
    pub(super) fn required_numbers(&mut self, key: &'static str, remedy: &str) -> Result<Entry<Vec<f64>>> {
        let value = self.take(key).ok_or_else(|| self.missing(key, remedy))?;
        let read = |value: &DeValue<'_>| {
            value.as_array()?.iter().map(|item| as_number(item.get_ref())).collect::<Option<Vec<f64>>>()
        };
        self.entry(key, value, read, "it must be a list of numbers", remedy)
    }

    /// Every key that is left, each with a number.
    pub(super) fn named_numbers(mut self, remedy: &str) -> Result<Vec<(String, Entry<f64>)>> {
        let entries = std::mem::take(&mut self.entries);
        let read = |(name, value): (Spanned<_>, Spanned<DeValue<'t>>)| {
            let name: String = std::borrow::Cow::into_owned(name.into_inner());
            let number = self.entry(&name, value, as_number, "it must be a number", remedy)?;
            Ok((name, number))
        };
        entries.into_iter().map(read).collect()
    }

    /// An optional table, inline or with a header.
    pub(super) fn table(&mut self, key: &'static str, remedy: &str) -> Result<Option<Table<'t>>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.as_table(self.full(key), value, remedy).map(Some)
    }

    fn as_table(&self, path: String, value: Spanned<DeValue<'t>>, remedy: &str) -> Result<Table<'t>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(entries) => {
                Ok(Table { source: Rc::clone(&self.source), path, span, entries, known: Vec::new() })
            }
            _ => Err(mistake(&self.source, &path, &span, "it must be a table", remedy).into()),
        }
    }

    /// A required table.
    pub(super) fn required_table(&mut self, key: &'static str, remedy: &str) -> Result<Table<'t>> {
        self.table(key, remedy)?.ok_or_else(|| self.missing(key, remedy))
    }

    /// The tables of a `[[key]]`, in the order of the file; none if there is no such key.
    pub(super) fn tables(&mut self, key: &'static str, remedy: &str) -> Result<Vec<Table<'t>>> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let (span, path) = (value.span(), self.full(key));
        let DeValue::Array(items) = value.into_inner() else {
            let rule = format!("it must be written as [[{key}]]");
            return Err(mistake(&self.source, &path, &span, &rule, remedy).into());
        };
        let number = |(n, item): (usize, _)| self.as_table(format!("{path}[{}]", n + 1), item, remedy);
        items.into_iter().enumerate().map(number).collect()
    }

    /// A complaint about the table as a whole.
    pub(super) fn complaint(&self, value: &str, rule: &str, remedy: &str) -> ScenarioError {
        let complaint = mistake(&self.source, &self.path, &self.span, rule, remedy);
        Mistake { value: value.to_owned(), ..complaint }.into()
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
