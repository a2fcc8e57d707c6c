//! What a store must be seen to hold: maps and lists.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use symbolon::{Batch, Record, RecordKey, Store, Table};

/// What is done to a store.
pub enum Op<'a, 'b> {
    Commit(&'a Batch<'b>),
    Acknowledge(u64),
    Wipe,
    /// A new store on the same flash.
    Format,
}

#[derive(Clone, Default, Debug)]
pub struct Model {
    /// Value and expiry.
    records: BTreeMap<RecordKey, (Vec<u8>, u64)>,
    pub entries: Vec<(u64, Vec<u8>)>,
    pub last: Option<Vec<u8>>,
    now: u64,
}

impl Model {
    /// What it is when this has been done.
    pub fn after(&self, op: &Op<'_, '_>) -> Self {
        let mut after = self.clone();
        match op {
            Op::Commit(batch) => after.commit(batch),
            Op::Acknowledge(sequence) => after.entries.retain(|(number, _)| number > sequence),
            Op::Wipe | Op::Format => after = Self::default(),
        }
        after
    }

    fn commit(&mut self, batch: &Batch<'_>) {
        self.now = self.now.max(batch.now().as_millis());
        for record in batch.records() {
            self.records.insert(*record.key(), (record.value().to_vec(), record.expires().as_millis()));
        }
        for entry in batch.entries() {
            self.entries.push((entry.sequence(), entry.as_bytes().to_vec()));
            self.last = Some(entry.as_bytes().to_vec());
        }
    }

    /// What a store shows that it should not, if anything, for all keys that were ever seen. Where a record has expired by `now`, it may be
    /// gone; never may another value be there.
    pub fn differs(&self, store: &impl Store, seen: &BTreeSet<RecordKey>, now: u64) -> Option<String> {
        for key in seen {
            let mut out = [0; Record::MAX_LEN];
            let found = store.get(key, &mut out).expect("readable").map(|len| out[..len].to_vec());
            let expected = self.records.get(key);
            let has_expired = expected.is_some_and(|(_, expires)| *expires <= now);
            let may_be_gone = has_expired && found.is_none();
            if found.as_ref() != expected.map(|(value, _)| value) && !may_be_gone {
                return Some(format!("{key:?}: {found:02x?} for {expected:02x?}"));
            }
        }
        let mut entries = Vec::new();
        let mut collect = |entry: &symbolon::SealedEntry| {
            entries.push((entry.sequence(), entry.as_bytes().to_vec()));
            true
        };
        store.entries(&mut collect).expect("readable");
        if entries != self.entries {
            let numbers = |of: &[(u64, Vec<u8>)]| of.iter().map(|(number, _)| *number).collect::<Vec<_>>();
            return Some(format!("entries {:?} for {:?}", numbers(&entries), numbers(&self.entries)));
        }
        let last = store.last_entry().expect("readable").map(|entry| entry.as_bytes().to_vec());
        (last != self.last).then(|| "the newest entry".to_string())
    }

    /// The pieces of secrets that are no longer to be found anywhere when this has become `after`; of everything, where that is empty.
    pub fn retired_by(&self, after: &Self) -> HashSet<[u8; 8]> {
        let is_wiped = after.records.is_empty();
        let secret = [Table::TrailState, Table::Owner, Table::Device];
        let gone = self.records.iter().filter(|(key, kept)| {
            (is_wiped || secret.contains(&key.table)) && after.records.get(key).is_none_or(|new| new.0 != kept.0)
        });
        let mut pieces: HashSet<_> = gone.flat_map(|(_, (value, _))| pieces_of(value)).collect();
        for piece in after.records.values().flat_map(|(value, _)| pieces_of(value)) {
            pieces.remove(&piece);
        }
        pieces
    }

    pub fn value(&self, key: &RecordKey) -> Option<&[u8]> {
        self.records.get(key).map(|(value, _)| value.as_slice())
    }

    pub fn now(&self) -> u64 {
        self.now
    }

    /// Keys that are there for certain.
    pub fn keys(&self) -> Vec<RecordKey> {
        self.records.iter().filter(|(_, (_, expires))| *expires > self.now).map(|(key, _)| *key).collect()
    }
}

/// All runs of eight bytes that don't occur by chance.
pub fn pieces_of(value: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    value.windows(8).filter_map(|window| {
        let different: BTreeSet<_> = window.iter().collect();
        (different.len() > 5).then(|| window.try_into().unwrap())
    })
}
