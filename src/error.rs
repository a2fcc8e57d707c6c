//! The one error of the core.

use core::fmt;

/// Why a call did not do what it was asked. Carries no data, so that nothing secret can travel in it.
///
/// [`Error::Denied`] is the single answer to every refusal that concerns a secret: wrong owner, wrong field, other
/// tenant, tampered, expired, revoked, unknown epoch. Its cause stands in the audit trail only (SPEC.md section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Refused. The caller learns nothing more; the audit trail holds the reason.
    Denied,
    /// A part that is needed is down or full (clock, store, trail, replay window): nothing opens, ask again later.
    Unavailable,
    /// The bytes or the text are not of the expected form. Told from public bytes alone.
    Malformed,
    /// A tenant or a subject is empty or longer than 64 bytes.
    InvalidPrincipal,
    /// No such field; or a field that is bound to a record without the record's id (1 to 64 bytes), or another one with an id.
    InvalidField,
    /// The value is not what its field asks for; [`Field::requirement`](crate::Field::requirement) says what that is.
    InvalidValue,
    /// The value is one that must never be stored: a security code or track data (PCI DSS 3.3.1).
    ForbiddenValue,
    /// The value is longer than 1,022 bytes, or a batch has more items than its limit.
    TooLong,
    /// The output buffer is smaller than the documented size.
    BufferTooSmall,
    /// The random number generator failed, or gave the same bytes twice: nothing is sealed with it.
    RngFailed,
    /// The keyring is empty or full, or holds that epoch already.
    InvalidKeyring,
    /// A credential, a grant or a look-up can't have these terms: no such purpose; other tenant or kind, other day, too long a life, a right its kind can't have;
    /// [`GrantTerms`](crate::GrantTerms) says what a grant's are.
    InvalidTerms,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "denied",
            Self::Unavailable => "unavailable: nothing opens until the clock, the store and the audit trail work",
            Self::Malformed => "malformed: not the bytes or the text of what was expected",
            Self::InvalidPrincipal => "a tenant or subject must have 1 to 64 bytes",
            Self::InvalidField => {
                "no such field; or a bound one without a record id of 1 to 64 bytes, or another with one"
            }
            Self::InvalidValue => "the value is not what its field asks for",
            Self::ForbiddenValue => "security codes and track data must never be stored (PCI DSS 3.3.1)",
            Self::TooLong => "too long",
            Self::BufferTooSmall => "the output buffer is too small",
            Self::RngFailed => "the random number generator failed or repeated itself",
            Self::InvalidKeyring => "the keyring is empty, full or holds that epoch already",
            Self::InvalidTerms => "a credential or a grant can't have these terms",
        })
    }
}

impl core::error::Error for Error {}
