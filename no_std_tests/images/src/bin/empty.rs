//! Start-up only: what every image has, and no image is charged for.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::host::exit()
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::host::fail()
}
