//! The log that an appliance's entries are fetched to: `shop.roles.state/trail.log`, 110 bytes each, in order, each once.
//!
//! Entries are durable when [`FetchedLog::keep`] returns, and are acknowledged only then. So what a power cut leaves torn at the log's end, the appliance
//! still has: it is cut off, and comes again.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context, Result};
use symbolon::SealedEntry;

use super::inputs::TRAIL;
use crate::{error::Failure, private_file};

/// A log that is open for one process alone.
pub(super) struct FetchedLog {
    file: File,
    name: String,
    count: u64,
}

impl FetchedLog {
    /// Opens the log in this directory, which is made where it isn't there yet.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(TRAIL);
        let name = path.display().to_string();
        let file = open_or_create(dir, &path).with_context(|| format!("can't open {name}"))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Unavailable
                    .because(format!("another symbolon is using {name}: try again when it is done")));
            }
            locked => locked.map_err(io::Error::from).with_context(|| format!("can't lock {name}"))?,
        }
        let mut log = Self { file, name, count: 0 };
        log.cut_torn_end().with_context(|| format!("can't use {}", log.name))?;
        Ok(log)
    }

    /// Appends those that are not there yet, and waits until the disk has them: how many.
    pub(super) fn keep(&mut self, entries: &[SealedEntry]) -> Result<u64> {
        let cant = |name: &str| format!("can't write {name}: nothing was acknowledged, and the appliance still has it");
        let kept = self.among(entries).with_context(|| format!("can't read {}", self.name))?;
        let Some(kept) = kept else { return Err(self.other_trail()) };
        let new = entries.get(kept..).unwrap_or_default();
        let bytes: Vec<u8> = new.iter().flat_map(SealedEntry::as_bytes).copied().collect();
        self.append(&bytes).with_context(|| cant(&self.name))?;
        let fetched = u64::try_from(new.len())?;
        self.count += fetched;
        Ok(fetched)
    }

    /// How many from the front are in the log already; `None` where the log says something else in their place.
    fn among(&mut self, entries: &[SealedEntry]) -> io::Result<Option<usize>> {
        let last = if self.count == 0 { None } else { Some(self.entry(self.count - 1)?.sequence()) };
        let mut kept = 0;
        for entry in entries.iter().take_while(|entry| last.is_some_and(|last| entry.sequence() <= last)) {
            match self.find(entry.sequence())? {
                Some((_, found)) if found == *entry => kept += 1,
                // A page that never reached the disk began within it.
                Some((index, found)) if index + 1 == self.count && is_torn_copy(&found, entry) => {
                    self.count = index;
                    break;
                }
                _ => return Ok(None),
            }
        }
        // In order, and each once: a log that isn't would be damaged by us.
        let new = entries.get(kept..).unwrap_or_default();
        let rises = new.windows(2).all(|pair| matches!(pair, [one, next] if one.sequence() < next.sequence()));
        Ok(Some(kept).filter(|_| rises))
    }

    /// The entry with this number, and its place.
    fn find(&mut self, sequence: u64) -> io::Result<Option<(u64, SealedEntry)>> {
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            let entry = self.entry(middle)?;
            match entry.sequence().cmp(&sequence) {
                std::cmp::Ordering::Equal => return Ok(Some((middle, entry))),
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Ok(None)
    }

    fn entry(&mut self, index: u64) -> io::Result<SealedEntry> {
        let mut bytes = [0; SealedEntry::LEN];
        self.file.seek(SeekFrom::Start(index * ENTRY))?;
        self.file.read_exact(&mut bytes)?;
        Ok(SealedEntry::from_bytes(bytes))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.count * ENTRY))?;
        self.file.write_all(bytes).and_then(|()| self.file.sync_data())
    }

    /// What was written and never waited for may be cut, or zeros where the disk had no page yet.
    fn cut_torn_end(&mut self) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        self.count = len / ENTRY;
        let newest = self.count.saturating_sub(LARGEST_BATCH);
        for index in newest..self.count {
            if is_torn(&self.entry(index)?) {
                self.count = index;
                break;
            }
        }
        let whole = self.count * ENTRY;
        if whole < len {
            eprintln!(
                "symbolon: the last write to {} was interrupted; its {} bytes are cut off",
                self.name,
                len - whole
            );
            self.file.set_len(whole)?;
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn other_trail(&self) -> anyhow::Error {
        Failure::Input.because(format!(
            "{} has other entries than the appliance under the same numbers: it is of another appliance, of the time before it was zeroised, or \
             damaged. Nothing was acknowledged. Move the log away if a new one is to begin, and keep it",
            self.name
        ))
    }
}

fn open_or_create(dir: &Path, path: &Path) -> io::Result<File> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The names must survive a power cut before the appliance forgets anything.
    private_file::sync_dir(dir)?;
    private_file::sync_dir(private_file::directory_of(dir))?;
    Ok(file)
}

/// Its number and time are zeros, or the end of its tag is: no whole entry is so.
fn is_torn(entry: &SealedEntry) -> bool {
    entry.as_bytes().first_chunk() == Some(&[0; 16]) || entry.as_bytes().last_chunk() == Some(&[0; 8])
}

/// The same up to somewhere, and zeros from there on.
fn is_torn_copy(torn: &SealedEntry, whole: &SealedEntry) -> bool {
    let pairs = torn.as_bytes().iter().zip(whole.as_bytes());
    pairs.skip_while(|(torn, whole)| torn == whole).all(|(torn, _)| *torn == 0)
}

const ENTRY: u64 = SealedEntry::LEN as u64;

/// More than come at a time.
const LARGEST_BATCH: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of this number whose other bytes are `fill`.
    fn entry(number: u64, fill: u8) -> SealedEntry {
        let mut bytes = [fill; SealedEntry::LEN];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        SealedEntry::from_bytes(bytes)
    }

    fn numbers(dir: &Path) -> Vec<u64> {
        let bytes = fs::read(dir.join(TRAIL)).unwrap();
        bytes.chunks(SealedEntry::LEN).map(|entry| u64::from_le_bytes(*entry.first_chunk().unwrap())).collect()
    }

    /// What comes again is kept once, in order, over gaps, and after the log was closed.
    #[test]
    fn each_once() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("s");
        let entries: Vec<_> = [0, 1, 2, 5, 6, 9].map(|number| entry(number, 7)).into();
        let mut log = FetchedLog::open(&dir).unwrap();
        assert_eq!(log.keep(&entries[..3]).unwrap(), 3);
        assert_eq!(log.keep(&entries[1..5]).unwrap(), 2);
        assert!(FetchedLog::open(&dir).is_err(), "one at a time");
        drop(log);
        let mut log = FetchedLog::open(&dir).unwrap();
        assert_eq!((log.keep(&entries).unwrap(), log.keep(&entries).unwrap(), log.keep(&[]).unwrap()), (1, 0, 0));
        assert_eq!(numbers(&dir), [0, 1, 2, 5, 6, 9]);
    }

    /// Another trail's entries, and what is out of order, change nothing.
    #[test]
    fn another_trail_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("s");
        let mut log = FetchedLog::open(&dir).unwrap();
        log.keep(&[entry(0, 7), entry(1, 7), entry(4, 7)]).unwrap();
        for others in [
            vec![entry(1, 8)],
            vec![entry(2, 7)],
            vec![entry(4, 7), entry(6, 7), entry(5, 7)],
            vec![entry(5, 7), entry(5, 7)],
        ] {
            assert_eq!(crate::error::code(&log.keep(&others).unwrap_err()), 5);
        }
        assert_eq!(numbers(&dir), [0, 1, 4]);
    }

    /// A write that was cut, or never reached the disk, is cut off, and comes again.
    #[test]
    fn a_torn_end_comes_again() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("s");
        let entries = [entry(0, 7), entry(1, 7), entry(2, 7)];
        FetchedLog::open(&dir).unwrap().keep(&entries).unwrap();
        let whole = fs::read(dir.join(TRAIL)).unwrap();
        for cut in 0..=whole.len() {
            let zeros = [&whole[..cut], &vec![0; whole.len() - cut]].concat();
            for torn in [&whole[..cut], &zeros] {
                fs::write(dir.join(TRAIL), torn).unwrap();
                FetchedLog::open(&dir).unwrap().keep(&entries).unwrap();
                assert_eq!(fs::read(dir.join(TRAIL)).unwrap(), whole, "{cut}");
            }
        }
    }
}
