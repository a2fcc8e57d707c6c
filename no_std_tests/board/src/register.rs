//! A register of the chip: the one place where addresses are read and written.

/// A register of 32 bits, by its address.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at `address`, which must be one of the chip's, aligned to 4: the modules of this crate name them as constants.
    pub(crate) const fn at(address: usize) -> Self {
        assert!(address.is_multiple_of(4) && address >= 0x4000_0000, "peripherals begin there");
        Self(address)
    }

    /// Reads it, with all the effects that this has.
    pub(crate) fn read(self) -> u32 {
        // SAFETY: the address is aligned and a peripheral's, so it is no memory that Rust knows of.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes it, with all the effects that this has.
    pub(crate) fn write(self, value: u32) {
        // SAFETY: as in `read`. No peripheral that this crate names writes to the memory by itself.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
