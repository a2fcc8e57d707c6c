//! The emulated board: QEMU's `emcraft-sf2`, a SmartFusion2 with a Cortex-M3, 256 KiB of flash and 64 KiB of RAM.
//!
//! Of all boards with a Cortex-M3 that QEMU knows it is the one with a NOR flash behind a controller, whose contents outlive the
//! power, with a UART, and with a memory of the size that symbolon's appliance aims at. What it lacks is taken from the host that
//! QEMU runs on, by semihosting, and each such place says so: the clock ([`Clock`]) and the source of random numbers ([`Entropy`]).
//!
//! | of the board | |
//! |---|---|
//! | [`Uart`] | bytes in and out, waiting or not |
//! | [`SpiFlash`] | `embedded-storage`'s `MultiwriteNorFlash`: sectors of 64 KiB |
//! | [`Clock`] | milliseconds since 1970 |
//! | [`Entropy`] | `rand_core`'s `TryCryptoRng` |
//! | [`stack`] | how deep the stack went |
//! | [`count`] | how many instructions were executed |
//! | [`host`] | printing and exit, through the debugger |
//!
//! The memory layout is in `memory.x`, the stack at the bottom of the memory: an overflow stops the processor.
#![no_std]

mod chip;
mod clock;
pub mod count;
mod entropy;
mod flash;
pub mod host;
mod register;
mod spi;
pub mod stack;
mod uart;

pub use chip::chip_key;
pub use clock::Clock;
pub use entropy::{Entropy, NoEntropy};
pub use flash::{FlashError, SpiFlash};
pub use uart::Uart;
