//! The SPI controller, as far as the flash behind it needs it.

use crate::register::Register;

/// One exchange with the flash: it is selected for exactly as many bytes as were announced, and must be given them all.
pub(crate) struct Exchange(());

impl Exchange {
    /// Selects the flash for `bytes` bytes, up to [`MAX_BYTES`].
    pub(crate) fn begin(bytes: usize) -> Self {
        let bytes = bytes.clamp(1, MAX_BYTES) as u32;
        CONTROL.write(MASTER);
        FRAME_BITS.write(8);
        SELECT.write(1);
        CONTROL.write(MASTER | KEEP_SELECTED | bytes << COUNT_SHIFT | ENABLE);
        Self(())
    }

    /// Sends a byte and gives the one that came for it.
    pub(crate) fn byte(&mut self, byte: u8) -> u8 {
        TRANSMIT.write(u32::from(byte));
        while STATUS.read() & NOTHING_RECEIVED != 0 {}
        RECEIVE.read().to_le_bytes()[0]
    }
}

/// The most bytes of one exchange: the controller counts them in 16 bits.
pub(crate) const MAX_BYTES: usize = 0xffff;

const CONTROL: Register = Register::at(0x4000_1000);
const FRAME_BITS: Register = Register::at(0x4000_1004);
const STATUS: Register = Register::at(0x4000_1008);
const RECEIVE: Register = Register::at(0x4000_1010);
const TRANSMIT: Register = Register::at(0x4000_1014);
const SELECT: Register = Register::at(0x4000_101c);

const ENABLE: u32 = 1;
const MASTER: u32 = 1 << 1;
const COUNT_SHIFT: u32 = 8;
const KEEP_SELECTED: u32 = 1 << 26;
const NOTHING_RECEIVED: u32 = 1 << 6;
