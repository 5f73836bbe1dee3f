//! One machine's share of numbered work.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Part k of n: the numbers that leave the remainder k when divided by n.
///
/// The shards 0/n … (n−1)/n own every number exactly once, and neighbouring numbers, which often cost
/// about the same, go to different shards.
///
/// ```text
/// number ≡ k (mod n),      0 ≤ k < n
/// ```
///
/// # Examples
/// ```
/// use std::path::Path;
/// use sim::shard::Shard;
///
/// let shard: Shard = "1/4".parse()?;
/// assert!(shard.owns(5) && !shard.owns(6));
/// assert_eq!(shard.file(Path::new("results.csv")), Path::new("results.1-of-4.csv"));
/// assert!(Shard::WHOLE.owns(6));
/// # Ok::<(), sim::shard::ShardError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why something is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The text does not have the form k/n.
    #[error(
        "`{text}` is not a shard\n  rule: a shard is k/n with whole numbers k and n below 2^32\n  \
         remedy: write 0/4 for the first of four parts"
    )]
    Form {
        /// The text.
        text: String,
    },
    /// The work is cut into no parts.
    #[error("{place}: 0 parts\n  rule: work has at least one part\n  remedy: the whole is part 0 of 1")]
    NoParts {
        /// Where the number is from.
        place: String,
    },
    /// There is no part with this number.
    #[error(
        "{place}: there is no part {index} of {count}\n  \
         rule: parts count from 0, so the last one is {last}\n  \
         remedy: give a part from 0 to {last}, or cut the work into more", last = count - 1
    )]
    NoSuchPart {
        /// Where the numbers are from.
        place: String,
        /// The part, from 0.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// A variable that goes with another is not set.
    #[error(
        "{missing} is not set, but {present} is\n  rule: both together say which part this is\n  \
         remedy: {remedy}"
    )]
    Missing {
        /// The variable that is set.
        present: &'static str,
        /// The one that is not.
        missing: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A variable is not a whole number.
    #[error(
        "{variable} is `{value}`\n  rule: it is a whole number below 2^32\n  \
         remedy: leave it to the scheduler (JOB_COMPLETIONS: to the manifest), or give the part \
         with --shard k/n"
    )]
    NotANumber {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The tasks of a Slurm array are not evenly spaced, or this one is not among them.
    #[error(
        "SLURM_ARRAY_TASK_ID is {task}, with {array}\n  rule: the tasks of the array are \
         MIN, MIN + STEP, …, COUNT of them\n  \
         remedy: submit with --array=0-{last}, or give the part with --shard k/n",
        last = count.saturating_sub(1)
    )]
    Uneven {
        /// This task.
        task: u32,
        /// The variables that describe the array.
        array: String,
        /// Number of tasks.
        count: u32,
    },
    /// The environment is that of a Slurm array and of an indexed job at once.
    #[error(
        "{SLURM_TASK} and {KUBERNETES_INDEX} are both set\n  rule: one scheduler says which part this is\n  \
         remedy: give the part with --shard k/n, or unset one of them"
    )]
    TwoSchedulers,
}

const SLURM_TASK: &str = "SLURM_ARRAY_TASK_ID";
const KUBERNETES_INDEX: &str = "JOB_COMPLETION_INDEX";

impl Shard {
    /// All of the work.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Part `index`, from 0, of `count`; `place` says in a complaint where the numbers are from.
    fn new(index: u32, count: u32, place: impl Fn() -> String) -> Result<Self, ShardError> {
        if count == 0 {
            return Err(ShardError::NoParts { place: place() });
        }
        if index >= count {
            return Err(ShardError::NoSuchPart { place: place(), index, count });
        }
        Ok(Shard { index, count })
    }

    /// The number of this part, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether this part has the piece of work with this number.
    pub fn owns(self, number: u64) -> bool {
        number % u64::from(self.count) == u64::from(self.index)
    }

    /// Where this part of a file is written: `results.csv` has the part `results.0-of-4.csv` beside it.
    ///
    /// The whole is written to the file itself.
    pub fn file(self, whole: &Path) -> PathBuf {
        if self == Shard::WHOLE {
            return whole.to_owned();
        }
        let mut extension = std::ffi::OsString::from(format!("{}-of-{}", self.index, self.count));
        if let Some(own) = whole.extension() {
            extension.push(".");
            extension.push(own);
        }
        whole.with_extension(extension)
    }

    /// The part that a scheduler gave to this process, and the variable that says so.
    ///
    /// A task of a Slurm array is told by `SLURM_ARRAY_TASK_ID`, `…_COUNT`, `…_MIN` and `…_STEP`, so that
    /// arrays may start anywhere and leave even gaps; if `…_MAX` is there, it is held against them. A pod
    /// of a Kubernetes indexed job is told by `JOB_COMPLETION_INDEX` and by `JOB_COMPLETIONS`, which its
    /// manifest has to set. `get` looks a variable up.
    ///
    /// ```text
    /// index = (TASK_ID - TASK_MIN) / TASK_STEP
    /// ```
    ///
    /// # Errors
    /// [`ShardError`] if the variables are there but incomplete, not numbers, or do not fit together.
    pub fn from_environment(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Shard, &'static str)>, ShardError> {
        match (get(SLURM_TASK).is_some(), get(KUBERNETES_INDEX).is_some()) {
            (false, false) => Ok(None),
            (true, false) => Ok(Some((slurm(&get)?, SLURM_TASK))),
            (false, true) => Ok(Some((kubernetes(&get)?, KUBERNETES_INDEX))),
            (true, true) => Err(ShardError::TwoSchedulers),
        }
    }
}

/// The task of a Slurm array.
fn slurm(get: &impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
    let number = |variable| {
        variable_in(get, variable)?.ok_or(ShardError::Missing {
            present: SLURM_TASK,
            missing: variable,
            remedy: "submit with sbatch --array=0-3, or give the part with --shard k/n",
        })
    };
    let task = number(SLURM_TASK)?;
    let count = number("SLURM_ARRAY_TASK_COUNT")?;
    let min = number("SLURM_ARRAY_TASK_MIN")?;
    let step = number("SLURM_ARRAY_TASK_STEP")?;
    let max = variable_in(get, "SLURM_ARRAY_TASK_MAX")?;

    // The place of a task among MIN, MIN + STEP, …, if it is one of them.
    let place_of = |task: u32| {
        let offset = task.checked_sub(min)?;
        (offset.checked_rem(step)? == 0).then(|| offset / step).filter(|place| *place < count)
    };
    let fits = max.is_none_or(|max| place_of(max).is_some_and(|place| place + 1 == count));
    match place_of(task).filter(|_| fits) {
        Some(index) => Ok(Shard { index, count }),
        None => {
            let max = max.map_or(String::new(), |max| format!(", MAX {max}"));
            let array = format!("MIN {min}, STEP {step}, COUNT {count}{max}");
            Err(ShardError::Uneven { task, array, count })
        }
    }
}

/// The pod of a Kubernetes indexed job.
fn kubernetes(get: &impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
    const COMPLETIONS: &str = "JOB_COMPLETIONS";
    let number = |variable| {
        variable_in(get, variable)?.ok_or(ShardError::Missing {
            present: KUBERNETES_INDEX,
            missing: variable,
            remedy: "set JOB_COMPLETIONS in the manifest's env to the value of spec.completions, \
                     as in deploy/kubernetes/sweep-job.yaml, or give the part with --shard k/n",
        })
    };
    let (index, count) = (number(KUBERNETES_INDEX)?, number(COMPLETIONS)?);
    Shard::new(index, count, || format!("{KUBERNETES_INDEX} is {index} and {COMPLETIONS} is {count}"))
}

/// A variable that must be a number if it is set.
fn variable_in(
    get: &impl Fn(&str) -> Option<String>,
    variable: &'static str,
) -> Result<Option<u32>, ShardError> {
    match get(variable) {
        None => Ok(None),
        Some(value) => match whole_number(&value) {
            Some(number) => Ok(Some(number)),
            None => Err(ShardError::NotANumber { variable, value: value.escape_debug().to_string() }),
        },
    }
}

/// Digits and nothing else: `parse` alone would let a plus sign through.
fn whole_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parts = text.split_once('/').and_then(|(k, n)| Some((whole_number(k)?, whole_number(n)?)));
        let (index, count) =
            parts.ok_or_else(|| ShardError::Form { text: text.escape_debug().to_string() })?;
        Shard::new(index, count, || format!("shard {text}"))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A task of a Slurm array as the controller describes it.
    fn array(task: &str, count: &str, min: &str, step: &str) -> Result<Shard, ShardError> {
        let all = [(SLURM_TASK, task), ("SLURM_ARRAY_TASK_COUNT", count)];
        let all = [all, [("SLURM_ARRAY_TASK_MIN", min), ("SLURM_ARRAY_TASK_STEP", step)]].concat();
        environment(&all).map(|found| found.expect("an array").0)
    }

    fn environment(set: &[(&str, &str)]) -> Result<Option<(Shard, &'static str)>, ShardError> {
        Shard::from_environment(|name| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn complaint(text: &str) -> String {
        text.parse::<Shard>().unwrap_err().to_string()
    }

    proptest! {
        #[test]
        fn the_shards_of_any_count_own_every_number_exactly_once(count in 1u32..300, number: u64) {
            let owners = (0..count).filter(|index| Shard { index: *index, count }.owns(number)).count();
            prop_assert_eq!(owners, 1);
        }

        #[test]
        fn a_shard_reads_as_it_is_written(count in 1u32.., index: u32) {
            let shard = Shard { index: index % count, count };
            prop_assert_eq!(shard.to_string().parse(), Ok(shard));
        }

        #[test]
        fn the_tasks_of_any_even_array_are_the_shards(min in 0u32..99, step in 1u32..9, count in 1u32..99) {
            for index in 0..count {
                let task = (min + index * step).to_string();
                let shard = array(&task, &count.to_string(), &min.to_string(), &step.to_string());
                prop_assert_eq!(shard, Ok(Shard { index, count }));
            }
        }
    }

    #[test]
    fn shares_differ_by_at_most_one_number() {
        for index in 0..4 {
            let share = (0..10).filter(|number| Shard { index, count: 4 }.owns(*number)).count();
            assert_eq!(share, if index < 2 { 3 } else { 2 });
        }
    }

    #[test]
    fn a_part_is_named_after_the_whole() {
        let first = Shard { index: 0, count: 4 };
        for (whole, part) in [
            ("results.csv", "results.0-of-4.csv"),
            ("out.d/rates.v2.csv", "out.d/rates.v2.0-of-4.csv"),
            ("out.d/results", "out.d/results.0-of-4"),
        ] {
            assert_eq!(first.file(Path::new(whole)), Path::new(part));
            assert_eq!(Shard::WHOLE.file(Path::new(whole)), Path::new(whole));
        }
    }

    #[test]
    fn text_that_is_no_shard_is_refused_with_rule_and_remedy() {
        for text in ["", "1", "1/", "/4", "1/4/4", "-1/4", "+1/4", " 1/4", "a/b", "1/4294967296"] {
            assert!(complaint(text).contains("is not a shard\n  rule: "), "{text}");
        }
        assert!(complaint("\u{1b}[2J").contains(r"`\u{1b}[2J`"));
        assert!(complaint("0/0").contains("shard 0/0: 0 parts\n  rule: "));
        let past = complaint("4/4");
        assert!(past.starts_with("shard 4/4: there is no part 4 of 4\n  rule: "), "{past}");
        assert!(past.contains("remedy: give a part from 0 to 3"), "{past}");
    }

    #[test]
    fn without_a_scheduler_there_is_no_shard() {
        assert_eq!(environment(&[]), Ok(None));
        assert_eq!(environment(&[("SLURM_JOB_ID", "7"), ("JOB_COMPLETIONS", "4")]), Ok(None));
    }

    #[test]
    fn the_shard_comes_with_the_variable_it_is_from() {
        let pod = [("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "4")];
        assert_eq!(environment(&pod), Ok(Some((Shard { index: 3, count: 4 }, "JOB_COMPLETION_INDEX"))));
        let task = [
            ("SLURM_ARRAY_TASK_ID", "1"),
            ("SLURM_ARRAY_TASK_COUNT", "2"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_STEP", "1"),
            ("SLURM_ARRAY_TASK_MAX", "1"),
        ];
        assert_eq!(environment(&task), Ok(Some((Shard { index: 1, count: 2 }, "SLURM_ARRAY_TASK_ID"))));
        assert_eq!(environment(&[&pod[..], &task].concat()), Err(ShardError::TwoSchedulers));
    }

    #[test]
    fn an_index_without_the_number_of_completions_is_refused() {
        let error = environment(&[("JOB_COMPLETION_INDEX", "3")]).unwrap_err().to_string();
        assert!(error.starts_with("JOB_COMPLETIONS is not set, but JOB_COMPLETION_INDEX is"), "{error}");
        assert!(error.contains("remedy: set JOB_COMPLETIONS in the manifest"), "{error}");
        let error = environment(&[(SLURM_TASK, "3")]).unwrap_err().to_string();
        assert!(
            error.starts_with("SLURM_ARRAY_TASK_COUNT is not set, but SLURM_ARRAY_TASK_ID is"),
            "{error}"
        );
    }

    #[test]
    fn variables_that_do_not_fit_are_refused() {
        let pod = |index, count| environment(&[("JOB_COMPLETION_INDEX", index), ("JOB_COMPLETIONS", count)]);
        let error = pod("4", "4").unwrap_err().to_string();
        assert!(error.starts_with("JOB_COMPLETION_INDEX is 4 and JOB_COMPLETIONS is 4: there is no part 4"));
        assert!(matches!(pod("0", "0"), Err(ShardError::NoParts { .. })));
        for value in ["", "four", "-4", "4.0"] {
            assert!(matches!(pod("0", value), Err(ShardError::NotANumber { .. })), "{value}");
        }
    }

    #[test]
    fn an_array_with_uneven_tasks_is_refused() {
        // Tasks below the first, between two, past the last; no step; no task.
        for (task, count, min, step) in
            [("0", "4", "1", "1"), ("3", "4", "0", "2"), ("4", "4", "0", "1"), ("0", "4", "0", "0")]
        {
            let error = array(task, count, min, step).unwrap_err().to_string();
            assert!(error.contains("rule: the tasks of the array are MIN, MIN + STEP"), "{error}");
            assert!(error.contains("--array=0-3"), "{error}");
        }
        assert!(matches!(array("0", "0", "0", "1"), Err(ShardError::Uneven { .. })));
        // --array=0,1,7: the first task looks right until the last one is taken into account.
        let uneven = [
            ("SLURM_ARRAY_TASK_ID", "0"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_STEP", "1"),
            ("SLURM_ARRAY_TASK_MAX", "7"),
        ];
        let error = environment(&uneven).unwrap_err().to_string();
        assert!(
            error.starts_with("SLURM_ARRAY_TASK_ID is 0, with MIN 0, STEP 1, COUNT 3, MAX 7\n"),
            "{error}"
        );
    }
}
