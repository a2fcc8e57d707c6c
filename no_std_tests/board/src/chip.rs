//! What the chip alone knows.

use crate::host;

/// The chip's own key: 32 bytes in the file `chip.key` of the folder that QEMU runs in, asked of the host by semihosting. A real chip has it in
/// fuses, or behind a physically unclonable function; none is emulated. `None` where there is no such file.
#[must_use]
pub fn chip_key() -> Option<[u8; 32]> {
    let mut key = [0; 32];
    host::read_file(c"chip.key", &mut key).then_some(key)
}
