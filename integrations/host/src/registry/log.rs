//! The log of the audit trail: sealed entries of one length, one after another.

use std::{fs::File, io, path::Path};

use symbolon::SealedEntry;

use super::files;

/// What the log is written to: a file, or in tests one that fails.
pub(super) trait Medium {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `out` from this place on.
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all bytes at this place.
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts it to a length.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Waits until the disk has all of it.
    fn sync(&mut self) -> io::Result<()>;
}

/// A medium that grows by whole entries.
#[derive(Debug)]
pub(super) struct Log<M = File> {
    medium: M,
    /// Bytes that are durable: a multiple of an entry's length.
    len: u64,
    /// Bytes that were cut off at opening.
    cut: u64,
    last: Option<SealedEntry>,
    /// A write failed, and cutting its remains off failed too.
    uncut: bool,
}

impl Log {
    /// An empty one.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = files::create(path)?;
        file.sync_all()?;
        Self::of(file)
    }

    /// The one that is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::of(files::open(path)?)
    }
}

impl<M: Medium> Log<M> {
    /// Looks at the log's end, and cuts off what an interrupted commit left there.
    pub(super) fn of(medium: M) -> io::Result<Self> {
        let found = medium.len()?;
        let mut log = Self { medium, len: found - found % ENTRY, cut: 0, last: None, uncut: false };
        log.len = log.end_of_whole_entries()?;
        log.cut = found - log.len;
        if log.cut > 0 {
            log.medium.set_len(log.len)?;
            log.medium.sync()?;
        }
        log.last = log.newest(1)?.pop();
        Ok(log)
    }

    /// How many bytes were cut off at opening.
    pub(super) const fn cut(&self) -> u64 {
        self.cut
    }

    /// How many entries there are.
    pub(super) const fn count(&self) -> u64 {
        self.len / ENTRY
    }

    /// The newest entry.
    pub(super) const fn last(&self) -> Option<&SealedEntry> {
        self.last.as_ref()
    }

    /// Appends the entries and waits until the disk has them. On an error none of them is there.
    pub(super) fn append(&mut self, entries: &[SealedEntry]) -> io::Result<()> {
        let Some(last) = entries.last() else { return Ok(()) };
        if self.uncut {
            self.medium.set_len(self.len)?;
            self.uncut = false;
        }
        let bytes: Vec<u8> = entries.iter().flat_map(SealedEntry::as_bytes).copied().collect();
        let written = self.medium.write(&bytes, self.len).and_then(|()| self.medium.sync());
        match written {
            Ok(()) => {
                self.len = self.len.saturating_add(u64::try_from(bytes.len()).map_err(io::Error::other)?);
                self.last = Some(last.clone());
            }
            Err(_) => self.uncut = self.medium.set_len(self.len).is_err(),
        }
        written
    }

    /// Hands the entries over in order; false where `sink` had enough.
    pub(super) fn read(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> io::Result<bool> {
        let mut start = 0;
        while start < self.count() {
            let some = self.range(start, self.count().min(start.saturating_add(AT_ONCE)))?;
            if !some.iter().all(&mut *sink) {
                return Ok(false);
            }
            start = start.saturating_add(AT_ONCE);
        }
        Ok(true)
    }

    /// The newest entries, at most so many, in order.
    pub(super) fn newest(&self, count: u64) -> io::Result<Vec<SealedEntry>> {
        self.range(self.count().saturating_sub(count), self.count())
    }

    fn range(&self, start: u64, end: u64) -> io::Result<Vec<SealedEntry>> {
        let count = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; count.saturating_mul(SealedEntry::LEN)];
        self.medium.read(&mut bytes, start.saturating_mul(ENTRY))?;
        Ok(bytes.as_chunks::<{ SealedEntry::LEN }>().0.iter().map(|entry| SealedEntry::from_bytes(*entry)).collect())
    }

    /// Where the first torn entry begins, among the newest ones. Whatever stands behind it was never waited for: an entry that was
    /// is not torn. So nothing is cut off that a value was released for.
    fn end_of_whole_entries(&self) -> io::Result<u64> {
        let newest = self.newest(LARGEST_BATCH)?;
        let whole = newest.iter().take_while(|entry| !is_torn(entry)).count();
        let torn = u64::try_from(newest.len().saturating_sub(whole)).map_err(io::Error::other)?;
        Ok(self.len.saturating_sub(torn.saturating_mul(ENTRY)))
    }
}

/// True where a page of the disk was never written: an entry whose number and time are zeros, or the last 8 bytes of its tag. (A whole
/// entry ends in 8 zeros once in 2^64, and no clock says 1970.)
fn is_torn(entry: &SealedEntry) -> bool {
    entry.as_bytes().first_chunk() == Some(&[0; 16]) || entry.as_bytes().last_chunk() == Some(&[0; 8])
}

impl Medium for File {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    #[cfg(unix)]
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, out, offset)
    }

    #[cfg(not(unix))]
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(out)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

#[expect(clippy::as_conversions, reason = "110")]
const ENTRY: u64 = SealedEntry::LEN as u64;

/// How far from its end a log is looked at for torn entries.
const LARGEST_BATCH: u64 = 1 << 16;

/// Entries that are read at a time.
const AT_ONCE: u64 = 1 << 12;
