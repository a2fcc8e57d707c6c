//! The time of day.

use crate::host;

/// Milliseconds since 1970.
///
/// The board has no clock that outlives the power, so the host's stands for the battery-backed one of a real device: its time of day
/// when the program starts (semihosting `SYS_TIME`), and what has passed since then (`SYS_ELAPSED`).
#[derive(Debug)]
pub struct Clock {
    at_start: u64,
    elapsed_at_start: u64,
}

impl Clock {
    /// Reads the host's time of day.
    #[must_use]
    pub fn new() -> Self {
        let at_start = u64::from(host::time()).saturating_mul(1000);
        Self { at_start, elapsed_at_start: host::elapsed().unwrap_or_default() }
    }

    /// Now, or `None` where the host doesn't tell what has passed.
    pub fn now(&mut self) -> Option<u64> {
        let passed = host::elapsed()?.checked_sub(self.elapsed_at_start)?;
        Some(self.at_start.saturating_add(passed / 1_000_000))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
