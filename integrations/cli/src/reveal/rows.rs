//! The rows of a table, and the cell of each that says which record it is about. The bytes stay as they are: the scanner reads them,
//! row by row, by the same rules.

use anyhow::Result;

use super::source::BLOCK;
use crate::error::Failure;

/// Cuts a table into rows.
pub(super) struct Rows<'n> {
    name: &'n str,
    delimiter: u8,
    input: String,
    /// The record column's number, once the header was read.
    column: Option<usize>,
    state: State,
    /// Nothing but the input's first row was begun.
    is_first: bool,
    /// The row so far: its bytes, the number of the cell that is being read and its value.
    row: Vec<u8>,
    at: usize,
    cell: Vec<u8>,
    record: Vec<u8>,
    /// Columns of the header that have the name.
    named: Vec<usize>,
}

/// Where the last byte was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At a cell's beginning.
    Begin,
    Bare,
    Quoted,
    /// At a quote in a quoted cell: its end, or half of a doubled one.
    Quote,
}

impl<'n> Rows<'n> {
    /// The rows of `input`, whose record stands in the column `name`.
    pub(super) fn new(name: &'n str, delimiter: u8, input: &str) -> Self {
        Self {
            name,
            delimiter,
            input: input.into(),
            column: None,
            state: State::Begin,
            is_first: true,
            row: Vec::new(),
            at: 0,
            cell: Vec::new(),
            record: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Hands each row that ends in `bytes` to `sink`, with its record. The header's is empty.
    pub(super) fn split(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        for &byte in bytes {
            self.row.push(byte);
            if self.step(byte) {
                self.end_row(&mut sink)?;
            }
        }
        self.refuse_too_long()
    }

    /// The last row, where no line's end follows it.
    pub(super) fn finish(mut self, mut sink: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        if self.row.is_empty() { Ok(()) } else { self.end_row(&mut sink) }
    }

    /// Reads a byte; true where it ends the row.
    fn step(&mut self, byte: u8) -> bool {
        let ends_row = matches!(byte, b'\r' | b'\n');
        match (self.state, byte) {
            (State::Begin, b'"') => self.state = State::Quoted,
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quote, b'"') => {
                self.cell.push(byte);
                self.state = State::Quoted;
            }
            (State::Quoted, _) => self.cell.push(byte),
            _ if byte == self.delimiter => self.end_cell(),
            _ if ends_row => return true,
            _ => {
                // A byte order mark is no part of the input's first cell, and does not hide that it has quotes.
                self.cell.push(byte);
                let is_mark = self.is_first && self.row == MARK;
                self.state = if is_mark { State::Begin } else { State::Bare };
                if is_mark {
                    self.cell.clear();
                }
            }
        }
        false
    }

    fn end_cell(&mut self) {
        match self.column {
            None if self.cell == self.name.as_bytes() => self.named.push(self.at),
            Some(column) if column == self.at => std::mem::swap(&mut self.record, &mut self.cell),
            _ => {}
        }
        self.cell.clear();
        self.at += 1;
        self.state = State::Begin;
    }

    fn end_row(&mut self, sink: &mut impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        let is_empty = self.row.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        self.refuse_too_long()?;
        self.end_cell();
        sink(&self.row, &self.record)?;
        if self.column.is_none() && !is_empty {
            self.column = Some(self.find_column()?);
        }
        self.row.clear();
        self.record.clear();
        self.at = 0;
        self.is_first = false;
        Ok(())
    }

    /// The header's names are not told: where it is missing, its place is taken by somebody's data.
    fn find_column(&self) -> Result<usize> {
        match self.named[..] {
            [column] => Ok(column),
            [] => Err(self.refuse("has no column")),
            _ => Err(self.refuse("has more than one column")),
        }
    }

    /// What one commit can't record can't be opened.
    fn refuse_too_long(&self) -> Result<()> {
        if self.row.len() <= BLOCK {
            return Ok(());
        }
        let what = format!("{} has a row of over {} KiB: is a quote not closed?", self.input, BLOCK >> 10);
        Err(Failure::Input.because(what))
    }

    fn refuse(&self, what: &str) -> anyhow::Error {
        Failure::Input.because(format!("{} {what} {:?} in its first row (--record-column)", self.input, self.name))
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and records of a table, however it is cut.
    fn rows(text: &str, chunk: usize) -> Result<Vec<(String, String)>> {
        let (mut rows, mut found) = (Rows::new("no", b',', "t.csv"), Vec::new());
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut sink = |row: &[u8], record: &[u8]| {
            found.push((text_of(row), text_of(record)));
            Ok(())
        };
        for chunk in text.as_bytes().chunks(chunk) {
            rows.split(chunk, &mut sink)?;
        }
        rows.finish(&mut sink)?;
        Ok(found)
    }

    /// Quotes, line ends in cells, a mark in front, a last row without an end.
    #[test]
    fn each_row_has_its_record() {
        let text = "\u{feff}\"no\",x\r\n7,a\r\n\"o\"\"8\",\"two\nlines, 9\"\n,b\nx\"y,c";
        for chunk in 1..text.len() {
            let found = rows(text, chunk).unwrap();
            assert_eq!(found.iter().map(|(row, _)| row.as_str()).collect::<String>(), text);
            let records: Vec<_> = found.iter().map(|(_, record)| record.as_str()).collect();
            assert_eq!(records, ["", "", "7", "", "o\"8", "", "x\"y"], "chunks of {chunk}");
        }
        assert!(rows("", 1).unwrap().is_empty());
    }

    /// Without the column, or with two, nothing is guessed, and no cell is told.
    #[test]
    fn the_column_must_be_there_once() {
        for (text, words) in [
            ("nr,x\n1,2\n", "no column \"no\""),
            ("no,no\n", "more than one"),
            ("\n\nsecret", "no column"),
            ("\n\u{feff}no\n", "no column"),
        ] {
            let told = format!("{:#}", rows(text, 3).unwrap_err());
            assert!(told.contains(words) && !told.contains("secret"), "{told}");
        }
        let long = format!("no\n\"{}", "x".repeat(BLOCK + 1));
        assert!(format!("{:#}", rows(&long, 4096).unwrap_err()).contains("quote"));
    }
}
