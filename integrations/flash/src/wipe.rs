//! Destroying everything.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use crate::{
    FlashError, FlashStore,
    index::Index,
    item::Marker,
    medium::Fault,
    sector::{FIRST, SECTOR_HEADER, Sector},
};

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> FlashStore<F, ENTRIES, RECORDS> {
    /// Makes an empty store of any flash, whatever it holds. Where it holds a store, a power cut changes nothing about its end, as with
    /// [`wipe`](Self::wipe); what else it holds may be half gone then, and is to be formatted again.
    ///
    /// # Errors
    /// [`FlashError::Flash`], [`FlashError::TooSmall`]
    pub fn format(flash: F) -> Result<Self, FlashError<F::Error>> {
        let mut store = Self::asleep(flash)?;
        store.wipe()?;
        Ok(store)
    }

    /// Destroys everything: all sectors that held anything are erased, and the store is empty. Once begun, it is finished by
    /// [`open`](Self::open) if the power goes. Works also after a failure, on what can still be reached.
    ///
    /// # Errors
    /// [`FlashError::Flash`]: not everything could be erased; the store refuses everything.
    pub fn wipe(&mut self) -> Result<(), FlashError<F::Error>> {
        self.ready = false;
        self.destroy_all()?;
        self.ready = true;
        Ok(())
    }

    /// Says in the log's newest sector that everything goes, erases all others, begins a new log behind it, and erases it: there is a log at
    /// any time, and it says what is to be done.
    pub(crate) fn destroy_all(&mut self) -> Result<(), Fault<F>> {
        (self.index, self.marker, self.next) = (Index::new(), Marker::default(), 0);
        let sectors = self.log.medium.sectors();
        let (found, mut outcome) = match self.find_head() {
            Ok(found) => (found, Ok(())),
            Err(error) => (false, Err(error)),
        };
        let old = found.then_some(self.log.head);
        let (first, number) = match old {
            Some(old) => (self.log.after(old), self.log.number.saturating_add(1)),
            None => (0, FIRST),
        };
        // A sector that fails must not save the others.
        if let Some(old) = old {
            outcome = outcome.and(self.log.medium.begin_wipe(old));
        }
        for sector in (0..sectors).filter(|sector| Some(*sector) != old) {
            outcome = outcome.and(self.clean_unless_free(sector));
        }
        outcome = outcome.and_then(|()| self.log.medium.number(first, number));
        if let Some(old) = old {
            outcome = outcome.and(self.log.medium.clean(old));
        }
        (self.log.head, self.log.number, self.log.used, self.log.at) = (first, number, 1, SECTOR_HEADER);
        outcome
    }

    /// True where the log's newest sector says that everything goes; or the one before it, and the wipe had all but erased that one. Then
    /// it is the log's newest again.
    pub(crate) fn wipe_was_begun(&mut self) -> Result<bool, Fault<F>> {
        for sector in [self.log.head, self.log.back(1)] {
            if self.log.medium.wiped(sector)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn clean_unless_free(&mut self, sector: u32) -> Result<(), Fault<F>> {
        match self.log.medium.sector(sector) {
            Ok(Sector::Free) => Ok(()),
            Ok(_) | Err(FlashError::Damaged) => self.log.medium.clean(sector),
            Err(error) => self.log.medium.clean(sector).and(Err(error)),
        }
    }
}
