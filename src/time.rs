//! Time as the core knows it: milliseconds since 1970-01-01 UTC, as the host's clock says.

/// A point in time, in milliseconds since 1970-01-01 00:00 UTC (without leap seconds).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Time(u64);

impl Time {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later; the end of time where it doesn't fit.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This much earlier; 1970 where it doesn't fit.
    #[must_use]
    pub const fn minus(self, millis: u64) -> Self {
        Self(self.0.saturating_sub(millis))
    }

    /// The day, counted from 1970-01-01: the period of an issuer's key.
    #[must_use]
    pub const fn period(self) -> u32 {
        let day = self.0 / DAY;
        #[expect(clippy::as_conversions, reason = "checked to fit in the line before")]
        if day > 0xffff_ffff { u32::MAX } else { day as u32 }
    }

    pub(crate) const fn to_le_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    pub(crate) const fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }
}

/// A second, in milliseconds.
pub(crate) const SECOND: u64 = 1000;
/// A minute, in milliseconds.
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// A day, in milliseconds.
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;
