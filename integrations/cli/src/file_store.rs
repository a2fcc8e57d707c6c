//! The store on disk: the audit trail as a log that only grows, and a small file of records.
//!
//! `shop.keyring.state/` holds
//! - `trail.log`: the sealed entries, 110 bytes each, in order;
//! - `records`: the few small records (the trail's state ahead, the clock's floor, sessions that logged out);
//! - `lock`: locked by the one process that uses the store.
//!
//! **Policy.** A commit is durable when the operating system says that the disk has it (`fsync`), once for the whole batch.
//! Records are written first, as a new file that takes the old one's name: the trail's state ahead must be durable before any
//! entry that relies on it. Then the entries are appended. Where that fails, the log is cut back to where it was and the records
//! stay: they only say that some numbers of the trail are spent, and that a session is over. So a failed commit never leaves less
//! on the record than was told, and no value was released for it.
//!
//! **Interruption.** A power cut can leave part of an entry, or zeros, at the log's end. Nothing was released for those, and they
//! are cut off when the store is next opened. Whole entries of a commit that was interrupted stay: the trail may know of an opening
//! that nobody received, never the other way around.
//!
//! **Room.** The log takes what the disk takes. A full disk is an error, and then nothing opens.

mod log;
mod records;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use anyhow::{Context, Result};
use symbolon::{Batch, MAX_RECORD_LEN, RecordKey, SealedEntry, Store, StoreError, Time};

use self::{log::Log, records::Records};
use crate::{error::Failure, private_file};

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct FileStore {
    log: Log,
    records: Records,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl FileStore {
    /// Makes the directory and an empty store in it.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        private_file::create_dir(dir).with_context(|| format!("can't make {}", dir.display()))?;
        let lock = lock(dir, true)?;
        let cant = || format!("can't write in {}", dir.display());
        let log = Log::create(dir).with_context(cant)?;
        let records = Records::create(dir).with_context(cant)?;
        private_file::sync_dir(dir).with_context(cant)?;
        Ok(Self { log, records, _lock: lock })
    }

    /// Opens the store, and repairs what an interrupted commit left.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let lock = lock(dir, false)?;
        let log = Log::open(dir).with_context(|| format!("can't use the audit trail in {}", dir.display()))?;
        let records = Records::open(dir).with_context(|| format!("can't use the records in {}", dir.display()))?;
        Ok(Self { log, records, _lock: lock })
    }

    /// Tells of a repair.
    pub(crate) fn report_repairs(&self, dir: &Path) {
        let bytes = self.log.cut();
        if bytes > 0 {
            let dir = dir.display();
            eprintln!(
                "symbolon: the last write to the audit trail in {dir} was interrupted; its {bytes} bytes are cut off"
            );
        }
    }
}

impl Store for FileStore {
    fn room(&self) -> usize {
        usize::MAX
    }

    fn record_room(&self, _now: Time) -> usize {
        usize::MAX
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; MAX_RECORD_LEN]) -> Result<Option<usize>, StoreError> {
        let Some(value) = self.records.get(key) else { return Ok(None) };
        out.get_mut(..value.len()).ok_or(StoreError)?.copy_from_slice(value);
        Ok(Some(value.len()))
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let written = self.records.put(batch).and_then(|()| self.log.append(batch.entries()));
        written.map_err(|error| {
            // The core's error says nothing of the cause, and the reader needs it.
            eprintln!("symbolon: can't write to the audit trail: {error}");
            StoreError
        })
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.log.read(sink).map_err(|_| StoreError)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.log.last().map_err(|_| StoreError)
    }

    /// Keeps them: the log is where entries are drained to.
    fn acknowledge(&mut self, _sequence: u64) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Takes the store for this process alone.
fn lock(dir: &Path, create: bool) -> Result<File> {
    let path = dir.join("lock");
    let opened = if create { create_private(&path) } else { OpenOptions::new().read(true).write(true).open(&path) };
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_store(dir)),
        opened => opened.with_context(|| format!("can't open {}", path.display()))?,
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another symbolon is using {}: try again when it is done", dir.display());
            Err(Failure::Unavailable.because(message))
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("can't lock {}", path.display())),
    }
}

fn no_store(dir: &Path) -> anyhow::Error {
    let message = format!(
        "there is no audit trail at {dir}, and nothing opens without one. If it was moved, bring it back. If it is lost, `symbolon \
         backup` the keyring and `symbolon restore` it under another name: a new trail begins there",
        dir = dir.display()
    );
    Failure::Unavailable.because(message)
}

/// A new file of mode 0600.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
