//! What stands in the audit trail: events, reasons, and the fixed-size entry. SPEC.md section 8.

use crate::{
    Checkpoint, Field, Kind, Time,
    bytes::put,
    keyring::MAX_EPOCHS,
    token::{COMMITMENT_LEN, HEADER_LEN, NONCE_LEN, Token},
};

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Event {
    /// The trail began, or went on after a restart; `count` is how many sequence numbers were skipped, and [`Entry::epochs`] says which
    /// root keys the vault has.
    Started = 1,
    /// A credential was presented with its proof, or as bearer.
    Authenticate = 2,
    /// A token was presented to be opened for the caller.
    Detokenize = 3,
    /// A token was presented to be opened into a reply that is sealed to the client.
    Reveal = 4,
    /// A session was logged out.
    LogOut = 5,
    /// `count` further tokens of the same request, none of this tenant's.
    ForeignTokens = 6,
    /// The clock fell behind a time that was already seen.
    ClockBack = 7,
    /// A grant was minted: the token's header and nonce name the grantee, `count` is its number of uses.
    Grant = 8,
    /// Why a policy authority minted the grant of the two entries before: [`Entry::reason_given`].
    GrantReason = 9,
    /// A grant was revoked.
    Revoke = 10,
    /// All grants of an owner were revoked.
    RevokeAll = 11,
    /// A token was sealed anew under the newest epoch.
    Rewrap = 12,
    /// A token of the owner's was made the caller's.
    Reown = 13,
    /// An owner was erased.
    Erase = 14,
    /// An address was confirmed to be the owner's, or withdrawn.
    ConfirmAddress = 15,
    /// A value was looked up in a blind index.
    LookUp = 16,
    /// `count` values of a blind index may be made.
    MakeIndex = 17,
    /// Values may be sealed for the owner.
    Tokenize = 18,
    /// An issuer of credentials was handed out.
    Issuer = 19,
    /// The keyring or a floor is another than before: an epoch was added or retired. [`Entry::epochs`] says what it is now.
    Keyring = 20,
    /// `count` calls were answered *unavailable*, for the trail had no room to record them.
    Unrecorded = 21,
    /// An alarm was raised, and the host has taken note of it: `view` is the cause ([`Cause::code`](crate::Cause::code)), `count` what was
    /// counted; caller and session are those that caused it, where it is about one.
    Alarm = 22,
    /// Everything was stopped: nothing opens until the entry of [`Event::Release`]. Without a caller: an alarm did it.
    Stop = 23,
    /// What was stopped goes on.
    Release = 24,
    /// How far another node's trail had come: [`Entry::checkpoint`].
    Witness = 25,
    /// For which fields, and when, the grant of the entry before is good: [`Entry::grant_scope`].
    GrantScope = 26,
    /// Somebody logged in to an appliance in a role, or tried to: view is the role.
    RoleLogIn = 27,
    /// What a role is about to do to an appliance: view is the role, field the number of the act. SPEC.md section 17.
    RoleAct = 28,
}

/// How it went, as exactly as can be known then. Only holders of the audit key ever see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// It was done.
    Done = 0,
    /// The token does not open under the caller's key: not hers, or tampered with.
    DoesNotOpen = 1,
    /// The token's mark is not this tenant's.
    ForeignToken = 2,
    /// A canary: somebody uses data that nobody has a reason to use.
    Canary = 3,
    /// The token is of another field than was asked for.
    WrongField = 4,
    /// The token's epoch is not in the keyring.
    UnknownEpoch = 5,
    /// The session is over.
    SessionEnded = 6,
    /// The session is another vault's.
    OtherVault = 7,
    /// The session lacks the right.
    NoRight = 8,
    /// The session has logged out.
    LoggedOut = 9,
    /// The credential is not good for that purpose.
    WrongPurpose = 10,
    /// The owner was erased.
    Erased = 11,
    /// The grant does not verify: forged, altered, of another tenant, or of an epoch that is gone.
    BadGrant = 12,
    /// The grant is somebody else's.
    WrongGrantee = 13,
    /// The grant is over, or has not begun.
    GrantNotInTime = 14,
    /// The grant was revoked.
    GrantRevoked = 15,
    /// The credential does not open: forged, altered, or another tenant's, kind's, period's.
    BadCredential = 16,
    /// The credential is for another audience.
    WrongAudience = 17,
    /// The credential is not valid yet.
    NotYetValid = 18,
    /// The credential's time is over.
    Expired = 19,
    /// The credential's life is longer than any may be.
    LifeTooLong = 20,
    /// The credential's period is not the day of its not-before.
    WrongPeriod = 21,
    /// The credential's epoch is below the floor, or unknown.
    BelowFloor = 22,
    /// The credential has a right that its kind can't have.
    RightNotForKind = 23,
    /// The credential wants a proof, and none came.
    ProofRequired = 24,
    /// The proof is not of this session key, credential, request.
    BadProof = 25,
    /// The proof's time is more than 60 s past.
    StaleProof = 26,
    /// The proof's time is more than 2 s ahead.
    FutureProof = 27,
    /// The proof may have been accepted before the last restart.
    ProofBeforeStart = 28,
    /// The proof was used before.
    Replayed = 29,
    /// The replay window has no room for the proof.
    WindowFull = 30,
    /// The grant was used as often as it may be.
    GrantUsedUp = 31,
    /// The grant is not for that purpose, view, field or record.
    NotInGrant = 32,
    /// The message is not for the owner's verified address.
    WrongDestination = 33,
    /// The token has the newest epoch already.
    NotOlder = 34,
    /// The owner who was named is another tenant's.
    OtherTenant = 35,
    /// The owner has verified addresses of four other fields.
    NoRoom = 36,
    /// The caller has opened as much as one principal may at a time.
    Limited = 37,
    /// Everything is stopped.
    Stopped = 38,
}

/// One entry of the trail, as its reader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What was asked for.
    pub event: Event,
    /// How it went.
    pub reason: Reason,
    /// The field that was asked for; 0 where there is none.
    pub field: u16,
    /// The purpose's number ([`Purpose::code`](crate::Purpose::code)), of openings and grants; 0 in all other entries.
    pub purpose: u16,
    /// What was shown ([`View`](crate::View)): 1 the whole value, 2 its mask, 3 nothing, it was sealed anew; 0 nothing.
    pub view: u8,
    /// The kind of the caller ([`Kind::code`](crate::Kind::code)): 1 person, 2 staff, 3 service; 0 where no caller was verified.
    pub caller_kind: u8,
    /// How many, where an entry counts.
    pub count: u32,
    /// The tag of the caller, zeros where there is none that was verified.
    pub caller: [u8; 16],
    /// The token's header and nonce, zeros where there is none.
    pub token: TokenHead,
    /// The owner's tag where the token opened; its commitment where it did not.
    pub owner_or_commitment: [u8; COMMITMENT_LEN],
    /// The first 8 bytes of the session's id.
    pub session: [u8; 8],
    /// The grant's id, zeros where there is none.
    pub grant: [u8; 8],
}

/// What names a token without its sealed part: enough to find, later and with her key alone, whose it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TokenHead {
    /// Version, suite, class, flags, field, epoch: the token's bytes 0 to 5.
    pub header: [u8; HEADER_LEN],
    /// The token's bytes 10 to 21.
    pub nonce: [u8; NONCE_LEN],
}

impl TokenHead {
    /// A principal's tag, where an entry of [`Event::Grant`] names the grantee.
    pub(crate) fn of_principal(tag: &[u8; 16]) -> Self {
        let mut head = Self::default();
        for (slot, byte) in head.header.iter_mut().chain(&mut head.nonce).zip(tag) {
            *slot = *byte;
        }
        head
    }

    /// Two numbers, LE64, in the place of a token.
    fn of_numbers(first: u64, second: u64) -> Self {
        let mut bytes = [0; 16];
        put(&mut bytes, &[&first.to_le_bytes(), &second.to_le_bytes()]);
        Self::of_principal(&bytes)
    }

    /// The two numbers, where there is nothing behind them.
    fn numbers(&self) -> Option<(u64, u64)> {
        let mut bytes = [0; HEADER_LEN + NONCE_LEN];
        put(&mut bytes, &[&self.header, &self.nonce]);
        let mut rest = bytes.as_slice();
        let (first, second) = (take(&mut rest)?, take(&mut rest)?);
        (*rest == [0, 0]).then(|| (u64::from_le_bytes(first), u64::from_le_bytes(second)))
    }
}

/// An entry and when it was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The sequence number: no two entries of a node share one, and none is reused after a restart.
    pub sequence: u64,
    /// The time by the vault's clock.
    pub time: Time,
    /// The entry.
    pub entry: Entry,
}

/// Bytes of an entry before it is sealed.
pub(crate) const BODY_LEN: usize = 78;

/// The longest reason of a grant.
pub(crate) const REASON_LEN: usize = HEADER_LEN + NONCE_LEN + COMMITMENT_LEN;

impl Entry {
    /// An entry about nothing in particular.
    pub(crate) const fn new(event: Event, reason: Reason) -> Self {
        Self {
            event,
            reason,
            field: 0,
            purpose: 0,
            view: 0,
            caller_kind: 0,
            count: 1,
            caller: [0; 16],
            token: TokenHead { header: [0; HEADER_LEN], nonce: [0; NONCE_LEN] },
            owner_or_commitment: [0; COMMITMENT_LEN],
            session: [0; 8],
            grant: [0; 8],
        }
    }

    /// The same about a token that was presented as `field`; the owner is set apart, where it is known.
    pub(crate) fn about(mut self, token: &Token<'_>, field: Field) -> Self {
        self.field = field.code();
        self.token = TokenHead { header: token.header(), nonce: token.nonce() };
        self.owner_or_commitment = token.commitment();
        self
    }

    /// True where it is about one token that was presented: to be opened, revealed, sealed anew, or taken over.
    #[must_use]
    pub const fn is_about_a_token(&self) -> bool {
        matches!(self.event, Event::Detokenize | Event::Reveal | Event::Rewrap | Event::Reown)
    }

    /// Who may open, in an entry of [`Event::Grant`]: the grantee's tag.
    #[must_use]
    pub fn grantee(&self) -> Option<[u8; 16]> {
        let mut tag = [0; 16];
        put(&mut tag, &[&self.token.header, &self.token.nonce]);
        (self.event == Event::Grant).then_some(tag)
    }

    /// The words with which a policy authority minted a grant, in an entry of [`Event::GrantReason`].
    #[must_use]
    pub fn reason_given(&self) -> Option<[u8; REASON_LEN]> {
        let mut words = [0; REASON_LEN];
        put(&mut words, &[&self.token.header, &self.token.nonce, &self.owner_or_commitment]);
        (self.event == Event::GrantReason).then_some(words)
    }

    /// The epochs of the keyring, rising, zeros behind them, in an entry of [`Event::Started`] or [`Event::Keyring`]. `field` is then the token
    /// floor, `purpose` the credential floor.
    #[must_use]
    pub fn epochs(&self) -> Option<[u16; MAX_EPOCHS]> {
        let mut epochs = [0; MAX_EPOCHS];
        for (epoch, bytes) in epochs.iter_mut().zip(self.owner_or_commitment.as_chunks().0) {
            *epoch = u16::from_le_bytes(*bytes);
        }
        matches!(self.event, Event::Started | Event::Keyring).then_some(epochs)
    }

    /// Another node's checkpoint, in an entry of [`Event::Witness`].
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let (next, time) = self.token.numbers()?;
        let mut mac = [0; 16];
        put(&mut mac, &[&self.session, &self.grant]);
        let time = Time::from_millis(time);
        let read = Checkpoint { node: self.count, next, time, last: self.owner_or_commitment, mac };
        (self.event == Event::Witness).then_some(read)
    }

    /// From when until when a grant is good, and for which fields (rising, zeros behind them), in an entry of [`Event::GrantScope`].
    #[must_use]
    pub fn grant_scope(&self) -> Option<(Time, Time, [u16; 8])> {
        let (not_before, expires) = self.token.numbers()?;
        let mut fields = [0; 8];
        for (field, bytes) in fields.iter_mut().zip(self.owner_or_commitment.as_chunks().0) {
            *field = u16::from_le_bytes(*bytes);
        }
        let scope = (Time::from_millis(not_before), Time::from_millis(expires), fields);
        (self.event == Event::GrantScope).then_some(scope)
    }

    /// The entry that says so.
    pub(crate) fn grant_scope_of(not_before: Time, expires: Time, fields: &[u16]) -> Self {
        let mut entry = Self::new(Event::GrantScope, Reason::Done);
        entry.token = TokenHead::of_numbers(not_before.as_millis(), expires.as_millis());
        let bytes = fields.iter().flat_map(|field| field.to_le_bytes());
        for (slot, byte) in entry.owner_or_commitment.iter_mut().zip(bytes) {
            *slot = byte;
        }
        entry
    }

    /// The entry in which another node's checkpoint stands.
    pub(crate) fn witness(checkpoint: &Checkpoint) -> Self {
        let mut entry = Self::new(Event::Witness, Reason::Done);
        entry.count = checkpoint.node;
        entry.token = TokenHead::of_numbers(checkpoint.next, checkpoint.time.as_millis());
        entry.owner_or_commitment = checkpoint.last;
        for (slot, byte) in entry.session.iter_mut().chain(&mut entry.grant).zip(&checkpoint.mac) {
            *slot = *byte;
        }
        entry
    }

    /// Where words of 1 to 34 bytes stand in an entry; `None` for more, none, or a NUL among them.
    pub(crate) fn words(words: &str) -> Option<(TokenHead, [u8; COMMITMENT_LEN])> {
        let mut padded = [0; REASON_LEN];
        padded.get_mut(..words.len())?.copy_from_slice(words.as_bytes());
        let mut rest = padded.as_slice();
        let head = TokenHead { header: take(&mut rest)?, nonce: take(&mut rest)? };
        take(&mut rest).filter(|_| !words.is_empty() && !words.contains('\0')).map(|behind| (head, behind))
    }

    /// SPEC.md section 8, "Entry body".
    pub(crate) fn to_bytes(&self) -> [u8; BODY_LEN] {
        let mut body = [0; BODY_LEN];
        let parts: [&[u8]; 12] = [
            &[self.event.code()],
            &[self.reason.code()],
            &self.field.to_le_bytes(),
            &self.purpose.to_le_bytes(),
            &[self.view, self.caller_kind],
            &self.count.to_le_bytes(),
            &self.caller,
            &self.token.header,
            &self.token.nonce,
            &self.owner_or_commitment,
            &self.session,
            &self.grant,
        ];
        put(&mut body, &parts);
        body
    }

    /// The entry that these bytes are; `None` for a code that is not in the tables, or a kind that there is not.
    pub(crate) fn from_bytes(body: &[u8; BODY_LEN]) -> Option<Self> {
        let mut rest = body.as_slice();
        let [event, reason] = take(&mut rest)?;
        let entry = Self {
            event: Event::from_code(event)?,
            reason: Reason::from_code(reason)?,
            field: u16::from_le_bytes(take(&mut rest)?),
            purpose: u16::from_le_bytes(take(&mut rest)?),
            view: u8::from_le_bytes(take(&mut rest)?),
            caller_kind: u8::from_le_bytes(take(&mut rest)?),
            count: u32::from_le_bytes(take(&mut rest)?),
            caller: take(&mut rest)?,
            token: TokenHead { header: take(&mut rest)?, nonce: take(&mut rest)? },
            owner_or_commitment: take(&mut rest)?,
            session: take(&mut rest)?,
            grant: take(&mut rest)?,
        };
        (rest.is_empty() && entry.caller_kind <= Kind::Service.code()).then_some(entry)
    }
}

impl Event {
    const ALL: [Self; 28] = [
        Self::Started,
        Self::Authenticate,
        Self::Detokenize,
        Self::Reveal,
        Self::LogOut,
        Self::ForeignTokens,
        Self::ClockBack,
        Self::Grant,
        Self::GrantReason,
        Self::Revoke,
        Self::RevokeAll,
        Self::Rewrap,
        Self::Reown,
        Self::Erase,
        Self::ConfirmAddress,
        Self::LookUp,
        Self::MakeIndex,
        Self::Tokenize,
        Self::Issuer,
        Self::Keyring,
        Self::Unrecorded,
        Self::Alarm,
        Self::Stop,
        Self::Release,
        Self::Witness,
        Self::GrantScope,
        Self::RoleLogIn,
        Self::RoleAct,
    ];

    /// Its number in SPEC.md section 8.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.code() == code)
    }
}

impl Reason {
    const ALL: [Self; 39] = [
        Self::Done,
        Self::DoesNotOpen,
        Self::ForeignToken,
        Self::Canary,
        Self::WrongField,
        Self::UnknownEpoch,
        Self::SessionEnded,
        Self::OtherVault,
        Self::NoRight,
        Self::LoggedOut,
        Self::WrongPurpose,
        Self::Erased,
        Self::BadGrant,
        Self::WrongGrantee,
        Self::GrantNotInTime,
        Self::GrantRevoked,
        Self::BadCredential,
        Self::WrongAudience,
        Self::NotYetValid,
        Self::Expired,
        Self::LifeTooLong,
        Self::WrongPeriod,
        Self::BelowFloor,
        Self::RightNotForKind,
        Self::ProofRequired,
        Self::BadProof,
        Self::StaleProof,
        Self::FutureProof,
        Self::ProofBeforeStart,
        Self::Replayed,
        Self::WindowFull,
        Self::GrantUsedUp,
        Self::NotInGrant,
        Self::WrongDestination,
        Self::NotOlder,
        Self::OtherTenant,
        Self::NoRoom,
        Self::Limited,
        Self::Stopped,
    ];

    /// Its number in SPEC.md section 8.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// Takes `N` bytes off the front.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every event with every reason survives, and no other code is read.
    #[test]
    fn codes_round_trip_and_others_are_refused() {
        let mut read = 0;
        for event in 0..=255 {
            for reason in 0..=255 {
                let mut body = Entry::new(Event::Started, Reason::Done).to_bytes();
                *body.first_mut().unwrap() = event;
                *body.get_mut(1).unwrap() = reason;
                if let Some(entry) = Entry::from_bytes(&body) {
                    assert_eq!(entry.to_bytes(), body);
                    read += 1;
                }
            }
        }
        assert_eq!(read, Event::ALL.len() * Reason::ALL.len());
    }

    /// Every byte of the body counts: changing one changes the entry, or makes it unreadable.
    #[test]
    fn every_byte_counts() {
        let mut entry = Entry::new(Event::Reveal, Reason::Canary);
        entry.caller = [7; 16];
        for at in 0..BODY_LEN {
            let mut body = entry.to_bytes();
            *body.get_mut(at).unwrap() ^= 0x40;
            assert_ne!(Entry::from_bytes(&body), Some(entry.clone()));
        }
    }
}
