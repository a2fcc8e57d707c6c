//! The negative control of the panic list: what the detector must find in code of ours.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

#[cortex_m_rt::entry]
fn main() -> ! {
    let table = black_box([1_u8, 2, 3]);
    black_box(deliberate(&table, black_box(1)));
    board::host::exit()
}

/// Panics where `at` is too large: that is the point.
#[inline(never)]
fn deliberate(table: &[u8], at: usize) -> u8 {
    table[at]
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::host::fail()
}
