//! The messages, in postcard's format. SPEC.md section 17, "Messages".
//!
//! A variant's number is its place in its list, and fields stand in their order: what is here is the specification's table, in Rust. Only
//! ever add at the end.

use core::fmt;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::Fault;

/// Who administers an appliance, each with a key of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Role {
    /// Sets it up, rotates its roots, makes backups, locks it, destroys what it keeps.
    Officer,
    /// Issues credentials: the log-in service.
    Issuer,
    /// Reads the trail and acknowledges it.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Officer, Self::Issuer, Self::Auditor];

    /// 0 to 2.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Officer => 0,
            Self::Issuer => 1,
            Self::Auditor => 2,
        }
    }
}

/// What a client sends.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// How is it? Answered with [`Response::Status`].
    Status,
    /// Does it work? Answered with [`Response::SelfTest`].
    SelfTest,
    /// Something to prove a role's key with, once: [`Response::Challenge`].
    Challenge,
    /// Opens a channel for a role ([`RoleKey::log_in`](super::RoleKey::log_in) makes it): [`Response::Done`].
    LogIn {
        /// The role.
        role: Role,
        /// The client's own random bytes.
        nonce: [u8; 16],
        /// Shows that the client has the role's key.
        mac: [u8; 16],
    },
    /// An act of the role whose channel is open, sealed: [`Response::Act`].
    Act {
        /// An [`OfficerAct`], [`IssuerAct`] or [`AuditorAct`], with its tag.
        sealed: &'a [u8],
    },
    /// What somebody asks for who has a credential.
    InSession {
        /// The credential.
        credential: &'a [u8],
        /// The proof of possession: for the context [`CONTEXT`](super::CONTEXT) ‖ `act`, or [`CONTEXT`](super::CONTEXT) ‖ challenge ‖ `act`.
        proof: &'a [u8],
        /// Whether the challenge that was given last is in the proof. Then the proof takes no place among those that are remembered for a minute,
        /// of which there are few.
        challenged: bool,
        /// A [`SessionAct`].
        act: &'a [u8],
    },
}

/// What an appliance answers.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Response<'a> {
    /// It did not do it: a [`Fault`]'s number.
    Fault(u8),
    /// It did.
    Done,
    /// What was asked for: a value, a sealed reply, tokens one behind the other, a credential, a grant, entries one behind the other, a wrapped
    /// keyring, an audit key.
    Bytes(&'a [u8]),
    /// How it is.
    Status(Status),
    /// One bit for each of the self-test's parts that passed: all of [`SELF_TEST`](super::SELF_TEST).
    SelfTest(u8),
    /// To log in with.
    Challenge([u8; 16]),
    /// Another `Response`, sealed for the role whose channel is open, with its tag.
    Act(&'a [u8]),
    /// An epoch.
    Epoch(u16),
    /// When a session ends, in milliseconds since 1970.
    Ends(u64),
}

/// How an appliance is. Anybody may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// 0: blank; 1: it has role keys; 2: it has roots, too, and works.
    pub stage: u8,
    /// No way leads out for the roots any more, wrapped or not.
    pub locked: bool,
    /// Nothing opens until an operator lets it go on.
    pub stopped: bool,
    /// The self-test at the start passed, and what it keeps could be read.
    pub healthy: bool,
    /// Its clock, in milliseconds since 1970, where it has one.
    pub time: Option<u64>,
    /// Its number among those with the same roots.
    pub node: u32,
    /// The epoch under which it seals; 0: none.
    pub epoch: u16,
    /// How many entries the trail has room for.
    pub room: u32,
    /// The number of the trail's next entry.
    pub next_entry: u64,
    /// Alarms since the start.
    pub alarms: u32,
    /// How often the officer, the issuer and the auditor may try to log in now.
    pub attempts: [u8; 3],
    /// No frame that it answers with is longer, in bytes: the room for a batch.
    pub longest_answer: u16,
    /// How many items a reveal may have.
    pub most_items: u8,
}

/// What the officer does.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum OfficerAct<'a> {
    /// Gives a blank appliance its role keys, its name for credentials and its number: [`Response::Done`].
    Initialise {
        /// The officer's key; this and the others have 32 bytes each.
        officer: &'a [u8],
        /// The issuer's key.
        issuer: &'a [u8],
        /// The auditor's key.
        auditor: &'a [u8],
        /// Under which keyrings are wrapped.
        transport: &'a [u8],
        /// Who credentials must be for: 1 to 64 bytes.
        audience: &'a [u8],
        /// Its number among those with the same roots.
        node: u32,
        /// The longest life that a credential may have, in milliseconds: 24 hours at most.
        max_life: u64,
    },
    /// Makes a keyring inside: [`Response::Epoch`].
    Generate,
    /// Takes a wrapped keyring: [`Response::Epoch`].
    Import {
        /// As [`TransportKey::wrap`](super::TransportKey::wrap) or another appliance's backup made it.
        wrapped: &'a [u8],
    },
    /// The keyring, wrapped for another appliance with the same transport key: [`Response::Bytes`].
    Backup,
    /// Adds a root: [`Response::Epoch`].
    Rotate,
    /// Destroys an epoch's root: [`Response::Epoch`], the newest.
    Retire {
        /// The epoch.
        epoch: u16,
    },
    /// From now on no backup is given and no role key set: [`Response::Done`].
    Lock,
    /// Gives a role another key, and lets it try again: [`Response::Done`].
    SetRole {
        /// The role.
        role: Role,
        /// Its new key, 32 bytes.
        key: &'a [u8],
    },
    /// Destroys everything that it keeps: [`Response::Done`].
    Zeroise,
}

/// What the log-in service does.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum IssuerAct<'a> {
    /// Issues a credential, which asks for proofs: [`Response::Bytes`].
    Issue {
        /// The tenant.
        tenant: &'a [u8],
        /// Who logged in.
        #[serde(borrow)]
        who: Who<'a>,
        /// [`Rights`](crate::Rights)' bits.
        rights: u16,
        /// [`Purposes`](crate::Purposes)' bits.
        purposes: u64,
        /// How long it is valid, in milliseconds.
        life: u64,
        /// What the client chose, 32 bytes.
        session_key: &'a [u8],
    },
    /// Ends a session: [`Response::Done`].
    EndSession {
        /// Its id.
        session: [u8; 16],
    },
}

/// What the auditor does.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum AuditorAct {
    /// The audit key's secret form, until [`HaveAuditKey`](Self::HaveAuditKey): [`Response::Bytes`].
    AuditKey,
    /// The auditor has the audit key, and the appliance forgets it: [`Response::Done`].
    HaveAuditKey,
    /// The oldest entries that are kept, as many as fit: [`Response::Bytes`].
    Read,
    /// The auditor has the entries up to this one, and the appliance forgets them: [`Response::Done`].
    Acknowledge {
        /// Its number.
        sequence: u64,
    },
    /// How far the trail has come: [`Response::Bytes`].
    Checkpoint,
}

/// What somebody asks for who has a credential.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum SessionAct<'a> {
    /// Is the credential good? [`Response::Ends`].
    Authenticate,
    /// Seals an owner's values, [`Sealing`]s one behind the other: [`Response::Bytes`], the tokens in the same order.
    Tokenize {
        /// The owner, of the caller's tenant.
        #[serde(borrow)]
        owner: Who<'a>,
        /// Whether erasing the owner is to make them unopenable.
        erasable: bool,
        /// [`Sealing`]s, at least one.
        values: &'a [u8],
    },
    /// Opens one token, in clear: [`Response::Bytes`].
    Detokenize {
        /// How.
        #[serde(borrow)]
        opening: Opening<'a>,
        /// Which.
        #[serde(borrow)]
        item: Asked<'a>,
    },
    /// Opens tokens, [`Asked`]s one behind the other, for the client alone: [`Response::Bytes`], the sealed reply.
    Reveal {
        /// How.
        #[serde(borrow)]
        opening: Opening<'a>,
        /// [`Asked`]s, at least one.
        items: &'a [u8],
    },
    /// Seals a token anew under the newest epoch: [`Response::Bytes`].
    Rewrap {
        /// How.
        #[serde(borrow)]
        opening: Opening<'a>,
        /// Which.
        #[serde(borrow)]
        item: Asked<'a>,
    },
    /// Mints a grant to what is the caller's own: [`Response::Bytes`].
    Grant {
        /// What it says.
        #[serde(borrow)]
        terms: Granting<'a>,
    },
    /// Mints a grant to what is another's: [`Response::Bytes`].
    GrantFor {
        /// Whose.
        #[serde(borrow)]
        owner: Who<'a>,
        /// Why: 1 to 34 bytes of UTF-8.
        reason: &'a str,
        /// What it says.
        #[serde(borrow)]
        terms: Granting<'a>,
    },
    /// Takes a grant back: [`Response::Done`].
    Revoke {
        /// The grant.
        grant: &'a [u8],
    },
    /// Takes all of an owner's grants back: [`Response::Done`].
    RevokeAll {
        /// Whose.
        #[serde(borrow)]
        owner: Who<'a>,
    },
    /// Erases an owner: [`Response::Done`].
    Erase {
        /// Whom.
        #[serde(borrow)]
        owner: Who<'a>,
    },
    /// Records that an address was confirmed to be an owner's: [`Response::Done`].
    ConfirmAddress {
        /// Whose.
        #[serde(borrow)]
        owner: Who<'a>,
        /// The address's field.
        field: u16,
        /// The address.
        address: &'a [u8],
    },
    /// Ends this session: [`Response::Done`].
    LogOut,
    /// Stops everything: [`Response::Done`].
    Stop,
    /// Lets it go on: [`Response::Done`].
    Release,
}

/// A principal of a tenant that is known.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Who<'a> {
    /// [`Kind`](crate::Kind)'s number.
    pub kind: u8,
    /// 1 to 64 bytes.
    pub subject: &'a [u8],
}

/// A value to be sealed.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sealing<'a> {
    /// [`Field`](crate::Field)'s number.
    pub field: u16,
    /// The record, for a bound field; otherwise empty.
    pub record: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// A token that is asked for, and what its place is for.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Asked<'a> {
    /// [`Field`](crate::Field)'s number.
    pub field: u16,
    /// The record, for a bound field; otherwise empty.
    pub record: &'a [u8],
    /// The token's bytes.
    pub token: &'a [u8],
}

/// How something is opened: [`Access`](crate::Access).
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Opening<'a> {
    /// [`Purpose`](crate::Purpose)'s number.
    pub purpose: u8,
    /// The mask instead of the value.
    pub masked: bool,
    /// The grant, or nothing.
    pub grant: &'a [u8],
    /// The field of the address that a message goes to, or 0.
    pub address_field: u16,
    /// The address that it goes to, or nothing.
    pub address: &'a [u8],
}

/// What a grant is to say: [`GrantTerms`](crate::GrantTerms).
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Granting<'a> {
    /// Who may open.
    #[serde(borrow)]
    pub grantee: Who<'a>,
    /// Which fields: LE16 each.
    pub fields: &'a [u8],
    /// [`Purpose`](crate::Purpose)'s number.
    pub purpose: u8,
    /// [`View`](crate::View)'s number.
    pub view: u8,
    /// The record, or nothing.
    pub record: &'a [u8],
    /// From when on, in milliseconds since 1970.
    pub not_before: u64,
    /// Until when.
    pub expires: u64,
    /// How many openings; 0: they are not counted.
    pub uses: u32,
}

/// Messages hold values and keys: their names are shown, and nothing else.
macro_rules! redacted {
    ($($name:literal $type:ty),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    )*};
}

redacted!(
    "Request" Request<'_>, "Response" Response<'_>, "OfficerAct" OfficerAct<'_>, "IssuerAct" IssuerAct<'_>,
    "AuditorAct" AuditorAct, "SessionAct" SessionAct<'_>, "Who" Who<'_>, "Sealing" Sealing<'_>, "Asked" Asked<'_>,
    "Opening" Opening<'_>, "Granting" Granting<'_>
);

/// Reads a message, and nothing but one, in the one form that it is written in: postcard alone would take over-long numbers and what
/// follows.
///
/// # Errors
/// [`Fault::Malformed`]
pub fn read<'a, T: Serialize + Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Fault> {
    match read_first(bytes)? {
        (message, []) => Ok(message),
        _ => Err(Fault::Malformed),
    }
}

/// Reads the first of several messages, and gives what follows it.
///
/// # Errors
/// [`Fault::Malformed`]
pub fn read_first<'a, T: Serialize + Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Fault> {
    let (message, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|_| Fault::Malformed)?;
    let len = bytes.len().saturating_sub(rest.len());
    let same = Same { expected: bytes.get(..len).unwrap_or_default() };
    match postcard::serialize_with_flavor(&message, same) {
        Ok(true) => Ok((message, rest)),
        _ => Err(Fault::Malformed),
    }
}

/// Writes a message to the front of `out`: its length.
///
/// # Errors
/// [`Fault::BufferTooSmall`]
pub fn write<T: Serialize>(message: &T, out: &mut [u8]) -> Result<usize, Fault> {
    postcard::to_slice(message, out).map(|written| written.len()).map_err(|_| Fault::BufferTooSmall)
}

/// Writes nothing, but compares with what was read.
struct Same<'a> {
    expected: &'a [u8],
}

impl Flavor for Same<'_> {
    type Output = bool;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        match self.expected.split_first() {
            Some((expected, rest)) if *expected == byte => {
                self.expected = rest;
                Ok(())
            }
            _ => Err(postcard::Error::SerializeBufferFull),
        }
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.expected.is_empty())
    }
}
