//! The negative control of "no allocator is linked": it allocates, so it must not link.
#![no_std]
#![no_main]

extern crate alloc;

use core::hint::black_box;
use core::panic::PanicInfo;

#[cortex_m_rt::entry]
fn main() -> ! {
    let some: alloc::vec::Vec<u8> = alloc::vec![1; black_box(3)];
    black_box(&some);
    board::host::exit()
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::host::fail()
}
