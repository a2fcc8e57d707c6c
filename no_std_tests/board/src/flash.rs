//! The NOR flash: a Spansion S25SL128, 16 MiB in sectors of 64 KiB, of which a store gets as many as it needs.

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

use crate::spi::{Exchange, MAX_BYTES};

/// The first `SECTORS` sectors of the flash. QEMU keeps the contents in the file of `-drive if=mtd,format=raw,file=…`.
#[derive(Debug)]
pub struct SpiFlash<const SECTORS: usize>(());

impl<const SECTORS: usize> SpiFlash<SECTORS> {
    /// Bytes of a sector, which are erased together.
    pub const SECTOR: usize = 65536;

    /// The board's flash. There is one; two handles would share it.
    ///
    /// # Errors
    /// [`FlashError::Absent`]: another chip answers, or none.
    pub fn new() -> Result<Self, FlashError> {
        const { assert!(SECTORS >= 1 && SECTORS <= 256, "the chip has 256 sectors") };
        let mut exchange = Exchange::begin(4);
        exchange.byte(READ_ID);
        let id = [exchange.byte(0), exchange.byte(0), exchange.byte(0)];
        if id == ID { Ok(Self(())) } else { Err(FlashError::Absent) }
    }

    /// Says that what follows may change the flash, and checks that the chip took it.
    fn enable_writing(&mut self) -> Result<(), FlashError> {
        Exchange::begin(1).byte(WRITE_ENABLE);
        if status() & WRITE_ENABLED != 0 { Ok(()) } else { Err(FlashError::Refused) }
    }

    /// Writes within one page of the chip.
    fn program(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.enable_writing()?;
        let mut exchange = at(PAGE_PROGRAM, offset, bytes.len());
        for byte in bytes {
            exchange.byte(*byte);
        }
        wait();
        Ok(())
    }
}

/// Begins a command with an address of three bytes, for `more` bytes behind it.
fn at(command: u8, offset: u32, more: usize) -> Exchange {
    let mut exchange = Exchange::begin(more.saturating_add(4));
    let [_, high, middle, low] = offset.to_be_bytes();
    for byte in [command, high, middle, low] {
        exchange.byte(byte);
    }
    exchange
}

fn status() -> u8 {
    let mut exchange = Exchange::begin(2);
    exchange.byte(READ_STATUS);
    exchange.byte(0)
}

/// Until the chip has done what it was told.
fn wait() {
    while status() & BUSY != 0 {}
}

impl<const SECTORS: usize> ErrorType for SpiFlash<SECTORS> {
    type Error = FlashError;
}

impl<const SECTORS: usize> ReadNorFlash for SpiFlash<SECTORS> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len())?;
        let mut from = offset;
        for part in bytes.chunks_mut(MAX_BYTES - 4) {
            let mut exchange = at(READ, from, part.len());
            for byte in part.iter_mut() {
                *byte = exchange.byte(0);
            }
            from = from.wrapping_add(part.len() as u32);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        SECTORS * Self::SECTOR
    }
}

impl<const SECTORS: usize> NorFlash for SpiFlash<SECTORS> {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = Self::SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to)?;
        for sector in (from..to).step_by(Self::SECTOR) {
            self.enable_writing()?;
            let _all_was_sent = at(SECTOR_ERASE, sector, 0);
            wait();
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len())?;
        let (mut offset, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let in_page = PAGE - offset as usize % PAGE;
            let (part, later) = rest.split_at(in_page.min(rest.len()));
            self.program(offset, part)?;
            (offset, rest) = (offset.wrapping_add(part.len() as u32), later);
        }
        Ok(())
    }
}

/// Bits may be cleared in what is written already: the chip has no error correction over it.
impl<const SECTORS: usize> MultiwriteNorFlash for SpiFlash<SECTORS> {}

/// What can go wrong with the flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashError {
    /// Another chip answers, or none.
    Absent,
    /// The chip did not take the command to write.
    Refused,
    /// The caller asked for what the flash doesn't have, or not aligned.
    Argument(NorFlashErrorKind),
}

impl From<NorFlashErrorKind> for FlashError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Argument(kind)
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Argument(kind) => *kind,
            Self::Absent | Self::Refused => NorFlashErrorKind::Other,
        }
    }
}

/// Bytes that can be programmed together.
const PAGE: usize = 256;

const READ_ID: u8 = 0x9f;
const READ: u8 = 0x03;
const READ_STATUS: u8 = 0x05;
const WRITE_ENABLE: u8 = 0x06;
const PAGE_PROGRAM: u8 = 0x02;
const SECTOR_ERASE: u8 = 0xd8;
const BUSY: u8 = 1;
const WRITE_ENABLED: u8 = 1 << 1;
/// Spansion, S25SL128.
const ID: [u8; 3] = [0x01, 0x20, 0x18];
