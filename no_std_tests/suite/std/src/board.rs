//! The board: its heap, how a program starts on it, and how it ends when it breaks.

// For its critical section, which the linker looks for.
use cortex_m as _;
use cortex_m_rt::{ExceptionFrame, exception};
use embedded_alloc::TlsfHeap;
use semihosting::{eprintln, process};

/// Of the tests' scaffolding: the core never allocates.
#[global_allocator]
static HEAP: TlsfHeap = TlsfHeap::empty();

/// What `main` returns. The test harness's returns nothing.
#[lang = "termination"]
trait Termination {}

impl Termination for () {}

/// What the compiler's `main` calls, and cortex-m-rt calls that.
#[lang = "start"]
fn start<T: Termination + 'static>(
    main: fn() -> T,
    _count: isize,
    _arguments: *const *const u8,
    _sigpipe: u8,
) -> isize {
    // SAFETY: once, before anything allocates; the 16 MiB at this address are in no section of the linker script.
    unsafe { HEAP.init(0x2100_0000, 16 << 20) };
    main();
    0
}

/// The default would wait for ever.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    eprintln!("hard fault: {frame:?}");
    process::exit(2)
}
