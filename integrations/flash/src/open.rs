//! Opening: a blank flash becomes a store, and what a power cut left undone is done.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use crate::{
    FlashError, FlashStore,
    index::Index,
    item::{ENTRY_LEN, MARKER_LEN, MAX_RECORD_LEN, Marker, padded},
    log::Log,
    medium::{Fault, Medium, narrow},
    sector::{SECTOR_HEADER, Sector},
};

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> FlashStore<F, ENTRIES, RECORDS> {
    /// The sectors that are needed at least: for all entries and records that may be alive, a batch that replaces each record, what is lost
    /// at sectors' ends, and one sector that stays free. With twice as many, much less is copied.
    pub const MIN_SECTORS: u32 = {
        assert!(ENTRIES >= 1 && RECORDS >= 1 && ENTRIES <= 0xffff && RECORDS <= 0xffff, "1 to 65535 of each");
        let align = Medium::<F>::ALIGN;
        let (record, entry) = (padded(MAX_RECORD_LEN, align), padded(ENTRY_LEN, align));
        let marker = padded(MARKER_LEN, align);
        let records = record.saturating_mul(narrow(RECORDS)).saturating_mul(2);
        let entries = entry.saturating_mul(narrow(ENTRIES).saturating_add(1));
        let needed = records.saturating_add(entries).saturating_add(marker);
        // Of each sector: its header, the marker's reserve, a marker of a collection, and the longest item that may just not fit.
        let lost = SECTOR_HEADER.saturating_add(marker.saturating_mul(2)).saturating_add(record);
        needed.div_ceil(Medium::<F>::SECTOR.saturating_sub(lost)).saturating_add(1)
    };

    /// Opens a store, and finishes what a power cut interrupted. A blank flash becomes an empty store.
    ///
    /// It reads the log once or twice. Where the last shutdown was orderly, it writes nothing.
    ///
    /// # Errors
    /// [`FlashError`]
    pub fn open(flash: F) -> Result<Self, FlashError<F::Error>> {
        let mut store = Self::asleep(flash)?;
        if !store.find_head()? {
            store.log.medium.format_blank()?;
            store.find_head()?;
        }
        if store.wipe_was_begun()? {
            store.destroy_all()?;
        }
        store.check_ring()?;
        store.recover()?;
        store.ready = true;
        Ok(store)
    }

    /// A store that knows nothing of its flash but that it is large enough.
    pub(crate) fn asleep(flash: F) -> Result<Self, FlashError<F::Error>> {
        let medium = Medium::new(flash);
        if medium.sectors() < Self::MIN_SECTORS {
            return Err(FlashError::TooSmall);
        }
        let log = Log { medium, head: 0, number: 0, used: 0, at: SECTOR_HEADER };
        Ok(Self { log, index: Index::new(), marker: Marker::default(), next: 0, ready: false })
    }

    /// Finds the log's newest sector, and how many it has: false where there is none.
    pub(crate) fn find_head(&mut self) -> Result<bool, Fault<F>> {
        self.log.used = 0;
        for sector in 0..self.log.medium.sectors() {
            match self.log.medium.sector(sector) {
                Ok(Sector::Log(number)) => {
                    if self.log.used == 0 || number > self.log.number {
                        (self.log.head, self.log.number) = (sector, number);
                    }
                    self.log.used = self.log.used.saturating_add(1);
                }
                // Damage is for `check_ring` to report: a wipe goes on.
                Ok(_) | Err(FlashError::Damaged) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.log.used > 0)
    }

    /// The log's sectors follow one another in the ring, none is missing; and the others are free from here on.
    fn check_ring(&mut self) -> Result<(), Fault<F>> {
        let sectors = self.log.medium.sectors();
        for back in 0..self.log.used {
            let expected = self.log.number.checked_sub(back).map(Sector::Log);
            if Some(self.log.medium.sector(self.log.back(back))?) != expected {
                return Err(FlashError::Damaged);
            }
        }
        for back in self.log.used..sectors {
            let sector = self.log.back(back);
            if self.log.medium.sector(sector)? == Sector::Dirty {
                self.log.medium.clean(sector)?;
            }
        }
        Ok(())
    }

    /// Follows the log from its oldest sector on, batch by batch. What comes behind the last whole one is undone.
    fn recover(&mut self) -> Result<(), Fault<F>> {
        let mut cursor = Log::<F>::start_of(self.log.tail());
        while let Some(marker) = self.log.find_marker(cursor)? {
            cursor = self.apply(cursor, marker)?;
        }
        self.log.roll_back(cursor)?;
        // A record that gave up its place to another must not come back in its stead: it would keep alive the oldest sector, which a
        // collection that was interrupted needs.
        self.index.forget_expired(self.marker.now);
        self.drop_dead_tails()
    }
}
