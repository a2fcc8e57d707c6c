//! Why a store on disk could not do what it was asked.

use std::{error, fmt, io};

/// Why a store on disk could not do what it was asked. Holds no record, no value and no key.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no store at this place.
    Missing,
    /// There is something at this place already, and nothing is written over.
    Exists,
    /// Another process is using the store; it is free when that process ends, however it ends.
    Locked,
    /// The files are not what this program wrote.
    Damaged(&'static str),
    /// An index's name, or a row's reference, has more than 64 bytes, or the name has none.
    Length,
    /// The operating system refused.
    Io(io::Error),
    /// The database refused.
    Database(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no store here"),
            Self::Exists => f.write_str("there is something here already, and nothing is written over"),
            Self::Locked => f.write_str("another process is using the store"),
            Self::Damaged(what) => write!(f, "the store is damaged: {what}"),
            Self::Length => f.write_str("an index's name has 1 to 64 bytes, a row's reference at most 64"),
            Self::Io(error) => write!(f, "the store's files can't be used: {error}"),
            Self::Database(error) => write!(f, "the store's database can't be used: {error}"),
        }
    }
}

impl error::Error for RegistryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Database(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<io::Error> for RegistryError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The database has an error type for each step; all of them become one.
macro_rules! from_database {
    ($($error:ident),+) => {$(
        impl From<redb::$error> for RegistryError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error))
            }
        }
    )+};
}

from_database!(CommitError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError);
