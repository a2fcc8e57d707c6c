//! Principals: whose data it is, and who asks. SPEC.md section 3.

use core::fmt;

use crate::Error;

/// The longest tenant or subject, in bytes.
pub(crate) const MAX_ID_LEN: usize = 64;

/// What a principal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A data subject: a customer, a member.
    Person = 1,
    /// Somebody who works for the tenant.
    Staff = 2,
    /// A program: a mail sender, a shipping service.
    Service = 3,
}

impl Kind {
    /// The kind with this code, 1 to 3.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Person),
            2 => Some(Self::Staff),
            3 => Some(Self::Service),
            _ => None,
        }
    }

    /// 1 to 3.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// 1 to 64 opaque bytes. Never normalised: `Alice` and `alice` are two.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Id {
    bytes: [u8; MAX_ID_LEN],
    len: u8,
}

impl Id {
    /// No one's: every other has a byte at least.
    pub(crate) const NONE: Self = Self { bytes: [0; MAX_ID_LEN], len: 0 };

    pub(crate) fn new(id: &[u8]) -> Result<Self, Error> {
        let len = u8::try_from(id.len()).map_err(|_| Error::InvalidPrincipal)?;
        let mut bytes = [0; MAX_ID_LEN];
        match bytes.get_mut(..id.len()) {
            Some(front) if !id.is_empty() => front.copy_from_slice(id),
            _ => return Err(Error::InvalidPrincipal),
        }
        Ok(Self { bytes, len })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A tenant, a kind and a subject: who owns a value, or who asks for one.
///
/// Two principals are the same only if all three are. The name is what the log-in service knows the person by for good
/// (a member number, never something that is reassigned).
///
/// ```
/// use symbolon::{Error, Principal};
///
/// let alice = Principal::person("shop-17", "alice")?;
/// assert_ne!(alice, Principal::service("shop-17", "alice")?);
/// assert_eq!(Principal::person("shop-17", ""), Err(Error::InvalidPrincipal));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) tenant: Id,
    pub(crate) kind: Kind,
    pub(crate) subject: Id,
}

impl Principal {
    /// The longest tenant or subject, in bytes.
    pub const MAX_ID_LEN: usize = MAX_ID_LEN;

    /// A data subject. Tenant and subject have 1 to 64 bytes each.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn person(tenant: impl AsRef<[u8]>, subject: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::new(tenant.as_ref(), Kind::Person, subject.as_ref())
    }

    /// Somebody who works for the tenant.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn staff(tenant: impl AsRef<[u8]>, subject: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::new(tenant.as_ref(), Kind::Staff, subject.as_ref())
    }

    /// A program.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn service(tenant: impl AsRef<[u8]>, subject: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::new(tenant.as_ref(), Kind::Service, subject.as_ref())
    }

    /// A principal of any kind.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn new(tenant: &[u8], kind: Kind, subject: &[u8]) -> Result<Self, Error> {
        Ok(Self { tenant: Id::new(tenant)?, kind, subject: Id::new(subject)? })
    }

    /// The tenant's bytes.
    #[must_use]
    pub fn tenant(&self) -> &[u8] {
        self.tenant.as_bytes()
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The subject's bytes.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.subject.as_bytes()
    }
}

/// Shows the kind only: a subject may be an e-mail address.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("kind", &self.kind).finish_non_exhaustive()
    }
}
