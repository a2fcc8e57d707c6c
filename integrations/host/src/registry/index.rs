//! Rows of blind indexes: which owner's row may hold a value. SPEC.md section 14.

use redb::{ReadableTable, WriteTransaction};
use symbolon::Field;

use super::{
    DiskStore, RegistryError,
    rows::{HELD, INDEXES, MATCHES, Records},
};

/// One blind index: what the core derives its key from, but for the tenant. (Values of different tenants never meet: their keys differ.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Index(Vec<u8>);

impl Index {
    /// The index of this name over a field, with a [normaliser's](crate::normalise::Normaliser::version) version.
    ///
    /// # Errors
    /// [`RegistryError::Length`]: the name has not 1 to 64 bytes.
    pub fn new(field: Field, name: &[u8], version: u16) -> Result<Self, RegistryError> {
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            return Err(RegistryError::Length);
        }
        Ok(Self([&field.code().to_le_bytes(), &version.to_le_bytes(), name].concat()))
    }
}

/// A row to be put: this owner has this value in the row of the host's own that `reference` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRow<'a> {
    /// The index value, keyed and shortened by the core.
    pub value: [u8; 8],
    /// T(owner).
    pub owner: [u8; 16],
    /// A customer's number, a primary key: at most [`MAX_REFERENCE_LEN`] bytes, and not a value that must be protected.
    pub reference: &'a [u8],
}

/// A candidate: it has the value that was looked for, or (once in 2^64) another. Only opening tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// T(owner).
    pub owner: [u8; 16],
    /// As it was put.
    pub reference: Vec<u8>,
}

/// The longest reference of an index row, in bytes.
pub const MAX_REFERENCE_LEN: usize = 64;

const MAX_NAME_LEN: usize = 64;

impl DiskStore {
    /// Puts index rows, all or none, and tells how many: rows of owners who are erased are left out. A row that is there already is no
    /// error. One transaction each time: put some thousands at once, and show progress between.
    ///
    /// # Errors
    /// [`RegistryError::Length`]: a reference is too long; nothing was put. Otherwise the database's.
    pub fn put_rows<'r>(
        &mut self,
        index: &Index,
        rows: impl IntoIterator<Item = IndexRow<'r>>,
    ) -> Result<usize, RegistryError> {
        let txn = self.rows()?.write()?;
        let mut count = 0_usize;
        {
            let number = number_for(&txn, index)?;
            let records = Records::open(&txn)?;
            let (mut matches, mut held) = (txn.open_table(MATCHES)?, txn.open_table(HELD)?);
            for row in rows {
                if row.reference.len() > MAX_REFERENCE_LEN {
                    return Err(RegistryError::Length);
                }
                if !records.is_erased(&row.owner)? {
                    matches.insert(row.by_value(number).as_slice(), ())?;
                    held.insert(row.by_owner(number).as_slice(), ())?;
                    count = count.saturating_add(1);
                }
            }
        }
        txn.commit()?;
        Ok(count)
    }

    /// Removes index rows, all or none: of values that an owner has no longer. A row that is not there is no error.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_rows<'r>(
        &mut self,
        index: &Index,
        rows: impl IntoIterator<Item = IndexRow<'r>>,
    ) -> Result<(), RegistryError> {
        let txn = self.rows()?.write()?;
        {
            let number = number_for(&txn, index)?;
            let (mut matches, mut held) = (txn.open_table(MATCHES)?, txn.open_table(HELD)?);
            for row in rows {
                matches.remove(row.by_value(number).as_slice())?;
                held.remove(row.by_owner(number).as_slice())?;
            }
        }
        Ok(txn.commit()?)
    }

    /// The rows with this value, at most so many, in the order of their owners' tags.
    ///
    /// # Errors
    /// The database's.
    pub fn find(&self, index: &Index, value: &[u8; 8], limit: usize) -> Result<Vec<Match>, RegistryError> {
        let txn = self.rows()?.read()?;
        let Some(number) = txn.open_table(INDEXES)?.get(index.0.as_slice())?.map(|found| found.value()) else {
            return Ok(Vec::new());
        };
        let start = [number.to_be_bytes().as_slice(), value].concat();
        let mut found = Vec::new();
        for row in txn.open_table(MATCHES)?.range(start.as_slice()..)?.take(limit) {
            let (key, _) = row?;
            let Some(rest) = key.value().strip_prefix(start.as_slice()) else { break };
            let (owner, reference) = rest.split_first_chunk().ok_or(DAMAGED_ROW)?;
            found.push(Match { owner: *owner, reference: reference.into() });
        }
        Ok(found)
    }

    /// Removes all index rows of an owner, and tells how many. (Erasing an owner does this by itself.)
    ///
    /// # Errors
    /// The database's.
    pub fn remove_owner(&mut self, owner: &[u8; 16]) -> Result<usize, RegistryError> {
        let txn = self.rows()?.write()?;
        let count = remove_owner(&txn, owner)?;
        txn.commit()?;
        Ok(count)
    }
}

impl IndexRow<'_> {
    fn by_value(&self, number: u32) -> Vec<u8> {
        [&number.to_be_bytes(), self.value.as_slice(), &self.owner, self.reference].concat()
    }

    fn by_owner(&self, number: u32) -> Vec<u8> {
        [self.owner.as_slice(), &number.to_be_bytes(), &self.value, self.reference].concat()
    }
}

/// Removes the index rows of an owner, found by the owner's tag.
pub(super) fn remove_owner(txn: &WriteTransaction, owner: &[u8; 16]) -> Result<usize, RegistryError> {
    let (mut matches, mut held) = (txn.open_table(MATCHES)?, txn.open_table(HELD)?);
    let mut keys = Vec::new();
    for row in held.range(owner.as_slice()..)? {
        let (key, _) = row?;
        if !key.value().starts_with(owner) {
            break;
        }
        keys.push(key.value().to_vec());
    }
    for key in &keys {
        let (index_and_value, reference) = key.split_at_checked(28).ok_or(DAMAGED_ROW)?;
        let by_value = [index_and_value.get(16..).unwrap_or_default(), owner, reference].concat();
        matches.remove(by_value.as_slice())?;
        held.remove(key.as_slice())?;
    }
    Ok(keys.len())
}

/// The number that stands for an index in its rows: given once, kept for ever.
fn number_for(txn: &WriteTransaction, index: &Index) -> Result<u32, RegistryError> {
    let mut indexes = txn.open_table(INDEXES)?;
    if let Some(found) = indexes.get(index.0.as_slice())? {
        return Ok(found.value());
    }
    let mut next = 0;
    for row in indexes.iter()? {
        next = next.max(row?.1.value().saturating_add(1));
    }
    indexes.insert(index.0.as_slice(), next)?;
    Ok(next)
}

const DAMAGED_ROW: RegistryError = RegistryError::Damaged("an index row has another form");
