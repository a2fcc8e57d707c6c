//! The serial line: a 16550, polled.

use crate::register::Register;

/// The first UART. Speed and format are the emulator's; what the other side sends waits there until it is read, so nothing is lost.
#[derive(Debug)]
pub struct Uart(());

impl Uart {
    /// The board's UART. There is one; two handles would share it.
    #[must_use]
    pub fn new() -> Self {
        INTERRUPTS.write(0);
        Self(())
    }

    /// Reads a byte where one has come.
    pub fn try_read(&mut self) -> Option<u8> {
        let has_come = LINE_STATUS.read() & DATA_READY != 0;
        has_come.then(|| DATA.read().to_le_bytes()[0])
    }

    /// Waits for a byte and reads it.
    pub fn read(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.try_read() {
                return byte;
            }
        }
    }

    /// Sends all bytes, waiting where the line is busy.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while LINE_STATUS.read() & CAN_SEND == 0 {}
            DATA.write(u32::from(*byte));
        }
    }
}

impl Default for Uart {
    fn default() -> Self {
        Self::new()
    }
}

const DATA: Register = Register::at(0x4000_0000);
const INTERRUPTS: Register = Register::at(0x4000_0004);
const LINE_STATUS: Register = Register::at(0x4000_0014);
const DATA_READY: u32 = 1;
const CAN_SEND: u32 = 1 << 5;
