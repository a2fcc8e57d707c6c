//! The log of the audit trail: sealed entries of one length, one after another.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use symbolon::{ENTRY_LEN, SealedEntry};

/// A file that grows by whole entries.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Bytes that are durable: a multiple of an entry's length.
    len: u64,
    /// Bytes that were cut off at opening.
    cut: u64,
    /// A write failed, and so did cutting its remains off: what the file's end holds is unknown.
    broken: bool,
}

impl Log {
    /// An empty one.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        let file = super::create_private(&dir.join(NAME))?;
        file.sync_all()?;
        Ok(Self { file, len: 0, cut: 0, broken: false })
    }

    /// Opens the log and cuts off what an interrupted commit left.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(dir.join(NAME))?;
        let found = file.metadata()?.len();
        let mut log = Self { file, len: found - found % ENTRY, cut: 0, broken: false };
        while log.last_bytes()? == Some([0; ENTRY_LEN]) {
            log.len -= ENTRY;
        }
        log.cut = found - log.len;
        if log.cut > 0 {
            log.file.set_len(log.len)?;
            log.file.sync_all()?;
        }
        Ok(log)
    }

    /// How many bytes were cut off at opening.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Appends the entries and waits until the disk has them.
    pub(super) fn append<'e>(&mut self, entries: impl Iterator<Item = &'e SealedEntry>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed half-way"));
        }
        let bytes: Vec<u8> = entries.flat_map(|entry| entry.as_bytes().iter().copied()).collect();
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.write_at_end(&bytes);
        match written {
            Ok(()) => self.len += bytes.len() as u64,
            Err(_) => self.broken = self.file.set_len(self.len).is_err(),
        }
        written
    }

    /// Hands the entries over in order, until `sink` has enough.
    pub(super) fn read(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> io::Result<()> {
        (&self.file).seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new((&self.file).take(self.len));
        let mut bytes = [0; ENTRY_LEN];
        for _ in 0..self.len / ENTRY {
            reader.read_exact(&mut bytes)?;
            if !sink(&SealedEntry::from_bytes(bytes)) {
                break;
            }
        }
        Ok(())
    }

    /// The newest entry.
    pub(super) fn last(&self) -> io::Result<Option<SealedEntry>> {
        self.last_bytes().map(|bytes| bytes.map(SealedEntry::from_bytes))
    }

    fn last_bytes(&self) -> io::Result<Option<[u8; ENTRY_LEN]>> {
        let Some(start) = self.len.checked_sub(ENTRY) else { return Ok(None) };
        let mut bytes = [0; ENTRY_LEN];
        (&self.file).seek(SeekFrom::Start(start))?;
        (&self.file).read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

const ENTRY: u64 = ENTRY_LEN as u64;

const NAME: &str = "trail.log";
