//! The store on disk: `shop.keyring.state/`, a [`DiskStore`] that says why it failed.

use std::path::Path;

use anyhow::{Context, Result};
use symbolon::{Batch, Record, RecordKey, SealedEntry, Store, StoreError, Time};
use symbolon_host::registry::{DiskStore, RegistryError};

use crate::error::Failure;

/// The trail and the registry of one keyring, which no other process uses meanwhile.
#[derive(Debug)]
pub(crate) struct FileStore(DiskStore);

impl FileStore {
    /// Makes the directory and an empty store in it.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        Ok(Self(DiskStore::create(dir).with_context(|| format!("can't make {}", dir.display()))?))
    }

    /// Opens the store, and makes up for what was interrupted.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        match DiskStore::open(dir) {
            Ok(store) => Ok(Self(store)),
            Err(RegistryError::Missing) => Err(no_store(dir)),
            Err(RegistryError::Locked) => {
                let message = format!("another symbolon is using {}: try again when it is done", dir.display());
                Err(Failure::Unavailable.because(message))
            }
            Err(error) => {
                Err(error).with_context(|| format!("can't use the audit trail and the registry in {}", dir.display()))
            }
        }
    }

    /// Tells of a repair.
    pub(crate) fn report_repairs(&self, dir: &Path) {
        let bytes = self.0.cut();
        if bytes > 0 {
            let dir = dir.display();
            eprintln!(
                "symbolon: the last write to the audit trail in {dir} was interrupted; its {bytes} bytes are cut off"
            );
        }
    }

    /// Index rows, and the scrub after erasures.
    pub(crate) const fn registry(&mut self) -> &mut DiskStore {
        &mut self.0
    }
}

impl Store for FileStore {
    fn room(&self) -> usize {
        self.0.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.0.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.0.get(key, out)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.0.commit(batch).inspect_err(|_| {
            // The core's error says nothing of the cause, and the reader needs it.
            if let Some(cause) = self.0.take_failure() {
                eprintln!("symbolon: can't write to the audit trail: {cause}");
            }
        })
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.0.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.acknowledge(sequence)
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
