//! The database: records, what belongs to an owner, index rows, and entries on their way to the log.
//!
//! ```text
//! records    table 1 | id 16                                        -> LE64 expires | flags 1 | value     flags: bit 0, erases its owner
//! expiries   BE64 expires | table 1 | id 16                         -> ()         of records that expire
//! owned      owner 16 | digits 16                                   -> ()         surrogates by owner
//! indexes    LE16 field | LE16 version | name                       -> number of the index
//! matches    BE32 index | value 8 | owner 16 | reference            -> ()         index rows by value
//! held       owner 16 | BE32 index | value 8 | reference            -> ()         the same by owner
//! pending    place in the log                                       -> entry 110
//! meta       name                                                   -> number
//! ```

use std::{cell::RefCell, fs::File};

use redb::{
    Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use symbolon::{Record, SealedEntry};
use zeroize::Zeroizing;

use super::RegistryError;

/// A record on its way to the database.
pub(super) struct Row<'a> {
    /// Table and id.
    pub(super) key: RowKey,
    pub(super) value: &'a [u8],
    /// Milliseconds; the greatest number for never.
    pub(super) expires: u64,
    /// What else is kept for this owner goes.
    pub(super) erases: bool,
}

/// Table and id of a record.
pub(super) type RowKey = [u8; 17];

/// The database, open.
pub(super) struct Rows {
    pub(super) db: Database,
    /// The table of records as the last transaction left it: opened once between two writes, for an opening reads several.
    records: RefCell<Option<ReadOnlyTable<&'static RowKey, &'static [u8]>>>,
}

impl Rows {
    /// An empty database in an empty file.
    pub(super) fn create(file: File) -> Result<Self, RegistryError> {
        let rows = Self::of(builder().create_file(file)?);
        let txn = rows.write()?;
        open_all(&txn)?;
        txn.open_table(META)?.insert(FORMAT, FORMAT_1)?;
        txn.commit()?;
        Ok(rows)
    }

    /// The database that is in the file.
    pub(super) fn open(file: File) -> Result<Self, RegistryError> {
        if file.metadata()?.len() == 0 {
            return Err(RegistryError::Damaged("the database is empty"));
        }
        let rows = Self::of(builder().create_file(file)?);
        if rows.meta(FORMAT)? != Some(FORMAT_1) {
            return Err(RegistryError::Damaged("the database has another format"));
        }
        Ok(rows)
    }

    pub(super) fn of(db: Database) -> Self {
        Self { db, records: RefCell::new(None) }
    }

    pub(super) fn read(&self) -> Result<ReadTransaction, RegistryError> {
        Ok(self.db.begin_read()?)
    }

    /// A transaction that is on the disk when its commit returns.
    pub(super) fn write(&self) -> Result<WriteTransaction, RegistryError> {
        // What was read until now is of yesterday, and keeps its pages from being used again.
        self.records.take();
        let mut txn = self.db.begin_write()?;
        txn.set_durability(Durability::Immediate)?;
        Ok(txn)
    }

    /// The value of a record, at the front of `out`: its length.
    pub(super) fn get(&self, key: &RowKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, RegistryError> {
        let mut records = self.records.borrow_mut();
        let table = match &mut *records {
            Some(table) => table,
            none => none.insert(self.read()?.open_table(RECORDS)?),
        };
        let Some(found) = table.get(key)? else { return Ok(None) };
        let (_, _, value) = parse(found.value())?;
        let place = out.get_mut(..value.len()).ok_or(DAMAGED_RECORD)?;
        place.copy_from_slice(value);
        Ok(Some(value.len()))
    }

    /// Puts the records and notes the entries, which will stand at this place in the log. All of it or nothing.
    pub(super) fn put(
        &self,
        rows: &[Row<'_>],
        entries: &[SealedEntry],
        place: u64,
        now: u64,
    ) -> Result<(), RegistryError> {
        let txn = self.write()?;
        {
            let mut records = Records::open(&txn)?;
            records.drop_expired(now)?;
            // Erasures first: they see to what the batch puts for the same owner, too.
            for row in rows.iter().filter(|row| row.erases) {
                records.put(row)?;
                erase(&txn, &mut records, owner_of(row)?)?;
                txn.open_table(META)?.insert(SCRUB, 1)?;
            }
            for row in rows.iter().filter(|row| !row.erases) {
                records.put_unless_erased(row)?;
            }
            let mut pending = txn.open_table(PENDING)?;
            while pending.pop_first()?.is_some() {}
            for (place, entry) in (place..).zip(entries) {
                pending.insert(place, entry.as_bytes())?;
            }
        }
        Ok(txn.commit()?)
    }

    /// The entries of the newest batch with records, and their places in the log.
    pub(super) fn pending(&self) -> Result<Vec<(u64, SealedEntry)>, RegistryError> {
        let mut found = Vec::new();
        for row in self.read()?.open_table(PENDING)?.iter()? {
            let (place, entry) = row?;
            found.push((place.value(), SealedEntry::from_bytes(*entry.value())));
        }
        Ok(found)
    }

    /// True where something was erased and old pages may still hold it.
    pub(super) fn scrub_due(&self) -> Result<bool, RegistryError> {
        Ok(self.meta(SCRUB)? == Some(1))
    }

    /// Copies every live row to an empty database, which needs no scrub then.
    pub(super) fn copy_to(&self, new: &Self) -> Result<(), RegistryError> {
        let (from, to) = (self.read()?, new.write()?);
        copy(&from, &to, RECORDS)?;
        copy(&from, &to, EXPIRIES)?;
        copy(&from, &to, OWNED)?;
        copy(&from, &to, INDEXES)?;
        copy(&from, &to, MATCHES)?;
        copy(&from, &to, HELD)?;
        copy(&from, &to, PENDING)?;
        copy(&from, &to, META)?;
        to.open_table(META)?.remove(SCRUB)?;
        Ok(to.commit()?)
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, RegistryError> {
        match self.read()?.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            table => Ok(table?.get(name)?.map(|found| found.value())),
        }
    }
}

/// The tables of records, open for writing.
pub(super) struct Records<'txn> {
    records: Table<'txn, &'static RowKey, &'static [u8]>,
    expiries: Table<'txn, &'static [u8; 25], ()>,
    owned: Table<'txn, &'static [u8; 32], ()>,
}

impl<'txn> Records<'txn> {
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Self, RegistryError> {
        Ok(Self {
            records: txn.open_table(RECORDS)?,
            expiries: txn.open_table(EXPIRIES)?,
            owned: txn.open_table(OWNED)?,
        })
    }

    /// Drops a few records that nobody will ask for: more than a batch can put, so they never pile up.
    fn drop_expired(&mut self, now: u64) -> Result<(), RegistryError> {
        for _ in 0..DROPPED_AT_ONCE {
            let Some(first) = self.expiries.first()?.map(|(key, _)| *key.value()) else { break };
            let (expires, key) = first.split_first_chunk().ok_or(DAMAGED_RECORD)?;
            if u64::from_be_bytes(*expires) > now {
                break;
            }
            self.expiries.remove(&first)?;
            self.records.remove(key.first_chunk().ok_or(DAMAGED_RECORD)?)?;
        }
        Ok(())
    }

    /// A surrogate of an owner who is erased is not kept.
    fn put_unless_erased(&mut self, row: &Row<'_>) -> Result<(), RegistryError> {
        match surrogate_owner(&row.key, row.value) {
            Some(owner) if self.is_erased(owner)? => Ok(()),
            _ => self.put(row),
        }
    }

    fn put(&mut self, row: &Row<'_>) -> Result<(), RegistryError> {
        self.remove(&row.key)?;
        let mut value = Zeroizing::new(Vec::with_capacity(HEAD + Record::MAX_LEN));
        value.extend_from_slice(&row.expires.to_le_bytes());
        value.push(u8::from(row.erases));
        value.extend_from_slice(row.value);
        self.records.insert(&row.key, value.as_slice())?;
        if row.expires != u64::MAX {
            self.expiries.insert(&expiry(row.expires, &row.key), ())?;
        }
        if let Some(owner) = surrogate_owner(&row.key, row.value) {
            self.owned.insert(&owned(owner, &row.key), ())?;
        }
        Ok(())
    }

    /// Removes a record, and the rows that lead to it.
    fn remove(&mut self, key: &RowKey) -> Result<(), RegistryError> {
        let Some(old) = self.records.remove(key)? else { return Ok(()) };
        let (expires, _, value) = parse(old.value())?;
        if expires != u64::MAX {
            self.expiries.remove(&expiry(expires, key))?;
        }
        if let Some(owner) = surrogate_owner(key, value) {
            self.owned.remove(&owned(owner, key))?;
        }
        Ok(())
    }

    /// True where the owner's record is that of an erased one.
    pub(super) fn is_erased(&self, owner: &[u8; 16]) -> Result<bool, RegistryError> {
        let found = self.records.get(&row_key(symbolon::Table::Owner.code(), owner))?;
        found.map_or(Ok(false), |found| Ok(parse(found.value())?.1))
    }

    /// Removes every surrogate of this owner.
    fn remove_owned(&mut self, owner: &[u8; 16]) -> Result<(), RegistryError> {
        let [first, last] = [0, 0xff].map(|fill| owned(owner, &[fill; 17]));
        let keys = self.owned.range::<&[u8; 32]>(&first..=&last)?.map(|row| Ok(*row?.0.value()));
        for key in keys.collect::<Result<Vec<_>, RegistryError>>()? {
            let digits = key.last_chunk().ok_or(DAMAGED_RECORD)?;
            self.remove(&row_key(symbolon::Table::Surrogate.code(), digits))?;
        }
        Ok(())
    }
}

/// Removes whatever else is kept for this owner.
fn erase(txn: &WriteTransaction, records: &mut Records<'_>, owner: &[u8; 16]) -> Result<(), RegistryError> {
    records.remove_owned(owner)?;
    super::index::remove_owner(txn, owner)?;
    Ok(())
}

/// Table and id in one key.
pub(super) fn row_key(table: u8, id: &[u8; 16]) -> RowKey {
    concat([&[table], id])
}

/// Joins parts to a key of a fixed length.
pub(super) fn concat<const N: usize, const P: usize>(parts: [&[u8]; P]) -> [u8; N] {
    let mut joined = [0; N];
    for (slot, byte) in joined.iter_mut().zip(parts.into_iter().flatten()) {
        *slot = *byte;
    }
    joined
}

fn owner_of<'r>(row: &'r Row<'_>) -> Result<&'r [u8; 16], RegistryError> {
    row.key.last_chunk().ok_or(DAMAGED_RECORD)
}

/// Whose a surrogate is: its record begins with the owner's tag.
fn surrogate_owner<'v>(key: &RowKey, value: &'v [u8]) -> Option<&'v [u8; 16]> {
    if key.first() == Some(&symbolon::Table::Surrogate.code()) { value.first_chunk() } else { None }
}

fn expiry(expires: u64, key: &RowKey) -> [u8; 25] {
    concat([&expires.to_be_bytes(), key])
}

fn owned(owner: &[u8; 16], key: &RowKey) -> [u8; 32] {
    concat([owner, key.get(1..).unwrap_or_default()])
}

/// When a stored record expires, whether it erases its owner, and its value.
fn parse(stored: &[u8]) -> Result<(u64, bool, &[u8]), RegistryError> {
    let (expires, rest) = stored.split_first_chunk().ok_or(DAMAGED_RECORD)?;
    let ([flags], value) = rest.split_first_chunk().ok_or(DAMAGED_RECORD)?;
    Ok((u64::from_le_bytes(*expires), *flags == 1, value))
}

/// A table is there from the first transaction that opens it for writing.
fn open_all(txn: &WriteTransaction) -> Result<(), RegistryError> {
    let _records = Records::open(txn)?;
    txn.open_table(INDEXES)?;
    txn.open_table(MATCHES)?;
    txn.open_table(HELD)?;
    txn.open_table(PENDING)?;
    Ok(())
}

fn copy<K: redb::Key + 'static, V: redb::Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), RegistryError> {
    let mut target = to.open_table(table)?;
    for row in from.open_table(table)?.iter()? {
        let (key, value) = row?;
        target.insert(key.value(), value.value())?;
    }
    Ok(())
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}

pub(super) const INDEXES: TableDefinition<'_, &[u8], u32> = TableDefinition::new("indexes");
pub(super) const MATCHES: TableDefinition<'_, &[u8], ()> = TableDefinition::new("matches");
pub(super) const HELD: TableDefinition<'_, &[u8], ()> = TableDefinition::new("held");
const RECORDS: TableDefinition<'_, &RowKey, &[u8]> = TableDefinition::new("records");
const EXPIRIES: TableDefinition<'_, &[u8; 25], ()> = TableDefinition::new("expiries");
const OWNED: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("owned");
const PENDING: TableDefinition<'_, u64, &[u8; SealedEntry::LEN]> = TableDefinition::new("pending");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

const FORMAT: &str = "format";
const FORMAT_1: u64 = 1;
/// 1 from an erasure until the file has been rewritten.
const SCRUB: &str = "scrub due";

const DAMAGED_RECORD: RegistryError = RegistryError::Damaged("a record has another form");

/// Bytes in front of a record's value.
const HEAD: usize = 9;

const DROPPED_AT_ONCE: usize = 64;

/// Of the database's pages in memory.
const CACHE: usize = 64 << 20;
