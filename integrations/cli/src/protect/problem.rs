//! What is wrong with an input, and where. It names places, never values.

use std::fmt;

use symbolon::{Error, Field, Principal};
use symbolon_host::normalise::NormaliseError;

use crate::error::Failure;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it stands.
    pub(crate) place: Place,
    /// The column, where it is one cell's.
    pub(crate) column: Option<String>,
    /// What it is.
    pub(crate) what: What,
}

/// A row, as a spreadsheet or an editor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The file as a whole.
    File,
    /// A row of a table, its header being row 1; and the line where it begins, which differs after cells of several lines.
    Row { row: u64, line: u64 },
    /// A line of JSON Lines.
    Line(u64),
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The field doesn't take the value.
    Invalid(Field),
    /// The value must not be stored by anybody.
    Forbidden,
    /// Longer than any token holds.
    TooLong(usize),
    /// Begins like a token and is none.
    DamagedToken,
    /// No owner, or no record.
    Missing(Id),
    /// One of too many bytes.
    Long(Id, usize),
    /// White space around it.
    Spaced(Id),
    /// Tokens where owners or records should be.
    IsToken(Id),
    /// The owner was erased.
    Erased,
    /// A token that is not what the plan says of its column.
    OtherField { token: Field, plan: Field },
    /// A token of an older epoch that could not be sealed anew.
    NotRewrapped,
    /// No digits to be kept at a surrogate's end.
    NoFourDigits,
    /// A token that a surrogate can't stand for.
    TokenTooLong,
    /// Neither a token nor a surrogate.
    NoToken,
    /// A surrogate that nothing is kept for.
    UnknownSurrogate,
    /// A value that there is no search key for.
    NoSearchKey(NormaliseError),
    /// A token where a value is needed.
    NoPlainValue,
    /// A token among other text, where it is not worked on.
    TokenInText,
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

/// What else than a value stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// Whose it is.
    Owner,
    /// Which record it is about.
    Record,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Record => "record",
        })
    }
}

impl Problem {
    /// Something wrong with one cell.
    pub(crate) fn of_cell(place: Place, column: &str, what: What) -> Self {
        Self { place, column: Some(column.to_owned()), what }
    }

    /// The error that this ends a run with.
    pub(crate) fn into_error(self, input: &str) -> anyhow::Error {
        let failure = if self.what == What::NoRandomNumbers { Failure::Unavailable } else { Failure::Input };
        failure.because(self.describe(input))
    }

    /// The whole sentence, with the name of the input in front.
    pub(crate) fn describe(&self, input: &str) -> String {
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
    pub(crate) fn of_refusal(error: Error, field: Field, len: usize) -> Self {
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
            Self::Missing(Id::Owner) => "there is no owner in this row: without one nobody could ever open it".into(),
            Self::Missing(Id::Record) => {
                "there is no record in this row, and what is bound to one could never be opened without it".into()
            }
            Self::Long(id, len) => format!("the {id} has {len} bytes; {} are possible", Principal::MAX_ID_LEN),
            Self::Spaced(id) => format!(
                "there is white space before or behind the {id}: the {id} would not be found by that name again"
            ),
            Self::IsToken(id) => format!("there is a token in place of the {id}: is this the right column?"),
            Self::Erased => {
                "this owner was erased, and nothing is protected for them any more. Take the owner's rows out of the file".into()
            }
            Self::OtherField { token, plan } => format!(
                "this token is of {token}, and the column is said to hold {plan}. It was left as it is"
            ),
            Self::NotRewrapped => {
                "this token did not open for this row's owner, and was left as it is: another's token in this row, another record, \
                 an epoch that the keyring doesn't have, or an owner who was erased. The audit trail has the reason"
                    .into()
            }
            Self::NoFourDigits => "there are no four digits in this value that a surrogate could keep".into(),
            Self::TokenTooLong => {
                "this token is too long for a surrogate, which stands for card numbers, telephone numbers and other fields of 32 bytes"
                    .into()
            }
            Self::NoToken => "this is neither a token nor a surrogate. Protect the file first".into(),
            Self::UnknownSurrogate => {
                "nothing is kept for this surrogate: it is of another keyring, or its owner was erased. It was left as it is".into()
            }
            Self::NoSearchKey(why) => format!("this can't be searched by: {why}. Correct it, or index the column as free-text"),
            Self::NoPlainValue => {
                "this is a token, and an index is made of values. Take the file from before it was protected".into()
            }
            Self::TokenInText => {
                "there is a token among other text or values here, which is not worked on. It was left as it is".into()
            }
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
