//! The flash as the log sees it: bytes that can be read anywhere, cleared anywhere, and erased by sector.

use core::cell::RefCell;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use zeroize::Zeroizing;

use crate::{
    FlashError,
    item::{HEADER_LEN, padded},
};

/// What goes wrong on a flash `F`.
pub(crate) type Fault<F> = FlashError<<F as embedded_storage::nor_flash::ErrorType>::Error>;

/// A flash, and its geometry checked.
pub(crate) struct Medium<F> {
    /// Reading takes it mutably, and the store's readers have it shared.
    flash: RefCell<F>,
}

impl<F: MultiwriteNorFlash> Medium<F> {
    /// What items begin at multiples of.
    pub(crate) const ALIGN: u32 = {
        let (read, write) = (narrow(F::READ_SIZE), narrow(F::WRITE_SIZE));
        assert!(read.is_power_of_two() && read <= 8, "READ_SIZE must be 1, 2, 4 or 8");
        assert!(write.is_power_of_two() && write <= 8, "WRITE_SIZE must be 1, 2, 4 or 8");
        if read > write { read } else { write }
    };

    /// Bytes of a sector.
    pub(crate) const SECTOR: u32 = {
        let size = narrow(F::ERASE_SIZE);
        assert!(size >= 512 && size.is_multiple_of(8), "ERASE_SIZE must be a multiple of 8, and 512 at least");
        size
    };

    pub(crate) const fn new(flash: F) -> Self {
        Self { flash: RefCell::new(flash) }
    }

    pub(crate) fn into_inner(self) -> F {
        self.flash.into_inner()
    }

    /// How many sectors there are.
    pub(crate) fn sectors(&self) -> u32 {
        let bytes = self.flash.try_borrow().map_or(0, |flash| flash.capacity());
        u32::try_from(bytes).unwrap_or(u32::MAX).checked_div(Self::SECTOR).unwrap_or(0)
    }

    /// Bytes from anywhere.
    pub(crate) fn read(&self, at: u32, out: &mut [u8]) -> Result<(), Fault<F>> {
        if F::READ_SIZE == 1 {
            return self.driver(|flash| flash.read(at, out));
        }
        let mut word = Zeroizing::new([0; 8]);
        let mut skip = at % 8;
        let mut at = at.saturating_sub(skip);
        let mut out = out.iter_mut();
        while out.len() > 0 {
            self.driver(|flash| flash.read(at, word.as_mut_slice()))?;
            for (byte, slot) in word.iter().skip(wide(skip)).zip(out.by_ref().take(wide(8_u32.saturating_sub(skip)))) {
                *slot = *byte;
            }
            (at, skip) = (at.saturating_add(8), 0);
        }
        Ok(())
    }

    /// Writes at a multiple of [`ALIGN`](Self::ALIGN) a piece whose length is one, too.
    pub(crate) fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Fault<F>> {
        self.driver(|flash| flash.write(at, bytes))
    }

    /// Writes zeros over what isn't zero, from the end to the front: what is at the front says what the rest was until the rest is gone.
    ///
    /// In pieces that are a header shorter than those that are written: one that is torn, and tears a header that it begins inside of, leaves
    /// no more behind that than the writing would have.
    pub(crate) fn zero(&mut self, from: u32, to: u32) -> Result<(), Fault<F>> {
        let mut end = padded(to, Self::ALIGN);
        while end > from {
            let start = end.saturating_sub(CHUNK_LEN.saturating_sub(HEADER_LEN)).max(from);
            let mut chunk = Zeroizing::new([0; CHUNK]);
            let piece = chunk.get_mut(..wide(end.saturating_sub(start))).unwrap_or_default();
            self.read(start, piece)?;
            if piece.iter().any(|byte| *byte != 0) {
                piece.fill(0);
                self.write(start, piece)?;
            }
            end = start;
        }
        Ok(())
    }

    /// Erases a sector.
    pub(crate) fn erase(&mut self, sector: u32) -> Result<(), Fault<F>> {
        let from = sector.saturating_mul(Self::SECTOR);
        self.driver(|flash| flash.erase(from, from.saturating_add(Self::SECTOR)))
    }

    /// The last byte in this range for which `wanted` holds: the address behind it, or `from` where there is none.
    pub(crate) fn end_of(&self, from: u32, to: u32, wanted: impl Fn(u8) -> bool) -> Result<u32, Fault<F>> {
        let mut end = to;
        while end > from {
            let start = end.saturating_sub(CHUNK_LEN).max(from);
            let mut chunk = Zeroizing::new([0; CHUNK]);
            let piece = chunk.get_mut(..wide(end.saturating_sub(start))).unwrap_or_default();
            self.read(start, piece)?;
            if let Some(last) = piece.iter().rposition(|byte| wanted(*byte)) {
                return Ok(start.saturating_add(narrow(last)).saturating_add(1));
            }
            end = start;
        }
        Ok(from)
    }

    fn driver<T>(&self, call: impl FnOnce(&mut F) -> Result<T, F::Error>) -> Result<T, Fault<F>> {
        // Nobody holds it longer than for a call of the driver's.
        let mut flash = self.flash.try_borrow_mut().map_err(|_| FlashError::Damaged)?;
        call(&mut flash).map_err(FlashError::Flash)
    }
}

/// For sizes, which all fit; a larger one becomes the largest.
#[expect(clippy::as_conversions, reason = "checked in the line before; `try_from` is not const")]
pub(crate) const fn narrow(size: usize) -> u32 {
    if size > u32::MAX as usize { u32::MAX } else { size as u32 }
}

/// For lengths of slices.
pub(crate) fn wide(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// How much is read or written at a time.
pub(crate) const CHUNK: usize = 64;
pub(crate) const CHUNK_LEN: u32 = 64;
