//! Where the living items are: what the store keeps in memory.

use heapless::Vec;

use crate::FlashError;

/// Addresses of the living items. Ten bytes for a record, four for an entry.
pub(crate) struct Index<const ENTRIES: usize, const RECORDS: usize> {
    /// Entries that nobody acknowledged, in the order of their numbers.
    pub(crate) entries: Vec<u32, ENTRIES>,
    /// The newest entry, acknowledged or not.
    pub(crate) last: Option<u32>,
    hashes: Vec<u16, RECORDS>,
    addresses: Vec<u32, RECORDS>,
    expiries: Vec<Expiry, RECORDS>,
}

impl<const ENTRIES: usize, const RECORDS: usize> Index<ENTRIES, RECORDS> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), last: None, hashes: Vec::new(), addresses: Vec::new(), expiries: Vec::new() }
    }

    /// The places and addresses of records whose key may be the one with this hash.
    pub(crate) fn candidates(&self, hash: u16) -> impl Iterator<Item = (usize, u32)> {
        let same = self.hashes.iter().zip(&self.addresses).enumerate().filter(move |(_, (kept, _))| **kept == hash);
        same.map(|(place, (_, address))| (place, *address))
    }

    /// The place of a record that has expired.
    pub(crate) fn expired_place(&self, now: u64) -> Option<usize> {
        self.expiries.iter().position(|expiry| expiry.is_over(now))
    }

    pub(crate) fn is_expired(&self, place: usize, now: u64) -> bool {
        self.expiries.get(place).is_some_and(|expiry| expiry.is_over(now))
    }

    /// Takes out the records that have expired.
    pub(crate) fn forget_expired(&mut self, now: u64) {
        let mut place = 0_usize;
        while let Some(expiry) = self.expiries.get(place).copied() {
            if !expiry.is_over(now) {
                place = place.saturating_add(1);
                continue;
            }
            // The last one takes its place, unless it is the last one itself.
            if let (Some(hash), Some(address), Some(expiry)) =
                (self.hashes.pop(), self.addresses.pop(), self.expiries.pop())
                && let (Some(a), Some(b), Some(c)) =
                    (self.hashes.get_mut(place), self.addresses.get_mut(place), self.expiries.get_mut(place))
            {
                (*a, *b, *c) = (hash, address, expiry);
            }
        }
    }

    /// How many records can be placed, those that have expired giving up their places.
    pub(crate) fn free_places(&self, now: u64) -> usize {
        let expired = self.expiries.iter().filter(|expiry| expiry.is_over(now)).count();
        RECORDS.saturating_sub(self.addresses.len()).saturating_add(expired)
    }

    pub(crate) fn records_are_full(&self) -> bool {
        self.addresses.is_full()
    }

    /// Puts a record at this place, or at a new one: the address of what was there.
    pub(crate) fn put<E>(
        &mut self,
        place: Option<usize>,
        hash: u16,
        address: u32,
        expires: u64,
    ) -> Result<Option<u32>, FlashError<E>> {
        let expiry = Expiry::of(expires);
        let Some(place) = place else {
            let pushed = self.hashes.push(hash).is_ok() & self.addresses.push(address).is_ok();
            return if pushed & self.expiries.push(expiry).is_ok() { Ok(None) } else { Err(FlashError::NoPlace) };
        };
        if let (Some(a), Some(b)) = (self.hashes.get_mut(place), self.expiries.get_mut(place)) {
            (*a, *b) = (hash, expiry);
        }
        Ok(self.addresses.get_mut(place).map(|slot| core::mem::replace(slot, address)))
    }

    /// True where the item at this address is alive.
    pub(crate) fn holds(&self, address: u32) -> bool {
        self.all().any(|kept| kept == address)
    }

    /// True where an item between these addresses is alive.
    pub(crate) fn holds_any(&self, from: u32, to: u32) -> bool {
        self.all().any(|kept| from <= kept && kept < to)
    }

    fn all(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().chain(&self.last).chain(&self.addresses).copied()
    }
}

/// When a record ends, in steps of 2^14 milliseconds, 16 seconds, rounded up: it stays a little longer, and is never gone too early.
#[derive(Clone, Copy)]
struct Expiry(u32);

impl Expiry {
    fn of(millis: u64) -> Self {
        let steps = millis.wrapping_shr(STEP).saturating_add(u64::from(millis.trailing_zeros() < STEP));
        Self(u32::try_from(steps).unwrap_or(NEVER))
    }

    fn is_over(self, now: u64) -> bool {
        self.0 != NEVER && now.wrapping_shr(STEP) >= u64::from(self.0)
    }
}

const STEP: u32 = 14;
const NEVER: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    /// Never before its time, at most 2^14 ms after it, and not at all where there is no end.
    #[test]
    fn expiry_is_rounded_up() {
        for millis in [0, 1, 16_383, 16_384, 16_385, 1_800_000_000_123] {
            let expiry = Expiry::of(millis);
            assert!(millis == 0 || !expiry.is_over(millis - 1));
            assert!(expiry.is_over(millis + 16_384));
        }
        assert!(!Expiry::of(u64::MAX).is_over(u64::MAX));
    }
}
