//! What the input is: where its tokens may stand, and which record each of them is of.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use symbolon::{Format, Principal};

use crate::{error::Failure, protect::parse_delimiter};

/// The options of every command that replaces tokens in a text.
#[derive(Debug, clap::Args)]
pub(crate) struct Shape {
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// HTML: tokens in elements with data-symbolon="MARKER" only. Take a fresh random one for each page
    #[arg(long, value_name = "MARKER")]
    html_marker: Option<String>,
    /// Plain text: tokens wherever they stand. Dangerous for anything that is rendered, run or followed as a link
    #[arg(long)]
    anywhere_in_plain_text: bool,
    /// The record (the order's number) that the whole input is about: tokens of bound fields such as shipping-address need it
    #[arg(long, value_name = "ID", conflicts_with = "record_column")]
    record: Option<String>,
    /// CSV with a header: the column that says which record each row is about
    #[arg(long, value_name = "COLUMN")]
    record_column: Option<String>,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// Comma-separated values: cells that are exactly a token
    Csv,
    /// JSON and JSON Lines: strings that are exactly a token
    Json,
    /// HTML: the text of elements that carry the marker
    Html,
    /// Plain text, with --anywhere-in-plain-text
    Text,
}

/// Which record a token is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RecordOf<'a> {
    /// Of none.
    Nothing,
    /// All of this one.
    All(&'a str),
    /// That of its row, in a table with this delimiter.
    Column { name: &'a str, delimiter: u8 },
}

impl Shape {
    /// The format, by the options or by the input's name.
    pub(crate) fn format(&self, input: &Path) -> Result<Format<'_>> {
        let refuse = |what: &str| Err(Failure::Input.because(what));
        let (name, delimiter) = match (self.format, format_of(input)) {
            (Some(name), of_ending) => (name, of_ending.map_or(b',', |(_, delimiter)| delimiter)),
            (None, Some(told)) => told,
            (None, None) if self.anywhere_in_plain_text => (FormatName::Text, b','),
            (None, None) => return refuse(UNTOLD),
        };
        let marker = self.html_marker.as_deref().filter(|marker| !marker.is_empty());
        match (name, marker) {
            (FormatName::Csv, _) => Ok(Format::Csv { delimiter: self.delimiter.unwrap_or(delimiter) }),
            (FormatName::Json, _) => Ok(Format::Json),
            (FormatName::Html, Some(marker)) => Ok(Format::Html { marker }),
            (FormatName::Html, None) => refuse(NO_MARKER),
            (FormatName::Text, _) if self.anywhere_in_plain_text => Ok(Format::AnywhereInPlainText),
            (FormatName::Text, _) => refuse(NOT_ANYWHERE),
        }
    }

    /// Which record the tokens are of, in an input of this format.
    pub(crate) fn record_of(&self, format: Format<'_>) -> Result<RecordOf<'_>> {
        match (&self.record, &self.record_column, format) {
            (Some(record), ..) => {
                check_record(record)?;
                Ok(RecordOf::All(record))
            }
            (None, Some(name), Format::Csv { delimiter }) => Ok(RecordOf::Column { name, delimiter }),
            (None, Some(_), _) => Err(Failure::Input.because("--record-column is for CSV: only a table has columns")),
            (None, None, _) => Ok(RecordOf::Nothing),
        }
    }
}

/// A record's id has 1 to 64 bytes.
pub(crate) fn check_record(record: &str) -> Result<()> {
    if record.is_empty() || record.len() > Principal::MAX_ID_LEN {
        let what = format!("a record's id has 1 to {} bytes, and this one {}", Principal::MAX_ID_LEN, record.len());
        return Err(Failure::Input.because(what));
    }
    Ok(())
}

/// What a file is by the ending of its name, and its delimiter.
fn format_of(path: &Path) -> Option<(FormatName, u8)> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "csv" => (FormatName::Csv, b','),
        "tsv" => (FormatName::Csv, b'\t'),
        "json" | "jsonl" | "ndjson" => (FormatName::Json, b','),
        "html" | "htm" => (FormatName::Html, b','),
        "txt" | "log" => (FormatName::Text, b','),
        _ => return None,
    })
}

const UNTOLD: &str = "what the input is can't be told by its name: say --format csv, json, html or text";

const NO_MARKER: &str = "HTML is revealed in marked elements only: say which marker with --html-marker MARKER, as in \
                         <span data-symbolon=\"MARKER\">sym_…</span>";

const NOT_ANYWHERE: &str = "plain text has no places of its own where a value belongs. If nothing renders, runs or follows this \
                            text, say --anywhere-in-plain-text";
