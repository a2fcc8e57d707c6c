//! The store: what the core sees of it.

use core::fmt;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use symbolon::{Batch, Record, RecordKey, SealedEntry, Store, StoreError, Time};

use crate::{
    FlashError,
    index::Index,
    item::{Kind, Marker, RECORD_HEAD_LEN, key_hash, read_record_head, record_head},
    log::{Cursor, Item, Log},
    medium::{Fault, narrow},
};

/// A [`Store`] on NOR flash.
///
/// It keeps `ENTRIES` trail entries until they are acknowledged, the newest one for ever, and `RECORDS` records; of those that have expired
/// one goes when its place is needed, up to 16 seconds late. In memory it takes 4 bytes for an entry and 10 for a record.
pub struct FlashStore<F, const ENTRIES: usize, const RECORDS: usize> {
    pub(crate) log: Log<F>,
    pub(crate) index: Index<ENTRIES, RECORDS>,
    /// What the newest marker says.
    pub(crate) marker: Marker,
    /// The number behind the newest entry's.
    pub(crate) next: u64,
    /// False where a change failed, and nobody knows how far it came.
    pub(crate) ready: bool,
}

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> Store for FlashStore<F, ENTRIES, RECORDS> {
    fn room(&self) -> usize {
        if self.ready { ENTRIES.saturating_sub(self.index.entries.len()) } else { 0 }
    }

    fn record_room(&self, now: Time) -> usize {
        if self.ready { self.index.free_places(now.as_millis()) } else { 0 }
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.check_ready()?;
        let Some((_, address)) = self.find(key).map_err(|_| StoreError)? else { return Ok(None) };
        self.read_value(address, out).map(Some).map_err(|_| StoreError)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.check_ready()?;
        self.check(batch)?;
        if batch.records().next().is_none() && batch.entries().next().is_none() {
            return Ok(());
        }
        self.change(|store| store.write(batch))
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.check_ready()?;
        for address in &self.index.entries {
            if !sink(&self.read_entry(*address)?) {
                break;
            }
        }
        Ok(())
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.check_ready()?;
        self.index.last.map(|address| self.read_entry(address)).transpose()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.check_ready()?;
        let kept_from = sequence.saturating_add(1).min(self.next);
        if kept_from <= self.marker.kept_from {
            return Ok(());
        }
        self.change(|store| {
            if !store.make_space(core::iter::empty)? {
                return Ok(false);
            }
            let start = store.log.end();
            store.finish(start, Marker { kept_from, ..store.marker }).map(|()| true)
        })
    }
}

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> FlashStore<F, ENTRIES, RECORDS> {
    /// The driver, with what the flash holds.
    #[must_use]
    pub fn into_inner(self) -> F {
        self.log.medium.into_inner()
    }

    const fn check_ready(&self) -> Result<(), StoreError> {
        if self.ready { Ok(()) } else { Err(StoreError) }
    }

    /// Makes a change that says whether it found room. Where it fails on the way, nobody knows what the flash holds until it is opened anew.
    fn change(&mut self, change: impl FnOnce(&mut Self) -> Result<bool, Fault<F>>) -> Result<(), StoreError> {
        self.ready = false;
        let had_room = change(self).map_err(|_| StoreError)?;
        self.ready = true;
        if had_room { Ok(()) } else { Err(StoreError) }
    }

    /// Refuses a batch for which there are not places enough, or whose entries don't come after those that are there.
    fn check(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let now = batch.now().as_millis();
        let mut next = self.next;
        for entry in batch.entries() {
            if entry.sequence() < next {
                return Err(StoreError);
            }
            next = entry.sequence().saturating_add(1);
        }
        let (mut new, mut free) = (0_usize, self.index.free_places(now));
        for record in batch.records() {
            match self.find(record.key()).map_err(|_| StoreError)? {
                // An expired record that is replaced gives up no place.
                Some((place, _)) if self.index.is_expired(place, now) => free = free.saturating_sub(1),
                Some(_) => {}
                None => new = new.saturating_add(1),
            }
        }
        let fits = batch.entries().count() <= self.room() && batch.records().count() <= RECORDS && new <= free;
        if fits { Ok(()) } else { Err(StoreError) }
    }

    /// Writes a batch, and counts it in. False where it found no room.
    fn write(&mut self, batch: &Batch<'_>) -> Result<bool, Fault<F>> {
        let lengths = || {
            let records = batch.records().map(|record| RECORD_HEAD_LEN.saturating_add(record.value().len()));
            records.chain(batch.entries().map(|_| SealedEntry::LEN))
        };
        if !self.make_space(lengths)? {
            return Ok(false);
        }
        let start = self.log.end();
        for record in batch.records() {
            self.log.append(Kind::Record, &record_head(record.key(), record.expires()), record.value())?;
        }
        for entry in batch.entries() {
            self.log.append(Kind::Entry, entry.as_bytes(), &[])?;
        }
        let now = self.marker.now.max(batch.now().as_millis());
        self.finish(start, Marker { now, ..self.marker }).map(|()| true)
    }

    /// Ends the batch that begins at `start`: reads back what was written, writes the marker that makes it count, and counts it in.
    pub(crate) fn finish(&mut self, start: Cursor, marker: Marker) -> Result<(), Fault<F>> {
        self.log.check_written(start)?;
        let (now, kept_from) = marker.parts();
        self.log.append(Kind::Marker, &now, &kept_from)?;
        self.apply(start, marker).map(|_end| ())
    }

    /// Place and address of the record with this key.
    pub(crate) fn find(&self, key: &RecordKey) -> Result<Option<(usize, u32)>, Fault<F>> {
        for (place, address) in self.index.candidates(key_hash(key)) {
            let item = self.log.item_unchecked(address)?;
            if self.read_head(&item)?.0 == *key {
                return Ok(Some((place, address)));
            }
            // Another key with this hash, or this one, and a bit of it flipped.
            self.log.item(address)?;
        }
        Ok(None)
    }

    /// Key and expiry of a record.
    pub(crate) fn read_head(&self, item: &Item) -> Result<(RecordKey, u64), Fault<F>> {
        let mut head = [0; RECORD_HEAD_LEN];
        self.log.medium.read(item.body(), &mut head)?;
        read_record_head(&head).ok_or(FlashError::Damaged)
    }

    fn read_value(&self, address: u32, out: &mut [u8; Record::MAX_LEN]) -> Result<usize, Fault<F>> {
        let item = self.log.item(address)?;
        let len = usize::from(item.header.len).saturating_sub(RECORD_HEAD_LEN);
        let value = out.get_mut(..len).ok_or(FlashError::Damaged)?;
        self.log.medium.read(item.body().saturating_add(narrow(RECORD_HEAD_LEN)), value)?;
        Ok(len)
    }

    fn read_entry(&self, address: u32) -> Result<SealedEntry, StoreError> {
        let mut bytes = [0; SealedEntry::LEN];
        let item = self.log.item(address).map_err(|_| StoreError)?;
        self.log.medium.read(item.body(), &mut bytes).map_err(|_| StoreError)?;
        Ok(SealedEntry::from_bytes(bytes))
    }
}

impl<F, const ENTRIES: usize, const RECORDS: usize> fmt::Debug for FlashStore<F, ENTRIES, RECORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStore").field("entries", &self.index.entries.len()).finish_non_exhaustive()
    }
}
