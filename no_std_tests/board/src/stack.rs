//! How deep the stack went: the free part is painted before, and what is not paint any more afterwards was used.

use core::arch::asm;
use core::hint::black_box;

/// Runs `work` and gives its outcome with the bytes of stack that it wrote to, below its caller's.
///
/// What a function reserves at the very bottom and never writes to is not seen, so the figure can be too small by that: a few words.
#[inline(never)]
pub fn depth_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let work = black_box(work);
    let top = paint();
    let outcome = black_box(work());
    let used = top.saturating_sub(lowest_used());
    (outcome, used)
}

/// Bytes that the board has for the stack.
#[must_use]
pub fn size() -> usize {
    (&raw const _stack_start as usize).saturating_sub(bottom())
}

/// Paints what is below the stack's end, and gives where that is.
#[inline(always)]
fn paint() -> usize {
    let top: usize;
    // SAFETY: reads the stack pointer and does nothing else.
    unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
    // SAFETY: from the stack's end, given by the linker, up to the stack pointer there is memory that nobody uses: everything that lives is
    // above, and no interrupt is enabled. In assembly, so that painting itself has no use for the stack.
    unsafe {
        asm!(
            "2: cmp {at}, {top}",
            "bhs 3f",
            "str {paint}, [{at}], #4",
            "b 2b",
            "3:",
            at = inout(reg) bottom() => _,
            top = in(reg) top,
            paint = in(reg) PAINT,
            options(nostack)
        );
    }
    top
}

/// The lowest address that is not paint any more.
fn lowest_used() -> usize {
    let mut at = bottom();
    // SAFETY: between the ends of the stack, which are aligned; volatile, for it is memory that Rust thinks unused.
    while at < &raw const _stack_start as usize && unsafe { (at as *const u32).read_volatile() } == PAINT {
        at += 4;
    }
    at
}

fn bottom() -> usize {
    &raw const _stack_end as usize
}

const PAINT: u32 = 0xa5c3_96e1;

// SAFETY: symbols of the linker script `memory.x`; only their addresses are taken.
unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
}
