//! The list of values, from a column or lines.
//!
//! They are not wiped: what looks for them is made of copies that can't be, and they came from a file in clear.

use std::{collections::HashSet, fs::File, path::Path};

use anyhow::{Context, Result};
use symbolon_leak::Values;

use crate::{error::Failure, progress::Count};

/// The values, each once.
pub(super) struct List {
    /// Those that are looked for.
    pub(super) values: Vec<Value>,
    /// How many cells were too short.
    pub(super) too_short: u64,
    /// How many were too long.
    pub(super) too_long: u64,
    /// How many were there already, in another row or column.
    repeated: u64,
    known: HashSet<String>,
}

/// A value, and where in the list it first is.
pub(super) struct Value {
    pub(super) text: String,
    /// 1 is the first below the header, or the first line.
    pub(super) row: u64,
    pub(super) column: String,
}

impl List {
    /// Reads the columns of a CSV file, or all lines.
    pub(super) fn read(path: &Path, columns: &[String], lines: bool) -> Result<Self> {
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if columns.is_empty() && !lines && is_csv {
            let what = format!(
                "{}: say which columns the values are in (--column), or that each line is one (--lines)",
                path.display()
            );
            return Err(Failure::Input.because(what));
        }
        let file = File::open(path).with_context(|| format!("can't read the values {}", path.display()))?;
        let mut list = Self { values: Vec::new(), too_short: 0, too_long: 0, repeated: 0, known: HashSet::new() };
        // Lines are rows of one cell without quotes.
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true);
        if columns.is_empty() {
            reader.quoting(false).delimiter(0);
        }
        let mut reader = reader.from_reader(file);
        let mut rows = reader.byte_records();
        let numbers = if columns.is_empty() { vec![(0, "line")] } else { header(path, columns, rows.next())? };
        for (row, cells) in rows.enumerate() {
            let cells = cells.map_err(|error| unreadable(path, &error))?;
            for (number, column) in &numbers {
                list.add(cells.get(*number).unwrap_or_default(), row as u64 + 1, column);
            }
        }
        if list.values.is_empty() {
            list.say_what_is_left_out();
            return Err(Failure::Input.because(format!("{}: there is no value to look for", path.display())));
        }
        list.known = HashSet::new();
        Ok(list)
    }

    fn add(&mut self, cell: &[u8], row: u64, column: &str) {
        let text = String::from_utf8_lossy(cell).trim().to_owned();
        if text.is_empty() {
            return;
        }
        if !Values::is_long_enough(text.as_bytes()) {
            self.too_short += 1;
        } else if text.len() > LONGEST {
            self.too_long += 1;
        } else if self.known.insert(text.clone()) {
            self.values.push(Value { text, row, column: column.to_owned() });
        } else {
            self.repeated += 1;
        }
    }

    /// What of the list is not looked for, in numbers.
    pub(super) fn say_what_is_left_out(&self) {
        let (short, long, repeated) = (Count(self.too_short), Count(self.too_long), Count(self.repeated));
        if self.too_short > 0 {
            eprintln!(
                "{short} values of fewer than {} characters or {} bytes are NOT looked for.",
                Values::MIN_CHARS,
                Values::MIN_BYTES
            );
        }
        if self.too_long > 0 {
            eprintln!("{long} values of more than {LONGEST} bytes are NOT looked for.");
        }
        if self.repeated > 0 {
            eprintln!("{repeated} values stand in the list more than once; the first row is told.");
        }
    }
}

/// The numbers of the columns.
fn header<'c>(
    path: &Path,
    columns: &'c [String],
    header: Option<csv::Result<csv::ByteRecord>>,
) -> Result<Vec<(usize, &'c str)>> {
    let header = header.transpose().map_err(|error| unreadable(path, &error))?.unwrap_or_default();
    let number = |column: &'c String| {
        let is_it = |cell: &[u8]| cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell) == column.as_bytes();
        let found = header.iter().position(is_it).map(|number| (number, column.as_str()));
        found.ok_or_else(|| Failure::Input.because(format!("{} has no column {column}", path.display())))
    };
    columns.iter().map(number).collect()
}

/// Without the cell, which the library's own message may hold.
fn unreadable(path: &Path, error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(0, csv::Position::line);
    Failure::Input.because(format!("{} can't be read as CSV near line {line}", path.display()))
}

/// No token holds more, and what is broken into lines and escaped must fit in a window.
const LONGEST: usize = 1022;
