//! Rows that look like the others: sampled from a table, made, and written between its rows, whose bytes stay as they are.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use rand_core::Rng;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use symbolon::{Token, TokenBuf};

use super::maker::{Canary, Maker};
use crate::{error::Failure, protect::input::open_file, state::CliRng};

/// What the user wants in the rows.
pub(super) struct Choice<'a> {
    /// Only in these; in all, if empty.
    pub(super) columns: &'a [String],
    /// These stand as given.
    pub(super) set: &'a [(String, String)],
}

/// A table, some of its rows, and places in it.
pub(super) struct Table {
    path: PathBuf,
    /// `None`: JSON Lines.
    delimiter: Option<u8>,
    header: Vec<String>,
    has_crlf: bool,
    sample: Vec<ByteRecord>,
    /// Where rows are put in: before which of its rows, counted from 0, and that row's first byte.
    places: Vec<(u64, u64)>,
}

/// A row to be put in.
pub(super) struct CanaryRow {
    /// Its number in the result; the header is the first of a CSV.
    pub(super) number: u64,
    /// The canaries in it.
    pub(super) canaries: Vec<Canary>,
    at: u64,
    bytes: Vec<u8>,
}

/// A row's bytes, and the canaries in it.
struct Filled {
    bytes: Vec<u8>,
    canaries: Vec<Canary>,
}

impl Table {
    /// Goes through the table once: takes a sample of its rows, and chooses places.
    pub(super) fn sample(path: &Path, delimiter: Option<u8>, count: u32, rng: &mut CliRng) -> Result<Self> {
        let mut table = Self {
            path: path.into(),
            delimiter,
            header: Vec::new(),
            has_crlf: false,
            sample: Vec::new(),
            places: Vec::new(),
        };
        let mut first = Vec::new();
        BufReader::new(open_file(path)?).read_until(b'\n', &mut first)?;
        table.has_crlf = first.ends_with(b"\r\n");
        let rows = match delimiter {
            Some(delimiter) => table.sample_csv(delimiter, count, rng)?,
            None => table.sample_json(count, rng)?,
        };
        if u64::from(count) > rows {
            let what = format!("{} has {rows} rows, and no more canaries than that can be put in", path.display());
            return Err(Failure::Input.because(what));
        }
        table.places.sort_unstable();
        Ok(table)
    }

    fn sample_csv(&mut self, delimiter: u8, count: u32, rng: &mut CliRng) -> Result<u64> {
        let name = self.path.display().to_string();
        let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(open_file(&self.path)?);
        let refuse = |error: csv::Error| Failure::Input.because(format!("{name}: {error}"));
        self.header = reader.headers().map_err(refuse)?.iter().map(str::to_owned).collect();
        let mut rows = 0;
        let mut row = ByteRecord::new();
        while reader.read_byte_record(&mut row).map_err(refuse)? {
            let at = row.position().map_or(0, csv::Position::byte);
            self.take(rows, at, &row, count, rng);
            rows += 1;
        }
        Ok(rows)
    }

    fn sample_json(&mut self, count: u32, rng: &mut CliRng) -> Result<u64> {
        let mut reader = BufReader::new(open_file(&self.path)?);
        let (mut rows, mut at, mut line) = (0, 0, Vec::new());
        loop {
            line.clear();
            let len =
                reader.read_until(b'\n', &mut line).with_context(|| format!("can't read {}", self.path.display()))?;
            if len == 0 {
                return Ok(rows);
            }
            if !line.trim_ascii().is_empty() {
                self.take(rows, at, &ByteRecord::from(vec![line.trim_ascii()]), count, rng);
                rows += 1;
            }
            at += len as u64;
        }
    }

    /// Each row has the same chance to be in the sample, and each the same to be a place (reservoir sampling).
    fn take(&mut self, index: u64, at: u64, row: &ByteRecord, count: u32, rng: &mut CliRng) {
        fn keep<T>(kept: &mut Vec<T>, most: usize, index: u64, rng: &mut CliRng, new: impl FnOnce() -> T) {
            if kept.len() < most {
                kept.push(new());
            } else if let Some(slot) = usize::try_from(below(rng, index + 1)).ok().and_then(|at| kept.get_mut(at)) {
                *slot = new();
            }
        }
        keep(&mut self.sample, SAMPLE, index, rng, || row.clone());
        keep(&mut self.places, count as usize, index, rng, || (index, at));
    }

    /// Makes a row for each place.
    pub(super) fn rows(&self, choice: &Choice<'_>, maker: &mut Maker<'_>) -> Result<Vec<CanaryRow>> {
        let names = self.names()?;
        for column in choice.columns.iter().chain(choice.set.iter().map(|(column, _)| column)) {
            if !names.contains(column) {
                let what = format!("{} has no column {column}; it has {}", self.path.display(), names.join(", "));
                return Err(Failure::Input.because(what));
            }
        }
        let mut rows = Vec::new();
        let before = if self.delimiter.is_some() { 2 } else { 1 };
        for (number, (index, at)) in (1u64..).zip(&self.places) {
            let Filled { bytes, canaries } = self.row(number, choice, maker)?;
            rows.push(CanaryRow { number: index + number - 1 + before, canaries, at: *at, bytes });
        }
        Ok(rows)
    }

    /// The columns, or the keys that the sample has.
    fn names(&self) -> Result<Vec<String>> {
        let mut names = self.header.clone();
        for line in self.sample.iter().filter(|_| self.delimiter.is_none()) {
            for (key, _) in self.object(line)?.0.0 {
                if !names.contains(&key) {
                    names.push(key);
                }
            }
        }
        Ok(names)
    }

    /// One row. A table may have rows without any token: then others are tried.
    fn row(&self, number: u64, choice: &Choice<'_>, maker: &mut Maker<'_>) -> Result<Filled> {
        for _ in 0..TRIES {
            let filled = match self.delimiter {
                Some(delimiter) => self.csv_row(delimiter, number, choice, maker)?,
                None => self.json_row(number, choice, maker)?,
            };
            if !filled.canaries.is_empty() {
                return Ok(filled);
            }
        }
        let wanted = if choice.columns.is_empty() {
            "no tokens".into()
        } else {
            format!("no tokens in {}", choice.columns.join(", "))
        };
        let what = format!("{} has {wanted}: symbolon protect comes first", self.path.display());
        Err(Failure::Input.because(what))
    }

    /// Each cell of another row of the sample.
    fn csv_row(&self, delimiter: u8, number: u64, choice: &Choice<'_>, maker: &mut Maker<'_>) -> Result<Filled> {
        let mut canaries = Vec::new();
        let mut row = ByteRecord::new();
        for (at, column) in self.header.iter().enumerate() {
            if let Some(value) = choice.value(column, number) {
                row.push_field(value.as_bytes());
                continue;
            }
            let cell = pick(&self.sample, maker.rng()).and_then(|row| row.get(at)).unwrap_or_default();
            match TokenBuf::from_text(cell) {
                Err(_) => row.push_field(cell),
                Ok(_) if !choice.has(column) => row.push_field(b""),
                Ok(token) => {
                    let canary = maker.canary(&token.as_token())?;
                    row.push_field(canary.token.as_bytes());
                    canaries.push(canary);
                }
            }
        }
        let terminator = if self.has_crlf { Terminator::CRLF } else { Terminator::Any(b'\n') };
        let mut writer = WriterBuilder::new().delimiter(delimiter).terminator(terminator).from_writer(Vec::new());
        writer.write_byte_record(&row)?;
        Ok(Filled { bytes: writer.into_inner().map_err(|error| error.into_error())?, canaries })
    }

    /// The keys of one line, each with the value of another that has it.
    fn json_row(&self, number: u64, choice: &Choice<'_>, maker: &mut Maker<'_>) -> Result<Filled> {
        let (shape, spaced) = self.some_object(maker.rng())?;
        let (mut members, mut canaries) = (Vec::new(), Vec::new());
        for (key, own) in shape.0 {
            let other =
                self.some_object(maker.rng())?.0.0.into_iter().find(|(other, _)| *other == key).map(|(_, value)| value);
            let value = other.unwrap_or(own);
            let text = match choice.value(&key, number) {
                // As a number where the others are numbers, and it is one.
                Some(set) if !value.get().starts_with('"') && serde_json::from_str::<&RawValue>(&set).is_ok() => set,
                Some(set) => serde_json::to_string(&set)?,
                None => {
                    let (replaced, mut made) = maker.in_json(value.get())?;
                    if made.is_empty() || choice.has(&key) {
                        canaries.append(&mut made);
                        replaced
                    } else {
                        "null".into()
                    }
                }
            };
            members.push(format!("{}:{}{text}", serde_json::to_string(&key)?, if spaced { " " } else { "" }));
        }
        let line = members.join(if spaced { ", " } else { "," });
        let end = if self.has_crlf { "\r\n" } else { "\n" };
        Ok(Filled { bytes: format!("{{{line}}}{end}").into_bytes(), canaries })
    }

    /// A random line of the sample.
    fn some_object(&self, rng: &mut CliRng) -> Result<(Members, bool)> {
        pick(&self.sample, rng).map_or_else(|| Ok((Members(Vec::new()), false)), |line| self.object(line))
    }

    /// A line's members, and whether it has spaces behind its colons.
    fn object(&self, line: &ByteRecord) -> Result<(Members, bool)> {
        let line = line.get(0).unwrap_or_default();
        let wrong = || Failure::Input.because(format!("{}: a line is not a JSON object", self.path.display()));
        let text = std::str::from_utf8(line).map_err(|_| wrong())?;
        let members = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| wrong())?;
        Ok((members, text.contains("\": ")))
    }

    /// The table with the rows in it.
    pub(super) fn write(&self, rows: &[CanaryRow], out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut file = open_file(&self.path)?;
        let mut at = 0;
        for row in rows {
            let place = row_start(&mut file, row.at)?;
            copy(&mut file, at, Some(place), out)?;
            out(&row.bytes)?;
            at = place;
        }
        copy(&mut file, at, None, out)
    }
}

/// What a reader of CSV takes for a row's beginning may be the second half of the line's end before it.
fn row_start(file: &mut File, at: u64) -> Result<u64> {
    let mut byte = [0];
    let mut place = at;
    file.seek(SeekFrom::Start(at))?;
    while file.read(&mut byte)? == 1 && matches!(byte, [b'\n' | b'\r']) {
        place += 1;
    }
    Ok(place)
}

/// The bytes from here to there, or to the end.
fn copy(file: &mut File, from: u64, to: Option<u64>, out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let mut piece = vec![0; 256 << 10];
    let mut left = to.map_or(u64::MAX, |to| to - from);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let read = file.read(&mut piece[..most])?;
        if read == 0 {
            break;
        }
        out(&piece[..read])?;
        left -= read as u64;
    }
    Ok(())
}

impl Choice<'_> {
    fn has(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|wanted| wanted == column)
    }

    fn value(&self, column: &str, number: u64) -> Option<String> {
        let (_, value) = self.set.iter().find(|(wanted, _)| wanted == column)?;
        Some(value.replace('@', &number.to_string()))
    }
}

/// An object's members in their order, each value as it is written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn pick<'s>(sample: &'s [ByteRecord], rng: &mut CliRng) -> Option<&'s ByteRecord> {
    usize::try_from(below(rng, sample.len().max(1) as u64)).ok().and_then(|at| sample.get(at))
}

/// A number below `end`: of 2^64 so many that the larger ones are not noticeably rarer.
fn below(rng: &mut CliRng, end: u64) -> u64 {
    rng.next_u64() % end
}

/// Rows that new ones are made of.
const SAMPLE: usize = 1024;

/// Rows that are tried until one has a token.
const TRIES: usize = 200;

const _: () = assert!(Token::MAX_EXPORT_LEN == 30, "the help says so");
