//! What goes along a figure's axis, and what tells its lines apart.

use crate::sweep::SweepError;

/// Lines that a reader can tell apart.
pub(super) const MOST_LINES: usize = 8;

/// One key along the axis; a line for each combination of the other keys that vary.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrangement {
    /// The key along the axis.
    pub(super) x: usize,
    /// Other keys with more than one value.
    pub(super) varying: Vec<usize>,
    /// Keys with one value.
    pub(super) fixed: Vec<usize>,
    /// The combinations of the varying keys, in the order of the cells.
    pub(super) lines: Vec<Vec<String>>,
}

impl Arrangement {
    /// The first key with several values, all of them numbers, goes along the axis.
    pub(super) fn of(keys: &[String], cells: &[&[String]]) -> Result<Self, SweepError> {
        let varies = |key: &usize| cells.iter().any(|labels| labels[*key] != cells[0][*key]);
        let numeric = |key: &usize| cells.iter().all(|labels| labels[*key].parse::<f64>().is_ok());
        let (varying, fixed): (Vec<usize>, Vec<usize>) = (0..keys.len()).partition(varies);
        let Some(x) = varying.iter().copied().find(numeric) else {
            return Err(SweepError::Unplottable {
                problem: "no key has more than one value, all of them numbers".into(),
                remedy: "give one a range, such as --set arrivals.rate=80:190:10".into(),
            });
        };
        let varying: Vec<usize> = varying.into_iter().filter(|key| *key != x).collect();
        let mut lines: Vec<Vec<String>> = Vec::new();
        for labels in cells {
            let line = combination(&varying, labels);
            if !lines.contains(&line) {
                lines.push(line);
            }
            if lines.len() > MOST_LINES {
                return Err(SweepError::Unplottable {
                    problem: format!("a figure has at most {MOST_LINES} lines, one a combination of values"),
                    remedy: format!("give keys other than {} fewer values", keys[x]),
                });
            }
        }
        Ok(Arrangement { x, varying, fixed, lines })
    }
}

/// The values that a cell has of some keys.
pub(super) fn combination(keys: &[usize], labels: &[String]) -> Vec<String> {
    keys.iter().map(|key| labels[*key].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrange(cells: &[[&str; 3]]) -> Result<Arrangement, SweepError> {
        let keys = ["a", "b", "c"].map(str::to_owned);
        let cells: Vec<[String; 3]> = cells.iter().map(|cell| cell.map(str::to_owned)).collect();
        Arrangement::of(&keys, &cells.iter().map(|cell| &cell[..]).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_key_with_several_numbers_goes_along_the_axis() {
        let found = arrange(&[["x", "1", "7"], ["x", "2", "7"], ["y", "1", "7"], ["y", "2", "7"]]).unwrap();
        assert_eq!((found.x, found.varying, found.fixed), (1, vec![0], vec![2]));
        assert_eq!(found.lines, [["x"], ["y"]]);
    }

    #[test]
    fn what_makes_no_readable_figure_is_refused_with_a_remedy() {
        let error = arrange(&[["x", "1", "7"], ["y", "1", "7"]]).unwrap_err().to_string();
        assert!(error.contains("more than one value") && error.contains("remedy"), "{error}");
        let many: Vec<String> = (0..=MOST_LINES).map(|n| format!("w{n}")).collect();
        let cells: Vec<_> = many.iter().flat_map(|w| [[w, "1", "7"], [w, "2", "7"]]).collect();
        let error = arrange(&cells).unwrap_err().to_string();
        assert!(error.contains("at most 8 lines"), "{error}");
    }
}
