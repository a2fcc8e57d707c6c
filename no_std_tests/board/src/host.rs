//! What QEMU does for the program, by semihosting: a breakpoint that the emulator, or a debugger, answers.

use core::fmt::{self, Write};

use cortex_m_semihosting::{debug, nr, syscall, syscall1};

/// Prints a line on the host, where a test reads it.
pub fn line(text: fmt::Arguments<'_>) {
    // A text that cannot be written is dropped: there is nobody to tell.
    let _written = writeln!(Console, "{text}");
}

/// Ends the emulation with success.
pub fn exit() -> ! {
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// Ends the emulation with a failure.
pub fn fail() -> ! {
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}

/// Seconds since 1970, by the host's clock.
pub(crate) fn time() -> u32 {
    // SAFETY: SYS_TIME takes no argument and changes nothing of ours.
    (unsafe { syscall1(nr::TIME, 0) }) as u32
}

/// Nanoseconds since the emulation began.
pub(crate) fn elapsed() -> Option<u64> {
    let mut words = [0_u32; 2];
    let block = words.as_mut_ptr() as usize;
    // SAFETY: SYS_ELAPSED writes two words to the block, which is that long, and is read only afterwards.
    let answer = unsafe { syscall1(nr::ELAPSED, block) };
    // SAFETY: the block is ours; read so that the compiler sees that it may have changed.
    let [low, high] = unsafe { (block as *const [u32; 2]).read_volatile() };
    (answer == 0).then(|| u64::from(low) | u64::from(high) << 32)
}

/// Fills `out` from the start of one of the host's files; false where that can't be done. `name` ends with a zero byte.
pub(crate) fn read_file(name: &core::ffi::CStr, out: &mut [u8]) -> bool {
    // SAFETY: SYS_OPEN reads a name of that many bytes, and a zero byte stands behind it.
    let file = unsafe { syscall!(OPEN, name.as_ptr(), nr::open::R_BINARY, name.count_bytes()) };
    if file as isize == -1 {
        return false;
    }
    // SAFETY: SYS_READ writes at most that many bytes to `out`.
    let missing = unsafe { syscall!(READ, file, out.as_mut_ptr(), out.len()) };
    // SAFETY: the file is one that was opened here.
    let _closed = unsafe { syscall!(CLOSE, file) };
    missing == 0
}

/// The host's console: one call for each piece of text, so that no buffer is needed.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: SYS_WRITEC reads one byte at the address that it is given.
            unsafe { syscall1(nr::WRITEC, &raw const byte as usize) };
        }
        Ok(())
    }
}
