//! Why a store can't be opened.

use core::fmt;

/// Why a store can't be opened, formatted or wiped. `E` is the driver's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The driver failed.
    Flash(E),
    /// Fewer sectors than [`FlashStore::MIN_SECTORS`](crate::FlashStore::MIN_SECTORS).
    TooSmall,
    /// Neither blank nor a store of this geometry. [`FlashStore::format`](crate::FlashStore::format) takes it over.
    Foreign,
    /// It was a store, and bits of it have changed.
    Damaged,
    /// More entries or records than this store has places for.
    NoPlace,
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::TooSmall => f.write_str("the flash has too few sectors"),
            Self::Foreign => f.write_str("the flash holds something else"),
            Self::Damaged => f.write_str("the flash is damaged"),
            Self::NoPlace => f.write_str("the flash holds more than there are places for"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}
