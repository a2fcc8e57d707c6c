//! The records: few and small, so the whole file is written anew when one of them changes.
//!
//! ```text
//! "symbolon records 1\n", then for each: table 1 | id 16 | expires LE64 | length 1 | value
//! ```

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use symbolon::{Batch, MAX_RECORD_LEN, RecordKey, Time};
use tempfile::NamedTempFile;

use crate::private_file;

/// The records as the file has them.
#[derive(Debug)]
pub(super) struct Records {
    dir: PathBuf,
    kept: Kept,
}

/// By table and id: when it expires, and the value.
type Kept = BTreeMap<(u8, [u8; 16]), (Time, Vec<u8>)>;

impl Records {
    /// No records yet.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        let records = Self { dir: dir.into(), kept: Kept::new() };
        records.write(&records.kept)?;
        Ok(records)
    }

    /// Reads the file.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let bytes = fs::read(dir.join(NAME))?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
        Ok(Self { dir: dir.into(), kept: parse(&bytes).ok_or_else(damaged)? })
    }

    /// The value of a record.
    pub(super) fn get(&self, key: &RecordKey) -> Option<&[u8]> {
        self.kept.get(&(key.table as u8, key.id)).map(|(_, value)| value.as_slice())
    }

    /// Puts the batch's records, drops those that have expired, and waits until the disk has it. Without records nothing is written.
    pub(super) fn put(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        if batch.records().next().is_none() {
            return Ok(());
        }
        let mut kept = self.kept.clone();
        kept.retain(|_, (expires, _)| *expires > batch.now());
        for record in batch.records() {
            kept.insert((record.key().table as u8, record.key().id), (record.expires(), record.value().into()));
        }
        self.write(&kept)?;
        self.kept = kept;
        Ok(())
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.dir)?;
        file.write_all(&to_bytes(kept))?;
        file.as_file().sync_all()?;
        file.persist(self.dir.join(NAME)).map_err(|error| error.error)?;
        private_file::sync_dir(&self.dir)
    }
}

fn to_bytes(kept: &Kept) -> Vec<u8> {
    let mut bytes = TITLE.to_vec();
    for ((table, id), (expires, value)) in kept {
        bytes.push(*table);
        bytes.extend_from_slice(id);
        bytes.extend_from_slice(&expires.as_millis().to_le_bytes());
        bytes.push(value.len() as u8); // At most MAX_RECORD_LEN.
        bytes.extend_from_slice(value);
    }
    bytes
}

fn parse(bytes: &[u8]) -> Option<Kept> {
    let mut rest = bytes.strip_prefix(TITLE)?;
    let mut kept = Kept::new();
    while !rest.is_empty() {
        let ([table], after) = rest.split_first_chunk()?;
        let (id, after) = after.split_first_chunk()?;
        let (expires, after) = after.split_first_chunk()?;
        let ([len], after) = after.split_first_chunk()?;
        let (value, after) =
            after.split_at_checked(usize::from(*len)).filter(|(value, _)| value.len() <= MAX_RECORD_LEN)?;
        let expires = Time::from_millis(u64::from_le_bytes(*expires));
        if kept.insert((*table, *id), (expires, value.into())).is_some() {
            return None;
        }
        rest = after;
    }
    Some(kept)
}

const TITLE: &[u8] = b"symbolon records 1\n";

const NAME: &str = "records";
