//! A key of the scenario file as complaints write it, such as `class[1].arrivals.rate`.

use std::fmt;

use toml::{Table, Value};

/// The way to one value in a scenario file: names joined by dots, and places in lists from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// From 1, where the name is that of a list.
    place: Option<usize>,
}

/// A rule that was broken, and what to do.
pub(super) type Broken = (String, String);

impl Key {
    /// Reads a key; `None` if it is not written as one.
    pub(super) fn parse(text: &str) -> Option<Key> {
        text.split('.').map(Step::parse).collect::<Option<Vec<Step>>>().map(Key)
    }

    /// Whether one of the keys is the other or leads to it, so that setting one would undo the other.
    pub(super) fn overlaps(&self, other: &Key) -> bool {
        let meets = |(a, b): (&Step, &Step)| {
            a.name == b.name && (a.place == b.place || a.place.is_none() || b.place.is_none())
        };
        self.0.iter().zip(&other.0).all(meets)
    }

    /// Puts a value where the key leads; tables that are not there yet are made.
    pub(super) fn set(&self, root: &mut Table, value: Value) -> Result<(), Broken> {
        let (last, way) = self.0.split_last().expect("a key has at least one step");
        let mut table = root;
        for step in way {
            let found = match step.place {
                None => table.entry(&step.name).or_insert_with(|| Value::Table(Table::new())),
                Some(place) => step.element(table, place)?,
            };
            table = match found {
                Value::Table(inner) => inner,
                Value::Array(list) => return Err(step.which(list.len())),
                _ => return Err((format!("`{step}` holds a value, no keys"), "set that key itself".into())),
            };
        }
        match last.place {
            Some(place) => *last.element(table, place)? = value,
            None => drop(table.insert(last.name.clone(), value)),
        }
        Ok(())
    }
}

impl Step {
    fn parse(text: &str) -> Option<Step> {
        let (name, place) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((name, place)) => (name, Some(place.parse().ok().filter(|place| *place > 0)?)),
            None => (text, None),
        };
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        (!name.is_empty() && name.chars().all(is_bare)).then(|| Step { name: name.to_owned(), place })
    }

    /// The element of a list that the file has.
    fn element<'t>(&self, table: &'t mut Table, place: usize) -> Result<&'t mut Value, Broken> {
        let length = table.get(&self.name).and_then(Value::as_array).map_or(0, Vec::len);
        if place <= length
            && let Some(Value::Array(list)) = table.get_mut(&self.name)
        {
            return Ok(&mut list[place - 1]);
        }
        let name = &self.name;
        if length == 0 {
            let problem = format!("the file has no list `{name}`");
            return Err((problem, format!("write `{name}` without a place, or add the list to the file")));
        }
        let remedy = format!("write {name}[1] to {name}[{length}], or add what is missing to the file");
        Err((format!("the file's `{name}` has {length}"), remedy))
    }

    /// The complaint that a list needs a place.
    fn which(&self, length: usize) -> Broken {
        let name = &self.name;
        (format!("`{name}` is a list of {length}"), format!("say which one: {name}[1] to {name}[{length}]"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{}[{place}]", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            write!(f, "{}{step}", if n == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(file: &str, key: &str, value: i64) -> Result<String, Broken> {
        let mut root: Table = file.parse().unwrap();
        Key::parse(key).unwrap().set(&mut root, Value::Integer(value))?;
        Ok(toml::to_string(&root).unwrap())
    }

    #[test]
    fn a_key_leads_through_tables_and_lists() {
        let file = "[[class]]\nname = \"a\"\n[[class]]\nname = \"b\"\n";
        assert!(set(file, "class[2].priority", 7).unwrap().ends_with("name = \"b\"\npriority = 7\n"));
        assert_eq!(set("a = [1, 2, 3]", "a[2]", 9).unwrap(), "a = [1, 9, 3]\n");
        assert_eq!(set("", "queue.patience.mean", 1).unwrap(), "[queue.patience]\nmean = 1\n");
    }

    #[test]
    fn a_place_that_the_file_does_not_have_is_refused_with_those_it_has() {
        let file = "[[class]]\nname = \"a\"\n[queue]\nservers = 1\n";
        for (key, says) in [
            ("class[2].priority", "write class[1] to class[1]"),
            ("class.priority", "say which one: class[1] to class[1]"),
            ("station[1].queue", "add the list to the file"),
            ("queue.servers.least", "set that key itself"),
        ] {
            let (rule, remedy) = set(file, key, 1).unwrap_err();
            assert!(remedy.contains(says), "{key}: {rule}, {remedy}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        for text in ["", ".", "a.", "a[0]", "a[x]", "a b", "a[1", "\"a\""] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
        assert_eq!(Key::parse("class[1].arrivals.rate").unwrap().to_string(), "class[1].arrivals.rate");
    }

    #[test]
    fn keys_overlap_where_one_leads_to_the_other() {
        let overlap = |a, b| Key::parse(a).unwrap().overlaps(&Key::parse(b).unwrap());
        assert!(overlap("service.shape", "service.shape.scv") && overlap("class", "class[1].priority"));
        assert!(!overlap("class[1].priority", "class[2].priority") && !overlap("run.seed", "run.jobs"));
    }
}
