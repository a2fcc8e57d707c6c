//! The negative control of the stack's place: it overflows, and must be stopped before it overwrites a variable.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

/// All ones, and nobody writes to it: where that changes, the stack came here.
static GUARDED: [AtomicU32; 1024] = [const { AtomicU32::new(u32::MAX) }; 1024];

#[cortex_m_rt::entry]
fn main() -> ! {
    black_box(deeper(black_box(0)));
    board::host::exit()
}

/// Calls itself until the stack is used up, and ends well where that overwrote something: then the control has failed.
#[inline(never)]
fn deeper(level: u32) -> u32 {
    let mut block = [level; 64];
    black_box(&mut block);
    if GUARDED.iter().any(|word| word.load(Ordering::Relaxed) != u32::MAX) || level > MUCH {
        board::host::exit();
    }
    deeper(level + 1) + block[0]
}

/// 256 KiB.
const MUCH: u32 = 1024;

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::host::exit()
}
