//! What an appliance asks of its store besides.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use symbolon::{StoreError, appliance::Wipe};

use crate::FlashStore;

impl<F: MultiwriteNorFlash, const ENTRIES: usize, const RECORDS: usize> Wipe for FlashStore<F, ENTRIES, RECORDS> {
    fn wipe(&mut self) -> Result<(), StoreError> {
        Self::wipe(self).map_err(|_| StoreError)
    }
}
