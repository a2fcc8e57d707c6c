//! What must be remembered: one trait for every storage, and an implementation in memory. SPEC.md section 8.

use core::fmt;

use heapless::{Deque, Vec};
use zeroize::Zeroize;

use crate::{
    Time,
    bytes::put,
    trail::{ENTRY_LEN, SealedEntry},
};

/// The longest record, in bytes.
pub(crate) const MAX_RECORD_LEN: usize = 128;

/// Storage for all that is remembered: trail entries in the order of their sequence numbers, and small records by key.
///
/// **One store, one host**: while a host uses it, no other may, on this machine or another (lock it). And it must never be put back
/// to an earlier state, by a backup or a snapshot of the machine: the trail would use its keys twice. Make a new trail instead.
///
/// An implementation states its policy: what "durable" means when [`commit`](Self::commit) returns. A host that commits elsewhere
/// (asynchronously, in a group) implements `commit` as an error and uses [`Host::batch`](crate::Host::batch) instead.
pub trait Store {
    /// How many trail entries can still be committed before the trail must be drained.
    fn room(&self) -> usize;

    /// How many records can still be placed at this time, apart from those that replace one. Log-outs are refused before they would
    /// take the last places.
    fn record_room(&self, now: Time) -> usize;

    /// The record under `key`, copied to the front of `out`: its length, or `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`]
    fn get(&self, key: &RecordKey, out: &mut [u8; MAX_RECORD_LEN]) -> Result<Option<usize>, StoreError>;

    /// Remembers the whole batch or nothing of it, its records in their order. On `Ok` it is durable, by the store's policy.
    ///
    /// # Errors
    /// [`StoreError`]
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;

    /// The oldest entries that are kept, in order, handed to `sink` until it answers false: the first step of draining.
    ///
    /// # Errors
    /// [`StoreError`]
    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError>;

    /// The newest entry that was ever committed, even when it has been drained; the chain continues there.
    ///
    /// # Errors
    /// [`StoreError`]
    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError>;

    /// Forgets the entries up to and including this sequence number: the second step of draining.
    ///
    /// # Errors
    /// [`StoreError`]
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError>;
}

/// The storage failed, is full, or holds what it can't: nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreError;

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store failed or is full")
    }
}

impl core::error::Error for StoreError {}

/// What a record is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Table {
    /// The trail's key some way ahead, sealed; one record a node.
    TrailState = 1,
    /// The latest time that was seen: the clock may not fall behind it.
    ClockFloor = 2,
    /// Sessions that logged out, until their credentials are over.
    LoggedOut = 3,
    /// What is known of an owner: erasure secret, grant epoch, verified addresses; by the owner's tag.
    Owner = 4,
    /// Grants that were revoked one by one, until they would have ended.
    RevokedGrant = 5,
    /// How often a grant was used, until it ends.
    GrantUses = 6,
    /// Short stand-ins for tokens, by their 16 digits: the host's own rows.
    Surrogate = 7,
    /// Whether everything is stopped: one row.
    Stop = 8,
    /// What an appliance keeps for itself: role keys, attempts left, root keys, all sealed.
    Device = 9,
}

impl Table {
    /// The table with this code, as a store on a disk keeps it.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::TrailState,
            2 => Self::ClockFloor,
            3 => Self::LoggedOut,
            4 => Self::Owner,
            5 => Self::RevokedGrant,
            6 => Self::GrantUses,
            7 => Self::Surrogate,
            8 => Self::Stop,
            9 => Self::Device,
            _ => return None,
        })
    }

    /// 1 to 9.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A table and the 16 bytes that name a record in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct RecordKey {
    /// The table.
    pub table: Table,
    /// The name, unique in its table.
    pub id: [u8; 16],
}

/// A record to be kept. Wiped on drop: an owner's secret may be in it.
#[derive(Clone)]
pub struct Record {
    pub(crate) key: RecordKey,
    pub(crate) value: Vec<u8, MAX_RECORD_LEN>,
    pub(crate) expires: Time,
}

impl Record {
    /// The longest value, in bytes.
    pub const MAX_LEN: usize = MAX_RECORD_LEN;

    /// Where it belongs.
    #[must_use]
    pub const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// At most [`Record::MAX_LEN`](crate::Record::MAX_LEN) bytes, which replace an earlier record of that key.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// From this time on nobody will ask for it, and it may go.
    #[must_use]
    pub const fn expires(&self) -> Time {
        self.expires
    }

    /// True where this is the record of an owner who was erased: whatever the store keeps for this owner besides (index rows,
    /// surrogates) is to go in the same commit, and the owner's earlier record must not be left readable anywhere.
    #[must_use]
    pub fn erases_owner(&self) -> bool {
        self.key.table == Table::Owner && crate::owner::is_erased(&self.value)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.value.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("key", &self.key).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// What a commit consists of: records, and then entries.
#[derive(Debug)]
pub struct Batch<'a> {
    pub(crate) records: &'a [Record],
    pub(crate) entries: (&'a [SealedEntry], &'a [SealedEntry]),
    pub(crate) now: Time,
}

impl<'a> Batch<'a> {
    /// The records to be put.
    pub fn records(&self) -> impl Iterator<Item = &'a Record> {
        self.records.iter()
    }

    /// The entries to be appended, in order of their sequence numbers.
    pub fn entries(&self) -> impl Iterator<Item = &'a SealedEntry> {
        self.entries.0.iter().chain(self.entries.1)
    }

    /// The time, by which expired records may go.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }
}

/// A store in fixed memory: for tests, and for devices whose policy is that the trail lives as long as the power does.
///
/// `ENTRIES` is how many trail entries it keeps until they are drained, `RECORDS` how many records.
#[derive(Clone, Default)]
pub struct MemoryStore<const ENTRIES: usize, const RECORDS: usize> {
    entries: Deque<SealedEntry, ENTRIES>,
    records: Vec<Record, RECORDS>,
    last: Option<SealedEntry>,
}

impl<const ENTRIES: usize, const RECORDS: usize> MemoryStore<ENTRIES, RECORDS> {
    /// An empty store.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Deque::new(), records: Vec::new(), last: None }
    }

    /// The record's place: its own, an expired one's, or a new one.
    fn place(&mut self, record: &Record, now: Time) -> Result<(), StoreError> {
        let own = self.records.iter().position(|kept| kept.key == record.key);
        let place = own.or_else(|| self.records.iter().position(|kept| kept.expires <= now));
        match place.and_then(|place| self.records.get_mut(place)) {
            Some(kept) => kept.clone_from(record),
            None => self.records.push(record.clone()).map_err(|_| StoreError)?,
        }
        Ok(())
    }

    /// True where every record of the batch will find a place.
    fn has_place_for(&self, batch: &Batch<'_>) -> bool {
        let new = batch.records().filter(|record| !self.records.iter().any(|kept| kept.key == record.key)).count();
        let stays = |kept: &Record| kept.expires > batch.now || batch.records().any(|record| record.key == kept.key);
        let expired = self.records.iter().filter(|kept| !stays(kept)).count();
        let free = RECORDS.saturating_sub(self.records.len()).saturating_add(expired);
        new <= free
    }
}

impl<const ENTRIES: usize, const RECORDS: usize> Store for MemoryStore<ENTRIES, RECORDS> {
    fn room(&self) -> usize {
        ENTRIES.saturating_sub(self.entries.len())
    }

    fn record_room(&self, now: Time) -> usize {
        let expired = self.records.iter().filter(|kept| kept.expires <= now).count();
        RECORDS.saturating_sub(self.records.len()).saturating_add(expired)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; MAX_RECORD_LEN]) -> Result<Option<usize>, StoreError> {
        let Some(record) = self.records.iter().find(|kept| kept.key == *key) else { return Ok(None) };
        put(out, &[&record.value]);
        Ok(Some(record.value.len()))
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if batch.entries().count() > self.room() || !self.has_place_for(batch) {
            return Err(StoreError);
        }
        for record in batch.records() {
            self.place(record, batch.now)?;
        }
        for entry in batch.entries() {
            self.entries.push_back(entry.clone()).map_err(|_| StoreError)?;
            self.last = Some(entry.clone());
        }
        Ok(())
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        let _all = self.entries.iter().all(sink);
        Ok(())
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        Ok(self.last.clone())
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        while self.entries.front().is_some_and(|entry| entry.sequence() <= sequence) {
            let _drained = self.entries.pop_front();
        }
        Ok(())
    }
}

impl<const ENTRIES: usize, const RECORDS: usize> fmt::Debug for MemoryStore<ENTRIES, RECORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("entries", &self.entries.len())
            .field("records", &self.records.len())
            .finish()
    }
}

const _: () = assert!(ENTRY_LEN == 110, "SPEC.md section 8 draws 110 bytes");

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{collections::BTreeMap, format, vec::Vec as List};

    const NOW: Time = Time::from_secs(1_000);

    fn record(table: Table, name: u8, value: &[u8], expires: Time) -> Record {
        Record { key: RecordKey { table, id: [name; 16] }, value: Vec::from_slice(value).unwrap(), expires }
    }

    /// A store learns when a record may go, and whose leaving takes everything along.
    #[test]
    fn records_say_what_a_store_needs() {
        let erased = record(Table::Owner, 7, &[1, 1, 0, 0, 0, 0], NOW);
        assert_eq!(erased.expires(), NOW);
        assert!(erased.erases_owner());
        assert!(!record(Table::Owner, 7, &[1, 2, 0, 0, 0, 0], NOW).erases_owner());
        assert!(!record(Table::Surrogate, 7, erased.value(), NOW).erases_owner(), "it only looks like one");
        assert_eq!(format!("{erased:?}"), format!("Record {{ key: {:?}, expires: {NOW:?}, .. }}", erased.key()));
        assert_eq!(Batch { records: &[], entries: (&[], &[]), now: NOW }.now(), NOW);
    }

    /// Three places, all that can be in them, and all batches of up to three rows: a batch goes in whole and takes nobody's place, or nothing changes.
    #[test]
    fn a_batch_of_records_fits_whole_or_not_at_all() {
        const EXPIRED: [Time; 2] = [NOW, Time::from_secs(2_000)];
        // Each of five names is not there, there and over, or there to stay. What is put is to stay.
        let choices = |most: usize| {
            let all = (0..3_usize.pow(5)).map(|number| {
                let digit = |name: u8| number / 3_usize.pow(name.into()) % 3;
                (0..5_u8).filter_map(move |name| Some((name, digit(name).checked_sub(1)?))).collect::<List<_>>()
            });
            all.filter(move |chosen| chosen.len() <= most).collect::<List<_>>()
        };
        let (mut fitted, mut refused) = (0, 0);
        for kept in choices(3) {
            for put in choices(3).into_iter().filter(|put| put.iter().all(|(_, stays)| *stays == 1)) {
                let records = |rows: &[(u8, usize)], value: u8| {
                    let rows =
                        rows.iter().map(|(name, over)| record(Table::LoggedOut, *name, &[value], EXPIRED[*over]));
                    rows.collect::<List<_>>()
                };
                let batch = |records| Batch { records, entries: (&[], &[]), now: NOW };
                let mut store = MemoryStore::<1, 3>::new();
                let kept_records = records(&kept, 1);
                // One at a time, so that none is over when the next one comes.
                for record in &kept_records {
                    let one = Batch { now: Time::default(), ..batch(core::slice::from_ref(record)) };
                    store.commit(&one).unwrap();
                }
                let living = kept.iter().filter(|(_, over)| *over == 1);
                let mut expected: BTreeMap<u8, u8> = living.map(|(name, _)| (*name, 1)).collect();
                assert_eq!(store.record_room(NOW), 3 - expected.len());
                expected.extend(put.iter().map(|(name, _)| (*name, 2)));
                let fits = expected.len() <= 3;
                assert_eq!(store.commit(&batch(&records(&put, 2))).is_ok(), fits, "{kept:?} {put:?}");
                if fits {
                    fitted += 1;
                } else {
                    expected = kept.iter().map(|(name, _)| (*name, 1)).collect();
                    refused += 1;
                }
                for (name, value) in expected {
                    let mut out = [0; MAX_RECORD_LEN];
                    let key = RecordKey { table: Table::LoggedOut, id: [name; 16] };
                    assert_eq!((store.get(&key, &mut out), out[0]), (Ok(Some(1)), value), "{kept:?} {put:?}");
                }
            }
        }
        assert!(fitted > 100 && refused > 100, "{fitted} {refused}");
    }

    /// Entries that don't fit keep a record out that would.
    #[test]
    fn entries_that_do_not_fit() {
        let mut store = MemoryStore::<1, 3>::new();
        let (records, entries) =
            ([record(Table::LoggedOut, 1, &[1], NOW)], [0, 1].map(|_| SealedEntry::from_bytes([0; ENTRY_LEN])));
        let batch = |entries| Batch { records: &records, entries: (entries, &[]), now: Time::default() };
        assert_eq!(store.commit(&batch(&entries)), Err(StoreError));
        assert_eq!(format!("{store:?}"), "MemoryStore { entries: 0, records: 0 }");
        assert_eq!(store.commit(&batch(&entries[..1])), Ok(()));
        assert_eq!(format!("{store:?}"), "MemoryStore { entries: 1, records: 1 }");
    }
}
