//! The log as an auditor gets it: a file of entries, one after another.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use symbolon::SealedEntry;

/// Entries by their place. What verifies a log goes through it once, and looks back only where something is wrong.
pub trait Log {
    /// The record at this place, counted from 0; `None` behind the last whole one.
    ///
    /// # Errors
    /// The operating system's.
    fn record(&mut self, index: u64) -> io::Result<Option<SealedEntry>>;
    /// How many whole records there are.
    fn count(&self) -> u64;
    /// Bytes behind the last whole record.
    fn torn(&self) -> u64;
}

/// A log in a file, or in anything else that can be read and sought in. Half a megabyte of it is in memory at a time.
#[derive(Debug)]
pub struct LogFile<F> {
    file: F,
    count: u64,
    torn: u64,
    /// The records that are in memory.
    held: Range<u64>,
    bytes: Vec<u8>,
}

impl<F: Read + Seek> LogFile<F> {
    /// The log as long as it is now; what is appended later doesn't belong to it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn new(mut file: F) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, count: len / RECORD, torn: len % RECORD, held: 0..0, bytes: Vec::new() })
    }

    /// Reads the block that begins with this record.
    fn hold(&mut self, first: u64) -> io::Result<()> {
        let end = self.count.min(first.saturating_add(AT_ONCE));
        let len = usize::try_from(end.saturating_sub(first).saturating_mul(RECORD)).map_err(io::Error::other)?;
        self.held = 0..0;
        self.bytes.resize(len, 0);
        self.file.seek(SeekFrom::Start(first.saturating_mul(RECORD)))?;
        self.file.read_exact(&mut self.bytes)?;
        self.held = first..end;
        Ok(())
    }
}

impl<F: Read + Seek> Log for LogFile<F> {
    fn record(&mut self, index: u64) -> io::Result<Option<SealedEntry>> {
        if index >= self.count {
            return Ok(None);
        }
        if !self.held.contains(&index) {
            self.hold(index)?;
        }
        let place = usize::try_from(index.saturating_sub(self.held.start)).map_err(io::Error::other)?;
        let records = self.bytes.as_chunks::<{ SealedEntry::LEN }>().0;
        Ok(records.get(place).map(|record| SealedEntry::from_bytes(*record)))
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn torn(&self) -> u64 {
        self.torn
    }
}

/// Bytes of a record.
#[expect(clippy::as_conversions, reason = "110")]
pub(super) const RECORD: u64 = SealedEntry::LEN as u64;

/// Records that are read at a time.
const AT_ONCE: u64 = 4096;
