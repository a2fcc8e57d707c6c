//! Why an appliance did not do what it was asked. SPEC.md section 17, "Faults".

use core::fmt;

use crate::Error;

/// Why an appliance did not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Fault {
    /// [`Error::Denied`]; also the answer to a role's wrong key, and to an act in no open channel.
    Denied = 1,
    /// [`Error::Unavailable`]
    Unavailable = 2,
    /// [`Error::Malformed`]: the frame is whole, and what is in it isn't a message.
    Malformed = 3,
    /// [`Error::InvalidPrincipal`]
    InvalidPrincipal = 4,
    /// [`Error::InvalidField`]
    InvalidField = 5,
    /// [`Error::InvalidValue`]
    InvalidValue = 6,
    /// [`Error::ForbiddenValue`]
    ForbiddenValue = 7,
    /// [`Error::TooLong`]; also a frame, a batch or an answer that is longer than the appliance has room for.
    TooLong = 8,
    /// [`Error::BufferTooSmall`]
    BufferTooSmall = 9,
    /// [`Error::RngFailed`]
    RngFailed = 10,
    /// [`Error::InvalidKeyring`]
    InvalidKeyring = 11,
    /// [`Error::InvalidTerms`]
    InvalidTerms = 12,
    /// What came is no frame: cut, altered on the line, or noise. Send it again.
    BadFrame = 32,
    /// The frame is of another version of the protocol.
    Version = 33,
    /// Not in this stage: blank, without roots, with roots already, or locked.
    Stage = 34,
    /// Too many failed log-ins in this role: one attempt comes back every ten minutes.
    Blocked = 35,
    /// The self-test failed, or what it keeps can't be read: it does nothing more.
    Unhealthy = 36,
}

impl Fault {
    const ALL: [Self; 17] = [
        Self::Denied,
        Self::Unavailable,
        Self::Malformed,
        Self::InvalidPrincipal,
        Self::InvalidField,
        Self::InvalidValue,
        Self::ForbiddenValue,
        Self::TooLong,
        Self::BufferTooSmall,
        Self::RngFailed,
        Self::InvalidKeyring,
        Self::InvalidTerms,
        Self::BadFrame,
        Self::Version,
        Self::Stage,
        Self::Blocked,
        Self::Unhealthy,
    ];

    /// Its number.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The fault with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied => Self::Denied,
            Error::Unavailable => Self::Unavailable,
            Error::Malformed => Self::Malformed,
            Error::InvalidPrincipal => Self::InvalidPrincipal,
            Error::InvalidField => Self::InvalidField,
            Error::InvalidValue => Self::InvalidValue,
            Error::ForbiddenValue => Self::ForbiddenValue,
            Error::TooLong => Self::TooLong,
            Error::BufferTooSmall => Self::BufferTooSmall,
            Error::RngFailed => Self::RngFailed,
            Error::InvalidKeyring => Self::InvalidKeyring,
            Error::InvalidTerms => Self::InvalidTerms,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "denied",
            Self::Unavailable => "unavailable: nothing opens until the clock, the store and the audit trail work",
            Self::Malformed => "malformed: not a message of this protocol",
            Self::InvalidPrincipal => "a tenant or subject must have 1 to 64 bytes",
            Self::InvalidField => "no such field; or a bound one without a record, or another with one",
            Self::InvalidValue => "the value is not what its field asks for",
            Self::ForbiddenValue => "security codes and track data must never be stored (PCI DSS 3.3.1)",
            Self::TooLong => "too long for the appliance",
            Self::BufferTooSmall => "the buffer is too small",
            Self::RngFailed => "the random number generator failed or repeated itself",
            Self::InvalidKeyring => "the keyring is empty, full, holds that epoch already, or doesn't unwrap",
            Self::InvalidTerms => "a credential or a grant can't have these terms",
            Self::BadFrame => "not a frame: cut or altered on the line",
            Self::Version => "another version of the protocol",
            Self::Stage => "not in this stage: the appliance is blank, has no roots, has some already, or is locked",
            Self::Blocked => "too many failed log-ins in this role: try again in ten minutes",
            Self::Unhealthy => "the appliance's self-test failed, or what it keeps can't be read",
        })
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        let known = (0..=255).filter_map(Fault::from_code).inspect(|fault| {
            assert_eq!(Fault::from_code(fault.code()), Some(*fault));
        });
        assert_eq!(known.count(), Fault::ALL.len());
    }
}
