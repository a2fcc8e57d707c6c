//! The store on disk: the audit trail as a log that only grows, and an embedded database for all else.
//!
//! The directory (mode 0700, its files 0600) holds
//! - `trail.log`: the sealed entries, 110 bytes each, in order;
//! - `registry.redb`: records, surrogates and index rows;
//! - `lock`: locked by the one process that uses the store.
//!
//! # Policy
//! A commit is durable when the operating system says that the disk has it (`fsync`). A batch of entries alone costs one, for the log.
//! A batch with records is one transaction of the database, which holds the batch's entries too; then they are appended to the
//! log. Where that is interrupted, the database still has them, and they are appended when the store is next opened (or, where
//! only the write failed, before the next commit). So of every batch there is all or nothing. A commit that was not acknowledged
//! may have been kept whole: the trail may know of an opening that nobody received, never the other way around.
//!
//! A power cut can leave part of an entry, or zeros, at the log's end. Nothing was released for those. They are cut off when the store
//! is next opened; [`DiskStore::cut`] tells how many bytes.
//!
//! # Erasure
//! The record of an owner who was erased takes the owner's surrogates and index rows with it, in the same transaction. But the
//! database writes new pages and leaves old ones, and in one of those the owner's secret can still be read. So it is noted, again in
//! the same transaction, that a **scrub** is due: the live rows are copied to a new file, and the old one is overwritten with zeros.
//! A scrub takes as long as the whole database is large, so it is not part of a commit: the host calls
//! [`DiskStore::scrub_if_due`] when it is done with its erasures, and opening the store makes up for one that did not come to be. **An owner
//! is erased when this has returned.**
//!
//! The limit: what a program overwrites need not be gone. Solid-state disks and file systems that copy on write (btrfs, ZFS) or
//! journal data write elsewhere; file systems keep blocks that the database gave back when it shrank; snapshots and backups keep
//! everything; memory is swapped out. Where this matters, encrypt the disk, keep the directory out of snapshots and backups (it must never be put
//! back to an earlier state anyway), and swap to nothing. The secret is useless without a root key.
//!
//! # Room
//! The log and the database take what the disk takes. A full disk is an error, and then nothing opens.
//!
//! # Example
//! ```
//! use getrandom::SysRng;
//! use symbolon::*;
//! use symbolon_host::registry::DiskStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let dir = place.path().join("store");
//! let vault = Vault::new(Keyring::generate(&mut SysRng)?, &Config::new(b"order-pages"))?;
//! let mut store = DiskStore::create(&dir)?;
//! let _audit_key = AuditKey::create(&vault, &mut store, &mut SysRng)?;
//! drop(store);
//!
//! let clock = || Some(Time::from_secs(1_800_000_000));
//! let store = DiskStore::open(&dir)?;
//! let mut host: Host<_> = Host::open(&vault, Parts { clock, rng: SysRng, store })?;
//! vault.log_out(SessionId::from_bytes([7; 16]), &mut host)?; // durable when this returns
//! # Ok(()) }
//! ```

mod error;
mod files;
mod index;
mod log;
mod rows;
mod scrub;

use std::{
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use symbolon::{Batch, Record, RecordKey, SealedEntry, Store, StoreError, Time};

pub use self::{
    error::RegistryError,
    index::{Index, IndexRow, MAX_REFERENCE_LEN, Match},
};
use self::{
    log::Log,
    rows::{Row, Rows, row_key},
};

/// A store in a directory. See the [module's documentation](self).
pub struct DiskStore {
    dir: PathBuf,
    log: Log,
    /// None after a failure, until the database could be opened again.
    rows: Option<Rows>,
    /// Entries that the database holds and the log lacks, because the log could not be written.
    behind: Vec<SealedEntry>,
    failure: Option<RegistryError>,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl DiskStore {
    /// Makes the directory, and an empty store in it.
    ///
    /// # Errors
    /// [`RegistryError::Exists`], [`RegistryError::Io`], [`RegistryError::Database`]
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let dir = dir.as_ref();
        files::create_dir(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => RegistryError::Exists,
            _ => error.into(),
        })?;
        let lock = files::create(&dir.join(LOCK))?;
        files::lock(&lock)?;
        let rows = Rows::create(files::create(&dir.join(scrub::NAME))?)?;
        let log = Log::create(&dir.join(TRAIL))?;
        files::sync_dir(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::sync_dir(parent)?;
        }
        Ok(Self { dir: dir.into(), log, rows: Some(rows), behind: Vec::new(), failure: None, _lock: lock })
    }

    /// Opens the store, and makes up for what was interrupted: a commit, a scrub.
    ///
    /// # Errors
    /// [`RegistryError::Missing`], [`RegistryError::Locked`], [`RegistryError::Damaged`], [`RegistryError::Io`],
    /// [`RegistryError::Database`]
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let dir = dir.as_ref();
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => RegistryError::Missing,
            _ => error.into(),
        };
        let lock = files::open(&dir.join(LOCK)).map_err(missing)?;
        files::lock(&lock)?;
        let log = Log::open(&dir.join(TRAIL)).map_err(missing)?;
        let mut store = Self { dir: dir.into(), log, rows: None, behind: Vec::new(), failure: None, _lock: lock };
        store.settle()?;
        store.scrub_if_due()?;
        Ok(store)
    }

    /// How many bytes of an interrupted write were cut off the trail when the store was opened.
    #[must_use]
    pub const fn cut(&self) -> u64 {
        self.log.cut()
    }

    /// Why the last commit failed, once: the core's error says nothing of the cause.
    pub const fn take_failure(&mut self) -> Option<RegistryError> {
        self.failure.take()
    }

    /// True where somebody was erased whose secret may still be in old pages.
    ///
    /// # Errors
    /// The database's.
    pub fn scrub_due(&self) -> Result<bool, RegistryError> {
        self.rows()?.scrub_due()
    }

    /// [Scrubs](Self::scrub) where that is due; tells whether it was. To be called after one erasure, or after many.
    ///
    /// # Errors
    /// As for [`scrub`](Self::scrub).
    pub fn scrub_if_due(&mut self) -> Result<bool, RegistryError> {
        let due = self.scrub_due()?;
        if due {
            self.scrub()?;
        }
        Ok(due)
    }

    /// Rewrites the database to a new file, and overwrites the old one with zeros. It needs as much room again, and may be interrupted
    /// at any point: it then stays due.
    ///
    /// # Errors
    /// The operating system's or the database's; the store stays usable, and the scrub due.
    pub fn scrub(&mut self) -> Result<(), RegistryError> {
        self.settle()?;
        scrub::copy(self.rows()?, &self.dir)?;
        self.rows = None;
        let swapped = scrub::swap(&self.dir);
        self.settle()?;
        Ok(swapped?)
    }

    fn rows(&self) -> Result<&Rows, RegistryError> {
        self.rows.as_ref().ok_or(RegistryError::Damaged("the database could not be opened again after a failure"))
    }

    fn put(&mut self, rows: &[Row<'_>], entries: &[SealedEntry], now: u64) -> Result<(), RegistryError> {
        self.settle()?;
        let entries = self.without_kept(entries)?;
        if rows.is_empty() {
            return Ok(self.log.append(entries)?);
        }
        if let Err(error) = self.rows()?.put(rows, entries, self.log.count(), now) {
            // It may have reached the disk all the same, and then it is there for good: what the database says now decides.
            self.rows = None;
            self.settle()?;
            return if !entries.is_empty() && self.log.last() == entries.last() { Ok(()) } else { Err(error) };
        }
        // The database has the batch, so it is durable: an entry that the log could not take now is appended before the next.
        if self.log.append(entries).is_err() {
            self.behind = entries.into();
        }
        Ok(())
    }

    /// Opens the database where a failure closed it, and appends to the log what only the database has.
    fn settle(&mut self) -> Result<(), RegistryError> {
        if self.rows.is_none() {
            let rows = reopen(&self.dir)?;
            self.behind = lacking(rows.pending()?, self.log.count())?;
            self.rows = Some(rows);
        }
        if !self.behind.is_empty() {
            self.log.append(&self.behind)?;
            self.behind.clear();
        }
        Ok(())
    }

    /// The entries without those at their front that the log ends with: of a batch that was kept after all, and is put again.
    fn without_kept<'e>(&self, entries: &'e [SealedEntry]) -> Result<&'e [SealedEntry], RegistryError> {
        let newest = self.log.last();
        let Some(last) = entries.iter().position(|entry| Some(entry) == newest) else { return Ok(entries) };
        let (kept, new) = entries.split_at(last.saturating_add(1));
        let in_log = self.log.newest(u64::try_from(kept.len()).map_err(io::Error::other)?)?;
        Ok(if in_log == kept { new } else { entries })
    }
}

impl Store for DiskStore {
    fn room(&self) -> usize {
        usize::MAX
    }

    fn record_room(&self, _now: Time) -> usize {
        usize::MAX
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        let found = self.rows().and_then(|rows| rows.get(&row_key(key.table.code(), &key.id), out));
        found.map_err(|_| StoreError)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let rows: Vec<Row<'_>> = batch
            .records()
            .map(|record| Row {
                key: row_key(record.key().table.code(), &record.key().id),
                value: record.value(),
                expires: record.expires().as_millis(),
                erases: record.erases_owner(),
            })
            .collect();
        let entries: Vec<SealedEntry> = batch.entries().cloned().collect();
        self.put(&rows, &entries, batch.now().as_millis()).map_err(|error| {
            self.failure = Some(error);
            StoreError
        })
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        if self.log.read(sink).map_err(|_| StoreError)? {
            let _all = self.behind.iter().all(sink);
        }
        Ok(())
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        Ok(self.behind.last().or(self.log.last()).cloned())
    }

    /// Keeps them: the log is where entries are drained to.
    fn acknowledge(&mut self, _sequence: u64) -> Result<(), StoreError> {
        Ok(())
    }
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore").field("dir", &self.dir).field("entries", &self.log.count()).finish_non_exhaustive()
    }
}

fn reopen(dir: &Path) -> Result<Rows, RegistryError> {
    scrub::recover(dir)?;
    match files::open(&dir.join(scrub::NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(RegistryError::Damaged("the database is gone")),
        file => Rows::open(file?),
    }
}

/// Those of the pending entries that the log, which has so many, lacks.
fn lacking(pending: Vec<(u64, SealedEntry)>, count: u64) -> Result<Vec<SealedEntry>, RegistryError> {
    if pending.first().is_some_and(|(place, _)| *place > count) {
        return Err(RegistryError::Damaged("the trail is shorter than it was"));
    }
    Ok(pending.into_iter().filter(|(place, _)| *place >= count).map(|(_, entry)| entry).collect())
}

const TRAIL: &str = "trail.log";
const LOCK: &str = "lock";

#[cfg(test)]
mod tests;
