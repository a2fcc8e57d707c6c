//! Making room: the oldest sector's living items are written again at the end, and it is erased.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use crate::{
    FlashStore,
    log::{Log, Step},
    medium::{Fault, Medium},
};

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> FlashStore<F, ENTRIES, RECORDS> {
    /// Makes room for a batch of items with bodies of these lengths: false where there is none. Once around, and nothing dead is left.
    pub(crate) fn make_space<L: Iterator<Item = usize>>(&mut self, bodies: impl Fn() -> L) -> Result<bool, Fault<F>> {
        for _ in 0..=self.log.medium.sectors() {
            if self.log.fits(bodies()) {
                return Ok(true);
            }
            self.collect()?;
        }
        Ok(false)
    }

    /// Collects the oldest sector. The copies are a batch like any other: a cut before its marker leaves the originals, and one behind it
    /// two of each, of which the opening takes the later.
    fn collect(&mut self) -> Result<(), Fault<F>> {
        if self.log.used == 1 {
            self.log.advance()?;
        }
        let tail = self.log.tail();
        let start = self.log.end();
        let mut cursor = Log::<F>::start_of(tail);
        while let Step::Item(item) = self.log.step(&mut cursor)? {
            // The step goes on to the next sector by itself.
            if cursor.sector != tail {
                break;
            }
            if self.index.holds(item.address) {
                self.log.copy(&self.log.item(item.address)?)?;
            }
        }
        self.finish(start, self.marker)?;
        self.log.drop_tail()
    }

    /// Erases the oldest sectors while nothing in them is alive: where a collection was interrupted before its last step, that is it.
    pub(crate) fn drop_dead_tails(&mut self) -> Result<(), Fault<F>> {
        while self.log.used > 1 {
            let from = self.log.tail().saturating_mul(Medium::<F>::SECTOR);
            if self.index.holds_any(from, from.saturating_add(Medium::<F>::SECTOR)) {
                break;
            }
            self.log.drop_tail()?;
        }
        Ok(())
    }
}
