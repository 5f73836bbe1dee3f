//! A table before it has a form: written once, shown in a page, in Markdown, and on a terminal.

use std::fmt::Write;

use super::escape;

/// A table with a name for each row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sheet {
    /// What it is called.
    pub title: &'static str,
    /// What is in the first column.
    pub of: &'static str,
    /// The other columns.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: Vec<Row>,
    /// What a reader has to know to read it; may be empty.
    pub note: String,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    pub name: &'static str,
    /// Text is set to the left and may have several lines, numbers to the right.
    pub is_text: bool,
}

/// A row: its name, then a cell for each column.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Row {
    pub name: String,
    pub cells: Vec<String>,
    /// `valid`, `invalid`, `inconclusive`, or nothing: how a page colours it.
    pub class: String,
}

impl Sheet {
    /// A table without rows.
    pub(super) fn new(
        title: &'static str,
        of: &'static str,
        numbers: &[&'static str],
        texts: &[&'static str],
    ) -> Self {
        let column = |is_text: bool| move |name: &&'static str| Column { name, is_text };
        let columns = numbers.iter().map(column(false)).chain(texts.iter().map(column(true))).collect();
        Sheet { title, of, columns, ..Sheet::default() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, name: impl Into<String>, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "one cell a column");
        self.rows.push(Row { name: name.into(), cells, class: String::new() });
    }

    /// Adds a row of a class.
    pub(super) fn push_of(&mut self, class: impl ToString, name: impl Into<String>, cells: Vec<String>) {
        self.push(name, cells);
        if let Some(row) = self.rows.last_mut() {
            row.class = class.to_string();
        }
    }

    pub(super) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same with some of its columns only.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        let kept: Vec<usize> =
            (0..self.columns.len()).filter(|n| names.contains(&self.columns[*n].name)).collect();
        let row =
            |row: &Row| Row { cells: kept.iter().map(|n| row.cells[*n].clone()).collect(), ..row.clone() };
        Sheet {
            columns: kept.iter().map(|n| self.columns[*n]).collect(),
            rows: self.rows.iter().map(row).collect(),
            ..self.clone()
        }
    }

    /// As a table of a page, in a box of its own that scrolls where it is wider than the page, and its note. On a narrow
    /// screen each row is a block, and each cell has the name of its column above it; the roles keep it a table for those
    /// who listen to it.
    pub(super) fn html(&self) -> String {
        let class = |column: &Column| if column.is_text { " class=\"text\"" } else { "" };
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table role=\"table\">\
             <caption>{title}</caption><thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">{}</th>",
            escape::html(self.of),
            title = escape::html(self.title),
        );
        for column in &self.columns {
            let _ = write!(
                html,
                "<th scope=\"col\" role=\"columnheader\"{}>{}</th>",
                class(column),
                escape::html(column.name)
            );
        }
        html.push_str("</tr></thead><tbody role=\"rowgroup\">");
        for row in &self.rows {
            let name = escape::html(&row.name);
            let _ = write!(html, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{name}</th>");
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                let is_verdict = !row.class.is_empty() && *cell == row.class;
                let class = if is_verdict { format!(" class=\"{cell}\"") } else { class(column).to_owned() };
                let (label, cell) = (escape::html(column.name), escape::html(cell));
                let _ = write!(html, "<td role=\"cell\" data-label=\"{label}\"{class}>{cell}</td>");
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        if !self.note.is_empty() {
            let _ = write!(html, "<p class=\"note\">{}</p>", escape::html(&self.note));
        }
        html
    }

    /// As a table of Markdown, without its title, and its note.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let heads = self.columns.iter().map(|column| column.name);
        let mut text = line([self.of].into_iter().chain(heads).map(escape::markdown).collect());
        let rule = self.columns.iter().map(|column| if column.is_text { "---" } else { "---:" });
        text.push_str(&format!("|{}|\n", ["---"].into_iter().chain(rule).collect::<Vec<_>>().join("|")));
        for row in &self.rows {
            text.push_str(&line(
                [&row.name].into_iter().chain(&row.cells).map(|cell| escape::markdown(cell)).collect(),
            ));
        }
        if !self.note.is_empty() {
            let _ = write!(text, "\n{}\n", escape::markdown(&self.note));
        }
        text
    }

    /// As lines of a terminal, each at most so many characters wide: text of the last column goes on below itself.
    pub(super) fn text(&self, width: usize) -> String {
        let length = |cell: &str| cell.chars().count();
        let widest = |n: usize, name: &str| {
            self.rows.iter().map(|row| length(&row.cells[n])).chain([length(name)]).max().unwrap_or(0)
        };
        let first = self.rows.iter().map(|row| length(&row.name)).chain([length(self.of)]).max().unwrap_or(0);
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(n, column)| widest(n, column.name)).collect();
        if let (Some(last), Some(column)) =
            (widths.last().copied(), self.columns.last().filter(|last| last.is_text))
        {
            let before = first + widths.iter().map(|width| width + 2).sum::<usize>() - last;
            let end = widths.len() - 1;
            widths[end] = last.min(width.saturating_sub(before).max(length(column.name)).max(16));
        }
        let mut text = String::new();
        let mut line = |name: &str, cells: Vec<&str>| {
            let mut row = format!("{name:<first$}");
            let indent =
                first + widths.iter().map(|width| width + 2).sum::<usize>() - widths.last().unwrap_or(&0);
            for ((cell, column), width) in cells.into_iter().zip(&self.columns).zip(&widths) {
                match column.is_text {
                    false => row.push_str(&format!("  {cell:>width$}")),
                    true => row.push_str(&format!("  {:<width$}", wrapped(cell, *width, indent))),
                }
            }
            text.push_str(row.trim_end());
            text.push('\n');
        };
        line(self.of, self.columns.iter().map(|column| column.name).collect());
        for row in &self.rows {
            line(&row.name, row.cells.iter().map(String::as_str).collect());
        }
        text
    }
}

/// A text in lines of at most so many characters, all but the first behind an indent.
pub(super) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        let room = width.saturating_sub(last.chars().count());
        if last.is_empty() {
            last.push_str(word);
        } else if word.chars().count() < room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new("A <title>", "of", &["a|b"], &["why"]);
        sheet.push_of("valid", "one & all", vec!["1".into(), "valid".into()]);
        sheet.push("two", vec!["23".into(), "many words that do not fit in so narrow a column".into()]);
        sheet.noting("read *this*")
    }

    #[test]
    fn a_page_has_headers_with_their_scope_and_escapes() {
        let html = sheet().html();
        assert!(
            html.contains("<caption>A &lt;title&gt;</caption>")
                && html.contains("aria-label=\"A &lt;title&gt;\"")
        );
        assert!(
            html.contains(
                "role=\"columnheader\">a|b</th><th scope=\"col\" role=\"columnheader\" class=\"text\">why</th>"
            ),
            "{html}"
        );
        assert!(
            html.contains(
                "role=\"rowheader\">one &amp; all</th><td role=\"cell\" data-label=\"a|b\">1</td>\
                 <td role=\"cell\" data-label=\"why\" class=\"valid\">valid</td>"
            ),
            "{html}"
        );
    }

    #[test]
    fn markdown_keeps_bars_out_of_its_cells() {
        let lines = sheet().markdown();
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[..3], ["| of | a\\|b | why |", "|---|---:|---|", "| one &amp; all | 1 | valid |"]);
        assert_eq!(lines[4..], ["", "read \\*this\\*"]);
    }

    #[test]
    fn a_terminal_gets_aligned_columns_no_wider_than_it_is() {
        let text = sheet().text(40);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["of         a|b  why", "one & all    1  valid"]);
        assert!(lines.len() > 4 && lines.iter().all(|line| line.chars().count() <= 40), "{text}");
        assert_eq!(lines[3], "                fit in so narrow a");
    }

    #[test]
    fn some_columns_can_be_left_out() {
        let kept = sheet().only(&["why"]);
        assert_eq!((kept.columns.len(), kept.rows[0].cells.as_slice()), (1, &["valid".to_owned()][..]));
    }
}
