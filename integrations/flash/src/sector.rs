//! What each sector begins with, and says of it. FORMAT.md, "Sectors".

use embedded_storage::nor_flash::MultiwriteNorFlash;

use crate::{
    FlashError,
    medium::{Fault, Medium},
};

/// What a sector is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sector {
    /// Part of the log: its number, which rises by one from sector to sector.
    Log(u32),
    /// Erased, and marked so: the rest of it is blank.
    Free,
    /// To be erased before it is used: an erasure was interrupted, or the mark behind it.
    Dirty,
}

impl<F: MultiwriteNorFlash> Medium<F> {
    /// `"SYMF" ‖ LE32 CRC of "1", alignment, sector size, number of sectors`: another geometry has another mark.
    fn mark(&self) -> u64 {
        let mut digest = crate::item::crc();
        for part in [1, Self::ALIGN, Self::SECTOR, self.sectors()] {
            digest.update(&part.to_le_bytes());
        }
        u64::from(u32::from_le_bytes(*b"SYMF")) | u64::from(digest.finalize()).wrapping_shl(32)
    }

    /// What the sector is.
    pub(crate) fn sector(&self, sector: u32) -> Result<Sector, Fault<F>> {
        let at = sector.saturating_mul(Self::SECTOR);
        let (mark, number) = (self.word(at)?, self.word(at.saturating_add(NUMBER_AT))?);
        // A few bits that flipped do no harm, and an invalidation that was torn so early might as well not have begun.
        if (mark ^ self.mark()).count_ones() > 4 {
            return Ok(Sector::Dirty);
        }
        if number == BLANK {
            return Ok(Sector::Free);
        }
        let [low, high] = [number & 0xffff_ffff, number.wrapping_shr(32)];
        if low == !high & 0xffff_ffff {
            return Ok(Sector::Log(u32::try_from(low).unwrap_or(u32::MAX)));
        }
        // Nothing is written to a sector before its number is whole.
        if self.word(at.saturating_add(SECTOR_HEADER))? == BLANK { Ok(Sector::Dirty) } else { Err(FlashError::Damaged) }
    }

    /// The number of a sector of the log in which a wipe began. It takes more than some bits that flipped.
    pub(crate) fn wiped(&self, sector: u32) -> Result<Option<u32>, Fault<F>> {
        let at = sector.saturating_mul(Self::SECTOR).saturating_add(WIPE_AT);
        match self.sector(sector)? {
            Sector::Log(number) if self.word(at)?.count_zeros() >= 32 => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// A wipe begins here: the sector's content is not to be read again.
    pub(crate) fn begin_wipe(&mut self, sector: u32) -> Result<(), Fault<F>> {
        self.write(sector.saturating_mul(Self::SECTOR).saturating_add(WIPE_AT), &[0; 8])
    }

    /// Gives a free sector its number.
    pub(crate) fn number(&mut self, sector: u32, number: u32) -> Result<(), Fault<F>> {
        let at = sector.saturating_mul(Self::SECTOR).saturating_add(NUMBER_AT);
        self.write(at, &number_word(number).to_le_bytes())
    }

    /// Erases a sector, and marks it as erased. Its mark goes first: what an interrupted erasure leaves must not pass for a sector.
    pub(crate) fn clean(&mut self, sector: u32) -> Result<(), Fault<F>> {
        let at = sector.saturating_mul(Self::SECTOR);
        self.write(at, &[0; 8])?;
        self.erase(sector)?;
        self.write(at, &self.mark().to_le_bytes())
    }

    /// Makes a store of a blank flash, or finishes that: marks on all sectors, then the first one's number. Erases nothing, since an
    /// erasure that was interrupted would leave a flash that could be anybody's.
    pub(crate) fn format_blank(&mut self) -> Result<(), Fault<F>> {
        let sectors = self.sectors();
        let mark = self.mark();
        for sector in 0..sectors {
            let at = sector.saturating_mul(Self::SECTOR);
            let (found, number) = (self.word(at)?, self.word(at.saturating_add(NUMBER_AT))?);
            let torn = if sector == 0 { number_word(FIRST) } else { BLANK };
            let (from, to) = (at.saturating_add(WIPE_AT), at.saturating_add(Self::SECTOR));
            let blank = self.end_of(from, to, |byte| byte != 0xff)? == from;
            if found & mark != mark || number & torn != torn || !blank {
                return Err(FlashError::Foreign);
            }
        }
        for sector in 0..sectors {
            self.write(sector.saturating_mul(Self::SECTOR), &mark.to_le_bytes())?;
        }
        self.number(0, FIRST)
    }

    fn word(&self, at: u32) -> Result<u64, Fault<F>> {
        let mut word = [0; 8];
        self.read(at, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }
}

/// `LE32 number ‖ LE32 !number`: one that was torn doesn't agree with itself.
fn number_word(number: u32) -> u64 {
    u64::from(number) | u64::from(!number).wrapping_shl(32)
}

/// The number of a new store's first sector.
pub(crate) const FIRST: u32 = 1;
const BLANK: u64 = u64::MAX;
const NUMBER_AT: u32 = 8;
const WIPE_AT: u32 = 16;
/// Where a sector's items begin: behind mark, number and the word that says that a wipe began.
pub(crate) const SECTOR_HEADER: u32 = 24;
