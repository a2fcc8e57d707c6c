//! Counting in a batch that is whole: the index follows the log. Done after each commit, and for each batch at an opening.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use crate::{
    FlashError, FlashStore,
    item::{Kind, Marker, is_secret, key_hash},
    log::{Cursor, Item, Step},
    medium::Fault,
};

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> FlashStore<F, ENTRIES, RECORDS> {
    /// Counts in the batch at the cursor, whose end and marker are known: the place behind it.
    pub(crate) fn apply(&mut self, mut cursor: Cursor, marker: Marker) -> Result<Cursor, Fault<F>> {
        let kept_from = core::mem::replace(&mut self.marker, marker).kept_from;
        if marker.kept_from != kept_from {
            self.forget_acknowledged()?;
        }
        loop {
            match self.log.step(&mut cursor)? {
                // What is being destroyed is no more, unless it was only the state that flipped.
                Step::Item(item) if item.header.is_dying() && !self.log.is_whole(&item)? => self.log.scrub(&item)?,
                Step::Item(item) => match item.header.kind {
                    Kind::Record => self.apply_record(&item)?,
                    Kind::Entry => self.apply_entry(&item)?,
                    Kind::Marker => return Ok(cursor),
                },
                Step::End | Step::Torn => return Err(FlashError::Damaged),
            }
        }
    }

    /// The newest record of its key takes the place of the one before, or that of an expired one, or a new place.
    fn apply_record(&mut self, item: &Item) -> Result<(), Fault<F>> {
        let (key, expires) = self.read_head(item)?;
        let own = self.find(&key)?.map(|(place, _)| place);
        let place = match own {
            None if self.index.records_are_full() => self.index.expired_place(self.marker.now),
            own => own,
        };
        match self.index.put(place, key_hash(&key), item.address, expires)? {
            Some(old) => self.destroy(old),
            None => Ok(()),
        }
    }

    /// Overwrites a record that nobody can get any more, where it is a secret.
    fn destroy(&mut self, address: u32) -> Result<(), Fault<F>> {
        let item = self.log.item_unchecked(address)?;
        let (key, _) = self.read_head(&item)?;
        if is_secret(key.table) { self.log.scrub(&item) } else { Ok(()) }
    }

    /// An entry's place is by its number: copies come late, and there may be two of one.
    fn apply_entry(&mut self, item: &Item) -> Result<(), Fault<F>> {
        let number = self.entry_number(item)?;
        let (after, comes_last) = (number.saturating_add(1), number >= self.next);
        if after >= self.next {
            (self.next, self.index.last) = (after, Some(item.address));
        }
        if number < self.marker.kept_from {
            return Ok(());
        }
        let mut place = self.index.entries.len();
        while let Some(before) = place.checked_sub(1).filter(|_| !comes_last) {
            let Some(kept) = self.index.entries.get(before).copied() else { break };
            let kept = self.entry_number(&self.log.item(kept)?)?;
            if kept == number {
                if let Some(slot) = self.index.entries.get_mut(before) {
                    *slot = item.address;
                }
                return Ok(());
            }
            if kept < number {
                break;
            }
            place = before;
        }
        self.index.entries.insert(place, item.address).map_err(|_| FlashError::NoPlace)
    }

    fn forget_acknowledged(&mut self) -> Result<(), Fault<F>> {
        let mut gone = 0_usize;
        for address in &self.index.entries {
            // By one of which a bit flipped, others would be forgotten.
            if self.entry_number(&self.log.item(*address)?)? >= self.marker.kept_from {
                break;
            }
            gone = gone.saturating_add(1);
        }
        // There are so many: said once more for the compiler, which then sees that nothing panics.
        if let Some(kept) = self.index.entries.len().checked_sub(gone) {
            self.index.entries.rotate_left(gone);
            self.index.entries.truncate(kept);
        }
        Ok(())
    }

    /// The number of an entry that is whole.
    fn entry_number(&self, entry: &Item) -> Result<u64, Fault<F>> {
        let mut number = [0; 8];
        self.log.medium.read(entry.body(), &mut number)?;
        Ok(u64::from_le_bytes(number))
    }
}
