//! One spelling for a value that was typed in many ways: what a blind index is made of, and looked up by. SPEC.md section 14.
//!
//! The core stores values byte for byte, and nothing here touches them. Only the *search key* is normalised, on the way into the index and
//! on the way to a lookup, by the same normaliser.
//!
//! **Versions.** What a normaliser gives for a value never changes; rules that give something else are another normaliser, with another
//! [version](Normaliser::version), and that number is part of the index's key. So an index that was made under old rules is never
//! searched by new ones: it finds nothing, which is noticed, instead of some, which is not.
//!
//! **Unicode.** Code points that are not assigned are refused. Unicode promises never to change the normal form, the case folding or
//! the white space of an assigned one; so newer data makes more texts acceptable, and changes no result. (For internationalised domains
//! there is no such promise: a newer version of the `idna` crate is to be taken with care.) A table of results is tested.
//!
//! ```
//! use symbolon_host::normalise::{Country, Normaliser};
//!
//! # fn main() -> Result<(), symbolon_host::normalise::NormaliseError> {
//! assert_eq!(Normaliser::EmailV1.normalise(" Hanako@Ｅxample.JP ")?.expose(), "hanako@example.jp");
//! assert_eq!(Normaliser::PhoneV1 { country: Country::JAPAN }.normalise("０３−１２３４−５６７８")?.expose(), "+81312345678");
//! assert_eq!(Normaliser::TextV1.normalise("ｻ‐ﾊﾞ-　１−２")?.expose(), "サーバー 1-2");
//! # Ok(()) }
//! ```

mod email;
mod phone;
mod text;

use std::fmt;

use zeroize::Zeroize;

pub use self::phone::Country;

/// The rules that make a search key of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Normaliser {
    /// An e-mail address: the local part without regard to case, the domain in its ASCII form. Dots and `+` tags stay, for most
    /// hosts tell them apart.
    EmailV1,
    /// A telephone number in the form of E.164, without an extension.
    PhoneV1 {
        /// Where numbers without a country's code belong. An index has one country for all its life.
        country: Country,
    },
    /// A name, an address, any text: without regard to case, width, kinds of hyphens and amounts of white space.
    TextV1,
}

impl Normaliser {
    /// The number that goes into the index's key: one for each normaliser and version of it, never used again.
    ///
    /// 1 e-mail version 1, 2 phone version 1, 3 text version 1.
    #[must_use]
    pub const fn version(self) -> u16 {
        match self {
            Self::EmailV1 => 1,
            Self::PhoneV1 { .. } => 2,
            Self::TextV1 => 3,
        }
    }

    /// The one spelling of a value.
    ///
    /// # Errors
    /// [`NormaliseError`], which never holds the value.
    pub fn normalise(self, value: &str) -> Result<Normalised, NormaliseError> {
        let normalised = match self {
            Self::EmailV1 => email::normalise(value),
            Self::PhoneV1 { country } => phone::normalise(value, country),
            Self::TextV1 => text::normalise(value),
        }?;
        match normalised.0.len() {
            0 => Err(NormaliseError::Empty),
            1..=MAX_NORMALISED_LEN => Ok(normalised),
            _ => Err(NormaliseError::TooLong),
        }
    }
}

/// The longest search key, in bytes.
pub const MAX_NORMALISED_LEN: usize = 1_022;

/// A search key. It tells as much as the value, so it is treated like one: printed as redacted, wiped on drop.
#[derive(PartialEq, Eq)]
pub struct Normalised(String);

impl Normalised {
    /// The text, for the function that makes the index value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Normalised {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Normalised(redacted)")
    }
}

/// Why there is no search key for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NormaliseError {
    /// Nothing is left.
    Empty,
    /// More than 1,022 bytes.
    TooLong,
    /// A character that Unicode, as this program knows it, does not have yet.
    Unassigned,
    /// Not an e-mail address: no `@`, nothing before it, white space inside, or a domain that is none.
    NotAnAddress,
    /// Not a telephone number, or one of fewer than 7 or more than 15 digits.
    NotANumber,
    /// A telephone number without a country's code and without the area that its country asks for.
    NoArea,
}

impl fmt::Display for NormaliseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing is left to search by",
            Self::TooLong => "longer than 1,022 bytes",
            Self::Unassigned => "holds a character that Unicode does not have",
            Self::NotAnAddress => "not an e-mail address",
            Self::NotANumber => "not a telephone number of 7 to 15 digits",
            Self::NoArea => "a telephone number without country and area",
        })
    }
}

impl std::error::Error for NormaliseError {}

#[cfg(test)]
mod tests;
