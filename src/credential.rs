//! The credential: what a log-in yields. Public bytes, worth nothing without the session key that is sealed in them. SPEC.md section 6.

use core::fmt;

use heapless::Vec;

use crate::{
    Error, Principal, Purposes, Time,
    entry::take,
    principal::{Id, Kind, MAX_ID_LEN},
};

/// The longest credential, in bytes.
pub(crate) const MAX_CREDENTIAL_LEN: usize = FIXED_LEN + 3 * (1 + MAX_ID_LEN) + TAIL_LEN;

/// What a credential allows its holder to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rights(u16);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Opening what is one's own; all that a person can have.
    pub const OWN: Self = Self(1);
    /// Issuing credentials.
    pub const ISSUE: Self = Self(1 << 1);
    /// Making tokens for others.
    pub const TOKENIZE: Self = Self(1 << 2);
    /// Looking values up by a blind index.
    pub const LOOKUP: Self = Self(1 << 3);
    /// Erasing owners, revoking grants.
    pub const MAINTAIN: Self = Self(1 << 4);
    /// Reading and draining the audit trail.
    pub const READ_TRAIL: Self = Self(1 << 5);
    /// Recording that an address was confirmed.
    pub const CONFIRM_ADDRESS: Self = Self(1 << 6);
    /// Minting grants for others, as the tenant's policy authority: whoever has it decides who sees whose data.
    pub const GRANT: Self = Self(1 << 7);
    /// Stopping everything, and letting it go on.
    pub const OPERATE: Self = Self(1 << 8);

    /// The rights with these bits; a credential with one that there isn't is neither issued nor taken.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The rights' bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True where all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// A person's data is the person's own: no other right fits that kind.
    pub(crate) const fn fit(self, kind: Kind) -> bool {
        let known = self.0 & !0x1ff == 0;
        known && (!matches!(kind, Kind::Person) || Self::OWN.contains(self))
    }
}

/// Names a session, through all renewals of its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct SessionId(pub(crate) [u8; 16]);

impl SessionId {
    /// From the 16 bytes that [`as_bytes`](Self::as_bytes) gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A credential as it travels. Of the right form, but not verified: only [`Vault::authenticate`](crate::Vault::authenticate) says
/// whether it is genuine.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    bytes: Vec<u8, MAX_CREDENTIAL_LEN>,
}

impl Credential {
    /// The longest credential, in bytes.
    pub const MAX_LEN: usize = MAX_CREDENTIAL_LEN;

    /// Checks the form: lengths, codes, nothing left over.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let credential = Self { bytes: Vec::from_slice(bytes).map_err(|_| Error::Malformed)? };
        match credential.read() {
            Some(_) => Ok(credential),
            None => Err(Error::Malformed),
        }
    }

    /// The bytes, as SPEC.md section 6 draws them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the credential says of itself, unverified: for a client that wants to know when to renew.
    #[must_use]
    pub fn expires_unverified(&self) -> Time {
        self.read().map_or(Time::default(), |parts| parts.claims.expires)
    }

    /// The session it says to be of, unverified. To log out whoever asks, authenticate first and take [`Session::id`](crate::Session::id):
    /// these bytes could be anybody's.
    #[must_use]
    pub fn session_unverified(&self) -> SessionId {
        SessionId(self.read().map_or([0; 16], |parts| parts.claims.session.0))
    }

    pub(crate) fn assemble(body: &Body, seal: &Sealed) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        for part in [body.as_slice(), &seal.serial, &seal.session_key, &seal.tag] {
            bytes.extend_from_slice(part).map_err(|_| Error::TooLong)?;
        }
        Ok(Self { bytes })
    }

    /// The parts; `None` never happens, for the form was checked.
    pub(crate) fn read(&self) -> Option<Read<'_>> {
        let (body, sealed) = self.bytes.split_at_checked(self.bytes.len().checked_sub(TAIL_LEN)?)?;
        let mut rest = sealed;
        let sealed = Sealed { serial: take(&mut rest)?, session_key: take(&mut rest)?, tag: take(&mut rest)? };
        Some(Read { body, claims: Claims::from_body(body)?, sealed })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("expires", &self.expires_unverified()).finish_non_exhaustive()
    }
}

/// A credential taken apart.
pub(crate) struct Read<'c> {
    pub(crate) body: &'c [u8],
    pub(crate) claims: Claims,
    pub(crate) sealed: Sealed,
}

/// What follows the body.
pub(crate) struct Sealed {
    /// Names the credential; the single-use key that seals the session key comes of it.
    pub(crate) serial: [u8; 16],
    pub(crate) session_key: [u8; 32],
    pub(crate) tag: [u8; 16],
}

/// What a credential's body says.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) principal: Principal,
    pub(crate) audience: Id,
    pub(crate) rights: Rights,
    pub(crate) purposes: Purposes,
    pub(crate) epoch: u16,
    pub(crate) period: u32,
    pub(crate) not_before: Time,
    pub(crate) expires: Time,
    pub(crate) first_login: Time,
    pub(crate) session: SessionId,
    pub(crate) proof_required: bool,
}

/// A body's bytes.
pub(crate) type Body = Vec<u8, { MAX_CREDENTIAL_LEN - TAIL_LEN }>;

impl Claims {
    pub(crate) fn to_body(&self) -> Result<Body, Error> {
        let mut body = Body::new();
        let fixed: [&[u8]; 11] = [
            &[VERSION],
            &[u8::from(self.proof_required)],
            &[self.principal.kind.code()],
            &self.rights.0.to_le_bytes(),
            &self.epoch.to_le_bytes(),
            &self.period.to_le_bytes(),
            &self.not_before.to_le_bytes(),
            &self.expires.to_le_bytes(),
            &self.first_login.to_le_bytes(),
            &self.purposes.bits().to_le_bytes(),
            &self.session.0,
        ];
        for part in fixed {
            body.extend_from_slice(part).map_err(|_| Error::TooLong)?;
        }
        for id in [&self.audience, &self.principal.tenant, &self.principal.subject] {
            let id = id.as_bytes();
            body.push(u8::try_from(id.len()).map_err(|_| Error::TooLong)?).map_err(|_| Error::TooLong)?;
            body.extend_from_slice(id).map_err(|_| Error::TooLong)?;
        }
        Ok(body)
    }

    fn from_body(mut body: &[u8]) -> Option<Self> {
        let rest = &mut body;
        let [version, flags, kind] = take(rest)?;
        if version != VERSION || flags > 1 {
            return None;
        }
        let kind = Kind::from_code(kind)?;
        let rights = Rights(u16::from_le_bytes(take(rest)?));
        let epoch = u16::from_le_bytes(take(rest)?);
        let period = u32::from_le_bytes(take(rest)?);
        let [not_before, expires, first_login] = [take(rest)?, take(rest)?, take(rest)?].map(Time::from_le_bytes);
        let purposes = Purposes::from_bits(u64::from_le_bytes(take(rest)?));
        let session = SessionId(take(rest)?);
        let (audience, tenant, subject) = (take_id(rest)?, take_id(rest)?, take_id(rest)?);
        rest.is_empty().then_some(Self {
            principal: Principal { tenant, kind, subject },
            audience,
            rights,
            purposes,
            epoch,
            period,
            not_before,
            expires,
            first_login,
            session,
            proof_required: flags == 1,
        })
    }
}

/// One byte of length, then 1 to 64 bytes.
pub(crate) fn take_id(bytes: &mut &[u8]) -> Option<Id> {
    let [len] = take(bytes)?;
    let (id, rest) = bytes.split_at_checked(usize::from(len))?;
    *bytes = rest;
    Id::new(id).ok()
}

const VERSION: u8 = 0x11;
/// The body before audience, tenant and subject.
const FIXED_LEN: usize = 59;
/// Serial, sealed session key, tag.
const TAIL_LEN: usize = 16 + 32 + 16;
