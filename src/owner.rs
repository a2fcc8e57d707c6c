//! What the registry knows of an owner: erasure secret, grant epoch, verified addresses. SPEC.md section 13.

use heapless::Vec;
use zeroize::{Zeroize, Zeroizing};

use crate::{Environment, Error, Field, Host, MAX_RECORD_LEN, Record, RecordKey, Store, Table, Time, entry::take};

/// An owner's record, as the store has it.
#[derive(Clone, Default)]
pub(crate) struct OwnerRecord {
    pub(crate) erased: bool,
    pub(crate) grant_epoch: u32,
    secret: Option<Zeroizing<[u8; 32]>>,
    addresses: Vec<VerifiedAddress, MAX_ADDRESSES>,
}

/// Where messages to the owner may go: of each field, the address that was verified last.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct VerifiedAddress {
    pub(crate) field: Field,
    /// The epoch of the owner key under which the tag was made.
    pub(crate) epoch: u16,
    pub(crate) tag: [u8; 16],
}

impl OwnerRecord {
    /// The record of this owner; a new one where the store has none.
    pub(crate) fn of<E: Environment, const N: usize, const W: usize>(
        tag: &[u8; 16],
        host: &mut Host<E, N, W>,
    ) -> Result<Self, Error> {
        let mut value = [0; MAX_RECORD_LEN];
        let Some(len) = host.read(&key(tag), &mut value)? else { return Ok(Self::default()) };
        let record = value.get(..len).and_then(Self::parse).ok_or(Error::Unavailable);
        value.zeroize();
        record
    }

    /// The record of this owner as a store has it, without a host.
    pub(crate) fn stored(tag: &[u8; 16], store: &impl Store) -> Result<Self, Error> {
        let mut value = Zeroizing::new([0; MAX_RECORD_LEN]);
        let len = store.get(&key(tag), &mut value).map_err(|_| Error::Unavailable)?;
        let Some(len) = len else { return Ok(Self::default()) };
        value.get(..len).and_then(Self::parse).ok_or(Error::Unavailable)
    }

    /// Stages it.
    pub(crate) fn put<E: Environment, const N: usize, const W: usize>(
        &self,
        tag: &[u8; 16],
        host: &mut Host<E, N, W>,
    ) -> Result<(), Error> {
        let mut value = Vec::new();
        let flags = if self.erased { ERASED } else { 0 } | if self.secret.is_some() { HAS_SECRET } else { 0 };
        let secret = self.secret.as_ref().map_or([0; 32].as_slice(), |secret| secret.as_slice());
        let epoch = self.grant_epoch.to_le_bytes();
        let mut put = |bytes: &[u8]| value.extend_from_slice(bytes).map_err(|_| Error::Unavailable);
        for part in [&[FORMAT, flags], epoch.as_slice(), secret] {
            put(part)?;
        }
        for address in &self.addresses {
            put(&address.field.code().to_le_bytes())?;
            put(&address.epoch.to_le_bytes())?;
            put(&address.tag)?;
        }
        host.put_for_caller(Record { key: key(tag), value, expires: Time::from_millis(u64::MAX) })
    }

    /// The owner's secret; zeros, and false, where there is none.
    pub(crate) fn secret(&self) -> (&[u8; 32], bool) {
        self.secret.as_ref().map_or((&[0; 32], false), |secret| (secret, true))
    }

    /// Makes a secret where there is none, and the owner was not erased: true where it did.
    pub(crate) fn make_secret<E: Environment, const N: usize, const W: usize>(
        &mut self,
        host: &mut Host<E, N, W>,
    ) -> Result<bool, Error> {
        if self.erased || self.secret.is_some() {
            return Ok(false);
        }
        self.secret = Some(host.random32()?);
        Ok(true)
    }

    /// What remains of an owner who is erased: that, and a grant epoch under which no grant was minted.
    pub(crate) fn erase(&mut self) -> Result<(), Error> {
        let grant_epoch = self.next_grant_epoch()?;
        *self = Self { erased: true, grant_epoch, ..Self::default() };
        Ok(())
    }

    /// The grant epoch after this one.
    pub(crate) fn next_grant_epoch(&self) -> Result<u32, Error> {
        self.grant_epoch.checked_add(1).ok_or(Error::Unavailable)
    }

    /// The verified address of this field.
    pub(crate) fn address(&self, field: Field) -> Option<&VerifiedAddress> {
        self.addresses.iter().find(|known| known.field == field)
    }

    /// Puts an address in the place of an earlier one of its field; false where there are four others.
    pub(crate) fn set_address(&mut self, address: VerifiedAddress) -> bool {
        self.remove_address(address.field);
        let place = self.addresses.iter().position(|known| known.field > address.field);
        self.addresses.insert(place.unwrap_or(self.addresses.len()), address).is_ok()
    }

    pub(crate) fn remove_address(&mut self, field: Field) {
        self.addresses.retain(|known| known.field != field);
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let [FORMAT, flags] = take(rest)? else { return None };
        let grant_epoch = u32::from_le_bytes(take(rest)?);
        let secret = Zeroizing::new(take::<32>(rest)?);
        let has_secret = flags & HAS_SECRET != 0;
        let mut addresses = Vec::<VerifiedAddress, MAX_ADDRESSES>::new();
        while !rest.is_empty() {
            let field = Field::from_code(u16::from_le_bytes(take(rest)?)).ok()?;
            let address = VerifiedAddress { field, epoch: u16::from_le_bytes(take(rest)?), tag: take(rest)? };
            if addresses.last().is_some_and(|last| last.field >= field) {
                return None;
            }
            addresses.push(address).ok()?;
        }
        let erased = flags & ERASED != 0;
        let holds_nothing = !has_secret && addresses.is_empty();
        let well_formed =
            flags & !(ERASED | HAS_SECRET) == 0 && (has_secret || *secret == [0; 32]) && (!erased || holds_nothing);
        well_formed.then(|| Self { erased, grant_epoch, secret: has_secret.then_some(secret), addresses })
    }
}

/// True where the value of an owner's record says that the owner was erased.
pub(crate) fn is_erased(value: &[u8]) -> bool {
    matches!(value, [FORMAT, flags, ..] if flags & ERASED != 0)
}

const fn key(tag: &[u8; 16]) -> RecordKey {
    RecordKey { table: Table::Owner, id: *tag }
}

/// E-mail, telephone, and two of the host's own.
const MAX_ADDRESSES: usize = 4;

const FORMAT: u8 = 1;
const ERASED: u8 = 1;
const HAS_SECRET: u8 = 2;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::{array, cases, hex};

    /// tests/vectors/owner-records.txt: each form is read as the second implementation reads it, or found damaged.
    #[test]
    fn vectors() {
        let mut damaged = 0;
        for case in cases(include_str!("../tests/vectors/owner-records.txt")) {
            let [record, verdict, erased, secret, grant_epoch, addresses] = &case[..] else { panic!("{case:?}") };
            let Some(read) = OwnerRecord::parse(&hex(record)) else {
                assert_eq!(verdict, "damaged", "{case:?}");
                damaged += 1;
                continue;
            };
            assert_eq!(verdict, "ok", "{case:?}");
            assert_eq!((read.erased, read.grant_epoch), (erased == "1", grant_epoch.parse().unwrap()));
            assert_eq!(is_erased(&hex(record)), read.erased);
            assert_eq!(read.secret.as_ref().map(|secret| secret.to_vec()).unwrap_or_default(), hex(secret));
            let expected: std::vec::Vec<_> = addresses
                .split(',')
                .filter(|address| !address.trim().trim_matches('-').is_empty())
                .map(|address| {
                    let [field, epoch, tag] = address.split(':').collect::<std::vec::Vec<_>>()[..] else { panic!() };
                    let field = Field::from_name(field.trim()).unwrap();
                    VerifiedAddress { field, epoch: epoch.parse().unwrap(), tag: array(tag.trim()) }
                })
                .collect();
            assert!(read.addresses.iter().eq(&expected), "{case:?}");
        }
        assert!(damaged >= 5, "{damaged}");
    }

    /// Addresses stay in the order of their fields, one of each, four at most.
    #[test]
    fn addresses_are_one_of_each_field() {
        let address = |field, tag| VerifiedAddress { field, epoch: 1, tag: [tag; 16] };
        let mut record = OwnerRecord::default();
        let custom = |number| Field::custom(number, crate::Class::SMALLEST).unwrap();
        for (field, tag) in [(custom(1), 1), (Field::EMAIL, 2), (Field::PHONE, 3), (Field::EMAIL, 4), (custom(0), 5)] {
            assert!(record.set_address(address(field, tag)));
        }
        let tags: std::vec::Vec<u8> = record.addresses.iter().map(|known| known.tag[0]).collect();
        assert_eq!(tags, [3, 4, 5, 1]);
        assert!(!record.set_address(address(custom(2), 6)), "a fifth field");
        assert!(record.set_address(address(Field::PHONE, 7)), "another of a field that is there");
        record.remove_address(Field::PHONE);
        assert!(record.address(Field::PHONE).is_none() && record.address(Field::EMAIL).is_some());
    }
}
