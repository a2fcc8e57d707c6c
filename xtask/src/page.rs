//! Pages that a command writes a part of, or reads reasons from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Outcome;

/// Lines between which a command writes.
pub(crate) type Marks = [&'static str; 2];

/// What stands before the marks, between them, and behind them.
pub(crate) fn split<'a>(text: &'a str, [begin, end]: &Marks) -> Outcome<(&'a str, &'a str, &'a str)> {
    let parts = text.split_once(begin).and_then(|(before, rest)| {
        let (between, after) = rest.split_once(end)?;
        Some((before, between, after))
    });
    parts.ok_or_else(|| format!("the marks `{begin}` and `{end}` are missing").into())
}

/// Writes lines between the marks, in the place of what is there.
pub(crate) fn put(path: &Path, marks: &Marks, lines: &str) -> Outcome {
    let text = read(path)?;
    let (before, _, after) = split(&text, marks).map_err(|error| format!("{}: {error}", path.display()))?;
    let [begin, end] = marks;
    Ok(fs::write(path, format!("{before}{begin}\n{lines}{end}{after}"))?)
}

pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// 12345 as 12,345.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What a page explains, and how often: lines of the form `` - `src/a.rs: what is there` ``, with ` (3)` behind it where it is there as many times.
pub(crate) struct Reasons(BTreeMap<String, usize>);

impl Reasons {
    pub(crate) fn read(text: &str) -> Self {
        let mut reasons = BTreeMap::new();
        for line in text.lines() {
            let Some((name, rest)) = line.strip_prefix("- `src/").and_then(|line| line.split_once('`')) else {
                continue;
            };
            let times =
                rest.strip_prefix(" (").and_then(|rest| rest.split_once(')')).and_then(|(times, _)| times.parse().ok());
            *reasons.entry(format!("src/{name}")).or_insert(0) += times.unwrap_or(1);
        }
        Self(reasons)
    }

    /// Whether there is a reason for this; it is taken, once for each time.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        let left = self.0.get_mut(name).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// What was not taken, and how often.
    pub(crate) fn left(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().filter(|(_, left)| **left > 0).map(|(name, left)| (name.as_str(), *left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = ["<!-- begin -->", "<!-- end -->"];

    #[test]
    fn the_marks_are_needed() {
        let text = "before\n<!-- begin -->\ntable\n<!-- end -->\nafter";
        assert_eq!(split(text, &MARKS).unwrap(), ("before\n", "\ntable\n", "\nafter"));
        assert!(split("no marks", &MARKS).is_err());
    }

    /// What stands around the marks stays.
    #[test]
    fn lines_are_put_between() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.md");
        fs::write(&path, "a\n<!-- begin -->\nold\n<!-- end -->\nb\n").unwrap();
        put(&path, &MARKS, "new\n").unwrap();
        assert_eq!(read(&path).unwrap(), "a\n<!-- begin -->\nnew\n<!-- end -->\nb\n");
    }

    /// A name once, and one that is there several times; other lines are text. Each is good for as many as it says.
    #[test]
    fn reasons_are_read_and_taken() {
        let text =
            "Text.\n- `src/a.rs: delete ! in f`: why\n- `src/b.rs: replace + with *` (3): why\n- `cargo`: not one\n";
        let mut reasons = Reasons::read(text);
        assert!(reasons.take("src/a.rs: delete ! in f") && reasons.take("src/b.rs: replace + with *"));
        assert!(!reasons.take("src/a.rs: delete ! in f") && !reasons.take("src/c.rs: replace f with ()"));
        assert_eq!(reasons.left().collect::<Vec<_>>(), [("src/b.rs: replace + with *", 2)]);
    }
}
