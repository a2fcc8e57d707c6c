//! What is wrong with an input, and where. It names places, never values.

use std::fmt;

use symbolon::{Error, Field, MAX_ID_LEN};

use crate::error::Failure;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where it stands.
    pub(super) place: Place,
    /// The column, where it is one cell's.
    pub(super) column: Option<String>,
    /// What it is.
    pub(super) what: What,
}

/// A row, as a spreadsheet or an editor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The file as a whole.
    File,
    /// A row of a table, its header being row 1; and the line where it begins, which differs after cells of several lines.
    Row { row: u64, line: u64 },
    /// A line of JSON Lines.
    Line(u64),
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The field doesn't take the value.
    Invalid(Field),
    /// The value must not be stored by anybody.
    Forbidden,
    /// Longer than any token holds.
    TooLong(usize),
    /// Begins like a token and is none.
    DamagedToken,
    /// No owner.
    NoOwner,
    /// An owner of too many bytes.
    LongOwner(usize),
    /// White space around the owner.
    SpacedOwner,
    /// Tokens where owners should be.
    OwnerIsToken,
    /// Bytes that aren't UTF-8.
    NotUtf8,
    /// A row with more or fewer cells than the header.
    Uneven { expected: u64, found: u64 },
    /// A JSON value that is no string.
    NotAString,
    /// The random number generator has failed.
    NoRandomNumbers,
    /// Anything else, in words.
    Other(String),
}

impl Problem {
    /// Something wrong with one cell.
    pub(super) fn of_cell(place: Place, column: &str, what: What) -> Self {
        Self { place, column: Some(column.to_owned()), what }
    }

    /// The error that this ends a run with.
    pub(super) fn into_error(self, input: &str) -> anyhow::Error {
        let failure = if self.what == What::NoRandomNumbers { Failure::Unavailable } else { Failure::Input };
        failure.because(self.describe(input))
    }

    /// The whole sentence, with the name of the input in front.
    pub(super) fn describe(&self, input: &str) -> String {
        match &self.column {
            Some(column) => format!("{input}{}, column {column:?}: {}", self.place, self.what.describe(column)),
            None => format!("{input}{}: {}", self.place, self.what.describe("COLUMN")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Row { row, line } if row == line => write!(f, ", row {row}"),
            Self::Row { row, line } => write!(f, ", row {row} (line {line})"),
            Self::Line(line) => write!(f, ", line {line}"),
        }
    }
}

impl What {
    /// Why `field` refuses a value of `len` bytes.
    pub(super) fn of_refusal(error: Error, field: Field, len: usize) -> Self {
        match error {
            Error::TooLong => Self::TooLong(len),
            Error::ForbiddenValue => Self::Forbidden,
            Error::InvalidValue => Self::Invalid(field),
            Error::RngFailed => Self::NoRandomNumbers,
            other => Self::Other(other.to_string()),
        }
    }

    fn describe(&self, column: &str) -> String {
        match self {
            Self::Invalid(field) => format!(
                "this is not what {field} takes. {} Correct it, or protect the column as something else, such as \
                 --field {column}=free-text",
                field.requirement()
            ),
            Self::Forbidden => format!(
                "a card's security code or track data. It must not be kept after the payment is authorised, not even encrypted \
                 (PCI DSS 4.0.1, 3.3.1). Remove it, or leave the column out: --drop-column {column}"
            ),
            Self::TooLong(len) => {
                format!(
                    "this value has {len} bytes and a token holds 1,022 at most. Shorten it, or divide it into several columns"
                )
            }
            Self::DamagedToken => {
                "this looks like a damaged token: it begins with sym_ but is cut or changed. Take it from where it is \
                 still whole"
                    .into()
            }
            Self::NoOwner => "there is no owner in this row: without one nobody could ever open it".into(),
            Self::LongOwner(len) => format!("the owner has {len} bytes; {MAX_ID_LEN} are possible"),
            Self::SpacedOwner => {
                "there is white space before or behind the owner: the owner would not be found by that name again"
                    .into()
            }
            Self::OwnerIsToken => "there is a token in place of the owner: is this the right column?".into(),
            Self::NotUtf8 => {
                "this is not UTF-8. Save the file as UTF-8 (for example: iconv -f SHIFT_JIS -t UTF-8)".into()
            }
            Self::Uneven { expected, found } => format!(
                "the header has {expected} columns and this row {found}. Is a quote missing here or above, or is the delimiter \
                 another one (--delimiter)?"
            ),
            Self::NotAString => "only strings can be protected, and this is another kind of value".into(),
            Self::NoRandomNumbers => "the random number generator has failed, and nothing is sealed without it".into(),
            Self::Other(what) => what.clone(),
        }
    }
}
