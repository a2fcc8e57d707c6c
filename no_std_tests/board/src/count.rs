//! How many instructions were executed: SysTick, in an emulator that gives every instruction the same time.
//!
//! Under `-icount shift=6` QEMU lets 2^6 = 64 ns pass with every instruction, and the board's SysTick counts at 142 MHz, so an instruction
//! is 64 × 0.142 = 9.088 ticks. Both ends of a stretch of time are rounded down to a tick, so `ticks ÷ 9.088`, rounded, is exact: the error is
//! at most 1 ÷ 9.088. [`calibrate`] checks that on loops of known length; where it fails, the emulator runs otherwise.
//!
//! Instructions are not cycles: on a Cortex-M3 most take one, a load two, a branch that is taken two to four, a long multiplication three to five, and flash
//! has wait states.

use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::register::Register;

/// Runs `work` and gives its outcome with the number of instructions that it took; `None` where that is more than the counter holds, 1.8 million.
#[inline(never)]
pub fn instructions_of<T>(work: impl FnOnce() -> T) -> (T, Option<u32>) {
    let nothing = begin().end();
    // Opaque on both sides, or the compiler could move parts of the work out of what is measured.
    let work = black_box(work);
    let stopwatch = begin();
    let outcome = black_box(work());
    let ticks = stopwatch.end();
    let between = ticks.zip(nothing).map(|(ticks, nothing)| to_instructions(ticks.saturating_sub(nothing)));
    (outcome, between)
}

/// The counter counts what it should: true where loops of known length are measured with exactly that length.
#[must_use]
pub fn calibrate() -> bool {
    let [short, long] = [1000, 101_000].map(|rounds| instructions_of(|| spin(rounds)).1);
    // Two instructions a round. What comes before and after the loop is the same for both.
    let difference = long.zip(short).map(|(long, short)| long.wrapping_sub(short));
    difference == Some(200_000) && short.is_some_and(|short| (2000..2020).contains(&short))
}

/// Takes two instructions a round.
#[inline(never)]
fn spin(rounds: u32) {
    // SAFETY: counts a register down and does nothing else.
    unsafe { asm!("2: subs {0}, #1", "bne 2b", inout(reg) rounds => _, options(nostack)) };
}

/// What the counter, which counts down, showed at the beginning.
struct Stopwatch(u32);

#[inline(always)]
fn begin() -> Stopwatch {
    CONTROL.write(0);
    RELOAD.write(MAX_TICKS);
    CURRENT.write(0);
    CONTROL.write(PROCESSOR_CLOCK | ENABLE);
    // It shows 0 until it has taken the value that it counts down from.
    while CURRENT.read() == 0 {}
    let stopwatch = Stopwatch(CURRENT.read());
    compiler_fence(Ordering::SeqCst);
    stopwatch
}

impl Stopwatch {
    /// Ticks since the beginning, or `None` where the counter came to its end.
    #[inline(always)]
    fn end(self) -> Option<u32> {
        compiler_fence(Ordering::SeqCst);
        let left = CURRENT.read();
        let ended = CONTROL.read() & ENDED != 0;
        (!ended).then(|| self.0.saturating_sub(left))
    }
}

/// `ticks ÷ 9.088`, rounded.
fn to_instructions(ticks: u32) -> u32 {
    u32::try_from((u64::from(ticks) * 1000 + TICKS_PER_1000 / 2) / TICKS_PER_1000).unwrap_or(u32::MAX)
}

/// What 1000 instructions take.
const TICKS_PER_1000: u64 = 64 * 142;
const MAX_TICKS: u32 = 0x00ff_ffff;

const CONTROL: Register = Register::at(0xe000_e010);
const RELOAD: Register = Register::at(0xe000_e014);
const CURRENT: Register = Register::at(0xe000_e018);
const ENABLE: u32 = 1;
const PROCESSOR_CLOCK: u32 = 1 << 2;
const ENDED: u32 = 1 << 16;
