//! Tables in Markdown, and the documents that they stand in.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Rows of cells under a head.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first column to the left, the others to the right.
    pub(crate) fn markdown(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let width = |at: usize| all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.head.len()).map(|at| width(at).max(3)).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
        };
        let rules = widths.iter().enumerate().map(|(at, width)| match at {
            0 => "-".repeat(*width),
            _ => format!("{}:", "-".repeat(width - 1)),
        });
        let rule = line(&rules.collect::<Vec<_>>());
        format!("{}{rule}{}", line(&self.head), self.rows.iter().map(|row| line(row)).collect::<String>())
    }
}

/// Puts `text` between the document's markers `<!-- NAME -->` and `<!-- /NAME -->`.
pub(crate) fn put_between(path: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let document = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let replaced = replaced(&document, name, text).ok_or(format!("{} has no markers {name}", path.display()))?;
    Ok(fs::write(path, replaced)?)
}

fn replaced(document: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands around the markers stays.
    #[test]
    fn only_what_is_between_is_replaced() {
        let document = "a\n<!-- x -->\nold\n<!-- /x -->\nb";
        assert_eq!(replaced(document, "x", "new\n").as_deref(), Some("a\n<!-- x -->\nnew\n<!-- /x -->\nb"));
        assert_eq!(replaced(document, "y", "new"), None);
    }

    #[test]
    fn cells_are_aligned() {
        let mut table = Table::new(["", "µs"]);
        table.push(["seal", "1.5"]);
        assert_eq!(table.markdown(), "|      |  µs |\n| ---- | --: |\n| seal | 1.5 |\n");
    }
}
