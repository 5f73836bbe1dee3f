//! Which columns of a table hold which time stamps.

use std::path::Path;

use super::units::Unit;
use super::{Refusal, visible};

/// What a column's time stamps are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The job came.
    Arrival,
    /// Its service began.
    Start,
    /// Its service ended.
    End,
}

impl Role {
    /// All of them, in the order of a job's life.
    pub const ALL: [Role; 3] = [Role::Arrival, Role::Start, Role::End];

    /// The name, which is also that of the flag.
    pub fn name(self) -> &'static str {
        self.usual()[0]
    }

    /// Names of columns that are taken without a flag; case, an ending `_at`, `_time` or `_date` and a unit do not
    /// count.
    pub fn usual(self) -> &'static [&'static str] {
        match self {
            Role::Arrival => &["arrival", "arrived", "created", "enqueued", "submitted", "received", "due"],
            Role::Start => &["start", "started", "begin", "begun", "service_start", "dequeued"],
            Role::End => &["end", "ended", "done", "finished", "completed", "departed", "service_end"],
        }
    }
}

/// Names of columns given by flag, in the order of [`Role::ALL`].
pub type Named = [Option<String>; 3];

/// A column that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it holds.
    pub role: Role,
    /// Its place in a row, from 0.
    pub index: usize,
    /// Its name in the file.
    pub name: String,
    /// The unit that its name ends in.
    pub unit: Option<Unit>,
}

/// The delimiter that a header shows: of comma, semicolon and tab the one that stands there most often.
pub fn delimiter(header: &str) -> u8 {
    let mut is_quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in header.bytes() {
        is_quoted ^= byte == b'"';
        counts
            .iter_mut()
            .filter(|(delimiter, _)| *delimiter == byte && !is_quoted)
            .for_each(|(_, n)| *n += 1);
    }
    // Of equals the first, so that a header without any is one column.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Finds two or three columns, those that are named by flag and otherwise those of usual names.
///
/// # Errors
/// [`Refusal::Whole`] if a named column is not there, two columns have a usual name for one thing, or too few are
/// there to tell how long services took.
pub fn find(path: &Path, header: &[String], named: &Named) -> Result<Vec<Column>, Refusal> {
    let there = format!("the file has the columns {}", visible(&header.join(", ")));
    let mut found = Vec::new();
    for (role, named) in Role::ALL.into_iter().zip(named) {
        let is_it = |name: &String| match named {
            Some(named) => name == named,
            None => role.usual().contains(&plain(name).as_str()),
        };
        let at: Vec<usize> = (0..header.len()).filter(|n| is_it(&header[*n])).collect();
        let flag = format!("--{}", role.name());
        match (at.as_slice(), named) {
            ([index], _) => {
                let name = header[*index].clone();
                found.push(Column { role, index: *index, unit: Unit::of_name(&name), name });
            }
            ([], None) => {}
            ([], Some(named)) => {
                let problem = format!("there is no column `{}`", visible(named));
                return Err(Refusal::whole(
                    path,
                    problem,
                    &there,
                    &format!("give {flag} one of these names"),
                ));
            }
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|n| header[*n].as_str()).collect();
                let problem = format!("{} may all be the {}", visible(&names.join(", ")), role.name());
                let rule = format!("one column is the {}; {there}", role.name());
                return Err(Refusal::whole(path, problem, &rule, &format!("name it with {flag}")));
            }
        }
    }
    let mut places: Vec<usize> = found.iter().map(|column| column.index).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0] == pair[1]) {
        let problem = "one column is named for two things";
        return Err(Refusal::whole(
            path,
            problem,
            &there,
            "give --arrival, --start and --end different names",
        ));
    }
    let roles: Vec<Role> = found.iter().map(|column| column.role).collect();
    if roles == [Role::Arrival, Role::Start] {
        return Err(Refusal::whole(
            path,
            "there are arrivals and starts, and no ends",
            "arrival and start do not tell how long services took: those that are followed at once by a waiting \
             job are the longer ones",
            &format!("name the column of ends with --end; {there}"),
        ));
    }
    if roles.len() < 2 {
        let usual = |role: Role| format!("{} ({})", role.name(), role.usual().join(", "));
        let rule = format!("two or three columns are needed: {}", Role::ALL.map(usual).join("; "));
        return Err(Refusal::whole(
            path,
            format!("{} of the columns are known", roles.len()),
            &rule,
            &format!("name them with --arrival, --start and --end; {there}"),
        ));
    }
    Ok(found)
}

/// A column's name without what does not count: case, spaces, a unit, and `at`, `time` or `date` at the end.
fn plain(name: &str) -> String {
    let mut plain = name.trim().to_lowercase().replace([' ', '-', '.'], "_");
    if Unit::of_name(&plain).is_some() {
        plain.truncate(plain.rfind('_').unwrap_or(plain.len()));
    }
    let ending = ["_at", "_time", "_date"].into_iter().find_map(|ending| plain.strip_suffix(ending));
    ending.map_or_else(|| plain.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(header: &str, named: &Named) -> Result<Vec<Role>, String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let found = find(Path::new("f.csv"), &header, named).map_err(|refusal| refusal.to_string())?;
        Ok(found.into_iter().map(|column| column.role).collect())
    }

    #[test]
    fn usual_names_need_no_flag() {
        let none = [None, None, None];
        for header in ["arrival,start,end", "id,Created At,started_at_ms,finished", "done_s,due_s,start_s"] {
            assert_eq!(roles(header, &none).unwrap(), Role::ALL, "{header}");
        }
        assert_eq!(roles("start,end,x", &none).unwrap(), [Role::Start, Role::End]);
        let named = [Some("a".to_owned()), None, Some("z".to_owned())];
        assert_eq!(roles("a,start,end,z", &named).unwrap(), Role::ALL);
    }

    #[test]
    fn a_column_that_is_missing_or_not_the_only_one_is_refused_with_those_that_are_there() {
        let named = |name: &str| [Some(name.to_owned()), None, None];
        for (header, named, says) in [
            ("when,start,end", named("time"), "there is no column `time`"),
            ("arrival,created,start,end", [None, None, None], "arrival, created may all be the arrival"),
            ("arrival,start,x", [None, None, None], "do not tell how long services took"),
            ("a,b,end", [None, None, None], "1 of the columns are known"),
            ("a,b,end", named("end"), "one column is named for two things"),
        ] {
            let message = roles(header, &named).unwrap_err();
            assert!(message.contains(says) && message.contains("remedy: "), "{message}");
            assert!(message.contains(&format!("the file has the columns {}", header.replace(',', ", "))));
        }
    }

    #[test]
    fn the_delimiter_is_the_one_that_stands_outside_quotes() {
        assert_eq!(delimiter("arrival,start,end"), b',');
        assert_eq!(delimiter("\"a,b,c\";start;end"), b';');
        assert_eq!(delimiter("arrival\tend"), b'\t');
        assert_eq!(delimiter("arrival"), b',');
    }
}
