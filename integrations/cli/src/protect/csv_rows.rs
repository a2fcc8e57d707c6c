//! CSV with any quoting. Values are kept; the quotes around them are set anew, where RFC 4180 asks for them.

use std::{
    io::{self, Read},
    sync::Arc,
};

use anyhow::Result;
use csv::{ByteRecord, QuoteStyle, Reader, ReaderBuilder, Terminator, Writer, WriterBuilder};

use super::{
    header::{Header, Use},
    input::{BYTE_ORDER_MARK, Input},
    problem::{Place, Problem, What},
    rows::{Broken, CHUNK_BYTES, CHUNK_ROWS, Cell, Chunk, MAX_ROW, Made, Rows, Work},
};
use crate::{error::Failure, schema::Plan};

/// The reading half: a table whose header has been read.
pub(super) struct Table {
    reader: Reader<Limited>,
    shape: Arc<Shape>,
    /// Rows read, the header included.
    row: u64,
    over: bool,
}

/// What reading and writing threads know of a table.
#[derive(Debug)]
struct Shape {
    header: Header,
    delimiter: u8,
    has_crlf: bool,
}

/// Some rows of a table.
pub(super) struct TableRows {
    records: Vec<ByteRecord>,
    first_row: u64,
    shape: Arc<Shape>,
}

impl Table {
    /// Reads the header. The second value is what the output begins with.
    pub(super) fn open(input: Input, plan: &Plan, delimiter: u8) -> Result<(Self, Vec<u8>)> {
        let Input { reader, name, has_mark, has_crlf, .. } = input;
        let limited = Limited { inner: reader, left: MAX_ROW };
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(limited);
        let mut first = ByteRecord::new();
        let found = reader.read_byte_record(&mut first).map_err(|error| match broken(error, Place::File) {
            Broken::Problem(problem) => problem.into_error(&name),
            Broken::Unreadable(error) => anyhow::Error::new(error).context(format!("can't read {name}")),
        })?;
        if !found {
            return Err(Failure::Input.because(format!("{name} has nothing but empty lines")));
        }
        let header = Header::new(&first, plan, &name)?;
        let shape = Arc::new(Shape { header, delimiter, has_crlf });
        let mut head = if has_mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        let mut writer = shape.writer(&mut head);
        writer.write_record(shape.kept(&first))?;
        writer.flush()?;
        drop(writer);
        Ok((Self { reader, shape, row: 1, over: false }, head))
    }
}

impl Iterator for Table {
    type Item = Chunk<TableRows>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let start = self.reader.position().byte();
        let mut records = Vec::with_capacity(CHUNK_ROWS);
        let first_row = self.row + 1;
        let mut broken_by = None;
        while records.len() < CHUNK_ROWS && self.reader.position().byte() - start < CHUNK_BYTES {
            self.reader.get_mut().left = MAX_ROW;
            let mut record = ByteRecord::new();
            let line = self.reader.position().line();
            self.row += 1;
            match self.reader.read_byte_record(&mut record) {
                Ok(true) => records.push(record),
                Ok(false) => self.over = true,
                Err(error) => broken_by = Some(broken(error, Place::Row { row: self.row, line })),
            }
            self.over |= broken_by.is_some();
            if self.over {
                break;
            }
        }
        let rows = TableRows { records, first_row, shape: Arc::clone(&self.shape) };
        Some(Chunk { rows, bytes: self.reader.position().byte() - start, broken: broken_by })
    }
}

impl Rows for TableRows {
    fn walk(&self, work: &mut impl Work, made: &mut Made) {
        let mut out = Vec::new();
        let mut writer = self.shape.writer(&mut out);
        let mut row = ByteRecord::new();
        for (number, record) in (self.first_row..).zip(&self.records) {
            made.tally.rows += 1;
            let line = record.position().map_or(number, csv::Position::line);
            self.row(record, Place::Row { row: number, line }, work, &mut row, made);
            if made.is_over() {
                return;
            }
            // Into memory, of rows that may differ in length: there is nothing that could fail.
            let _infallible = writer.write_byte_record(&row);
        }
        let _infallible = writer.flush();
        drop(writer);
        made.out = out;
    }
}

impl TableRows {
    /// Makes `row` of `record`.
    fn row(&self, record: &ByteRecord, place: Place, work: &mut impl Work, row: &mut ByteRecord, made: &mut Made) {
        let Header { names, owner, record: record_at, uses } = &self.shape.header;
        row.clear();
        if record.len() != names.len() {
            let len = |len| u64::try_from(len).unwrap_or(u64::MAX);
            let what = What::Uneven { expected: len(names.len()), found: len(record.len()) };
            return made.refuse(Problem { place, column: None, what });
        }
        let owner = record.get(*owner).unwrap_or_default();
        let about = record_at.and_then(|at| record.get(at)).unwrap_or_default();
        let mut told = Vec::new();
        for ((value, column), what) in record.iter().zip(names).zip(uses) {
            if *what == Use::Drop {
                continue;
            }
            if std::str::from_utf8(value).is_err() {
                made.refuse(Problem::of_cell(place, column, What::NotUtf8));
                continue;
            }
            let Use::Work(field) = what else {
                row.push_field(value);
                continue;
            };
            let cell = Cell { place, column, field: *field, owner, record: about, value };
            match work.cell(&cell, made) {
                Ok(new) => row.push_field(new.map_or(value, str::as_bytes)),
                Err(refused) => made.refuse_cell(&cell, work.plan(), refused, &mut told),
            }
        }
    }
}

impl Shape {
    fn writer<'o>(&self, out: &'o mut Vec<u8>) -> Writer<&'o mut Vec<u8>> {
        let terminator = if self.has_crlf { Terminator::CRLF } else { Terminator::Any(b'\n') };
        WriterBuilder::new()
            .delimiter(self.delimiter)
            .terminator(terminator)
            .quote_style(QuoteStyle::Necessary)
            .flexible(true)
            .from_writer(out)
    }

    /// The cells of the columns that are not dropped.
    fn kept<'r>(&'r self, record: &'r ByteRecord) -> impl Iterator<Item = &'r [u8]> {
        record.iter().zip(&self.header.uses).filter(|(_, what)| **what != Use::Drop).map(|(cell, _)| cell)
    }
}

/// Why a row could not be read. Of the errors of `csv` only those of the input are left: rows may have any length, bytes any value.
fn broken(error: csv::Error, place: Place) -> Broken {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let what = format!("a row of over {} MiB begins here: is a quote not closed?", MAX_ROW >> 20);
            Broken::Problem(Problem { place, column: None, what: What::Other(what) })
        }
        csv::ErrorKind::Io(error) => Broken::Unreadable(error),
        _ => {
            let what = What::Other("this is not CSV".into());
            Broken::Problem(Problem { place, column: None, what })
        }
    }
}

/// Refuses to read more of one row than `left`.
struct Limited {
    inner: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(out)?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
