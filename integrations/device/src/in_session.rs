//! What somebody does who has a credential.

use std::{fmt, thread, time::Duration};

use getrandom::SysRng;
use symbolon::{
    Credential, Field, Grant, GrantTerms, Item, Principal, Proof, SessionKey, Time, TokenBuf,
    appliance::{Asked, CONTEXT, Fault, Granting, Opening, Request, Response, Sealing, SessionAct, write},
};
use zeroize::Zeroizing;

use crate::{
    Device, Error, Notice,
    batch::{self, Room},
    device::{bytes_of, done, response},
    exchange::Message,
    line::LONGEST_REQUEST,
    role::who_of,
};

/// For the owner's own use: the values, under no grant.
pub const OWN: Opening<'static> = Opening { purpose: 0, masked: false, grant: &[], address_field: 0, address: &[] };

/// A value to be sealed.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    /// What it is.
    pub field: Field,
    /// The record, for a bound field; otherwise nothing.
    pub record: &'v [u8],
    /// The value.
    pub value: &'v [u8],
}

impl<'v> Value<'v> {
    /// A value of a field that is bound to no record.
    #[must_use]
    pub const fn of(field: Field, value: &'v [u8]) -> Self {
        Self { field, record: &[], value }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("field", &self.field).finish_non_exhaustive()
    }
}

/// Somebody who has a credential, and its key. Every act is proved for its very bytes and for a challenge of the device: there is no limit to
/// how many there may be in a minute, and none can be played again.
pub struct InSession<'d> {
    device: &'d mut Device,
    credential: &'d Credential,
    key: &'d SessionKey,
}

impl Device {
    /// Acts with this credential.
    pub fn in_session<'d>(&'d mut self, credential: &'d Credential, key: &'d SessionKey) -> InSession<'d> {
        InSession { device: self, credential, key }
    }
}

/// Whether an act may be done twice, where it isn't known that it was done once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twice {
    Harmless,
    Never,
}

impl InSession<'_> {
    /// Asks whether the credential is good: when the session ends. Right after its start a device refuses everybody for two seconds: then it is
    /// asked once more.
    ///
    /// # Errors
    /// [`Fault::Denied`], and the line's.
    pub fn authenticate(&mut self) -> Result<Time, Error> {
        let ends = match self.try_authenticate() {
            Err(Error::Fault(Fault::Denied)) if !self.device.is_warm && !self.is_over()? => {
                self.device.note(Notice::JustStarted(START));
                thread::sleep(START);
                self.try_authenticate()?
            }
            asked => asked?,
        };
        self.device.is_warm = true;
        Ok(ends)
    }

    /// Seals an owner's values, in as many requests as it takes: the tokens, in the same order.
    ///
    /// # Errors
    /// [`Error::TooLong`]: one alone is too long for the device; its faults, and the line's.
    pub fn tokenize(
        &mut self,
        owner: &Principal,
        erasable: bool,
        values: &[Value<'_>],
    ) -> Result<Vec<TokenBuf>, Error> {
        let room = self.room(owner.subject().len() + NUMBERS).of_any_number();
        let (mut tokens, mut rest) = (Vec::with_capacity(values.len()), values);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(room.take(rest.iter().map(batch::of_value)));
            rest = later;
            let mut list = Zeroizing::new(vec![0; LONGEST_REQUEST]);
            let mut len = 0;
            for Value { field, record, value } in now {
                put(&Sealing { field: field.code(), record, value }, &mut list, &mut len)?;
            }
            let values = list.get(..len).unwrap_or_default();
            let act = SessionAct::Tokenize { owner: who_of(owner), erasable, values };
            let bytes = bytes_of(&self.act(&act, Twice::Harmless)?.0)?;
            take_tokens(&bytes, now, &mut tokens)?;
        }
        Ok(tokens)
    }

    /// Opens one token in clear: the value goes over the line. [`reveal`](Self::reveal) is for everything else.
    ///
    /// # Errors
    /// [`Fault::Denied`], and the line's.
    pub fn detokenize(&mut self, opening: &Opening<'_>, item: &Item<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let act = SessionAct::Detokenize { opening: *opening, item: asked(item) };
        bytes_of(&self.act(&act, twice_under(opening))?.0)
    }

    /// Opens tokens, in as many requests as it takes: the values, `None` where a token was refused. They were sealed for this session's key, and
    /// nobody between has seen them.
    ///
    /// A token of a bound field without a record is refused without asking.
    ///
    /// # Errors
    /// [`Error::TooLong`]: one alone, with the grant, is too long for the device; its faults, and the line's.
    pub fn reveal(
        &mut self,
        opening: &Opening<'_>,
        items: &[Item<'_>],
    ) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>, Error> {
        let room = self.room(batch::of_opening(opening)).with_answer_of(symbolon::reply_len(&[]));
        let can_be_asked = |item: &&Item<'_>| item.slot.field().is_bound() != item.slot.record().is_empty();
        let sent: Vec<Item<'_>> = items.iter().filter(can_be_asked).copied().collect();
        let (mut opened, mut rest) = (Vec::with_capacity(sent.len()), sent.as_slice());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(room.take(rest.iter().map(batch::of_item)));
            rest = later;
            self.reveal_some(opening, now, &mut opened)?;
        }
        let mut opened = opened.into_iter();
        let value = |item| if can_be_asked(&item) { opened.next().flatten() } else { None };
        Ok(items.iter().map(value).collect())
    }

    /// Seals a token anew under the newest epoch, which shows nothing.
    ///
    /// # Errors
    /// [`Fault::Denied`], and the line's.
    pub fn rewrap(&mut self, opening: &Opening<'_>, item: &Item<'_>) -> Result<TokenBuf, Error> {
        let act = SessionAct::Rewrap { opening: *opening, item: asked(item) };
        let bytes = bytes_of(&self.act(&act, twice_under(opening))?.0)?;
        symbolon::Token::from_bytes(&bytes).map(|token| TokenBuf::new(&token)).map_err(|_| Error::Unexpected)
    }

    /// Mints a grant to what is the session's own.
    ///
    /// # Errors
    /// [`Fault::Denied`], [`Fault::InvalidTerms`], and the line's.
    pub fn grant(&mut self, terms: &GrantTerms<'_>) -> Result<Grant, Error> {
        let fields = codes(terms.fields);
        self.minted(&SessionAct::Grant { terms: granting(terms, &fields) })
    }

    /// Mints a grant to what is another's, with the right to.
    ///
    /// # Errors
    /// As [`grant`](Self::grant).
    pub fn grant_for(&mut self, owner: &Principal, reason: &str, terms: &GrantTerms<'_>) -> Result<Grant, Error> {
        let fields = codes(terms.fields);
        self.minted(&SessionAct::GrantFor { owner: who_of(owner), reason, terms: granting(terms, &fields) })
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// [`Fault::Denied`], and the line's. So for all that follow.
    pub fn revoke(&mut self, grant: &Grant) -> Result<(), Error> {
        self.do_it(&SessionAct::Revoke { grant: grant.as_bytes() })
    }

    /// Takes all of an owner's grants back.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn revoke_all(&mut self, owner: &Principal) -> Result<(), Error> {
        self.do_it(&SessionAct::RevokeAll { owner: who_of(owner) })
    }

    /// Destroys what opens an owner's erasable tokens.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn erase(&mut self, owner: &Principal) -> Result<(), Error> {
        self.do_it(&SessionAct::Erase { owner: who_of(owner) })
    }

    /// Records that an address was confirmed to be an owner's.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn confirm_address(&mut self, owner: &Principal, field: Field, address: &[u8]) -> Result<(), Error> {
        self.do_it(&SessionAct::ConfirmAddress { owner: who_of(owner), field: field.code(), address })
    }

    /// Ends this session.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn log_out(&mut self) -> Result<(), Error> {
        done(&self.act(&SessionAct::LogOut, Twice::Never)?.0)
    }

    /// Stops everything.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn stop(&mut self) -> Result<(), Error> {
        self.do_it(&SessionAct::Stop)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn release(&mut self) -> Result<(), Error> {
        self.do_it(&SessionAct::Release)
    }

    fn reveal_some(
        &mut self,
        opening: &Opening<'_>,
        items: &[Item<'_>],
        opened: &mut Vec<Option<Zeroizing<Vec<u8>>>>,
    ) -> Result<(), Error> {
        let (mut list, mut len) = (vec![0; LONGEST_REQUEST], 0);
        for item in items {
            put(&asked(item), &mut list, &mut len)?;
        }
        let act = SessionAct::Reveal { opening: *opening, items: list.get(..len).unwrap_or_default() };
        let (message, proof) = self.act(&act, twice_under(opening))?;
        let mut sealed = bytes_of(&message)?;
        let reply = self.key.open_reply(self.credential, Some(&proof), items, &mut sealed);
        let reply = reply.map_err(|_| Error::Unexpected)?;
        opened.extend(reply.values().map(|value| value.map(|value| Zeroizing::new(value.to_vec()))));
        Ok(())
    }

    fn minted(&mut self, act: &SessionAct<'_>) -> Result<Grant, Error> {
        let bytes = bytes_of(&self.act(act, Twice::Never)?.0)?;
        Grant::from_bytes(&bytes).map_err(|_| Error::Unexpected)
    }

    fn do_it(&mut self, act: &SessionAct<'_>) -> Result<(), Error> {
        done(&self.act(act, Twice::Harmless)?.0)
    }

    fn room(&self, fixed: usize) -> Room {
        Room::new(self.device.last_status(), self.credential, fixed)
    }

    fn is_over(&mut self) -> Result<bool, Error> {
        Ok(self.credential.expires_unverified() <= self.device.now()?)
    }

    fn try_authenticate(&mut self) -> Result<Time, Error> {
        let (message, _) = self.prove_and_ask(&SessionAct::Authenticate)?;
        match response(&message)? {
            Response::Ends(time) => Ok(Time::from_millis(time)),
            _ => Err(Error::Unexpected),
        }
    }

    /// Asks, and a second time where the answer was lost and that is harmless.
    fn act(&mut self, act: &SessionAct<'_>, twice: Twice) -> Result<(Message, Proof), Error> {
        if !self.device.is_warm {
            self.authenticate()?;
        }
        match self.prove_and_ask(act) {
            Err(Error::AnswerLost) if twice == Twice::Harmless => self.prove_and_ask(act),
            asked => asked,
        }
    }

    fn prove_and_ask(&mut self, act: &SessionAct<'_>) -> Result<(Message, Proof), Error> {
        let mut bytes = Zeroizing::new(vec![0; LONGEST_REQUEST]);
        let len = write(act, &mut bytes).map_err(|_| Error::TooLong)?;
        let act = bytes.get(..len).unwrap_or_default();
        let challenge = match self.device.challenge() {
            // A challenge that nobody saw is worth nothing: another.
            Err(Error::AnswerLost) => self.device.challenge()?,
            challenge => challenge?,
        };
        let (context, now): ([&[u8]; 3], _) = ([CONTEXT, &challenge, act], self.device.now()?);
        let proof = self.key.prove(self.credential, &context, now, &mut SysRng)?;
        let (credential, bytes) = (self.credential.as_bytes(), proof.to_bytes());
        let message = self.device.ask(&Request::InSession { credential, proof: &bytes, challenged: true, act })?;
        Ok((message, proof))
    }
}

impl fmt::Debug for InSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSession").finish_non_exhaustive()
    }
}

/// An opening under a grant may be counted.
const fn twice_under(opening: &Opening<'_>) -> Twice {
    if opening.grant.is_empty() { Twice::Harmless } else { Twice::Never }
}

fn asked<'i>(item: &Item<'i>) -> Asked<'i> {
    Asked { field: item.slot.field().code(), record: item.slot.record(), token: item.token.as_bytes() }
}

fn granting<'t>(terms: &GrantTerms<'t>, fields: &'t [u8]) -> Granting<'t> {
    Granting {
        grantee: who_of(terms.grantee),
        fields,
        purpose: terms.purpose.code(),
        view: terms.view.code(),
        record: terms.record.unwrap_or_default(),
        not_before: terms.not_before.as_millis(),
        expires: terms.expires.as_millis(),
        uses: terms.uses.unwrap_or_default(),
    }
}

fn codes(fields: &[Field]) -> Vec<u8> {
    fields.iter().flat_map(|field| field.code().to_le_bytes()).collect()
}

/// Writes one more behind those that are there.
fn put<T: serde::Serialize>(one: &T, list: &mut [u8], len: &mut usize) -> Result<(), Error> {
    *len += write(one, list.get_mut(*len..).unwrap_or_default()).map_err(|_| Error::TooLong)?;
    Ok(())
}

/// The tokens of these values, which stand one behind the other, and nothing else.
fn take_tokens(mut bytes: &[u8], values: &[Value<'_>], tokens: &mut Vec<TokenBuf>) -> Result<(), Error> {
    for value in values {
        let (token, rest) = bytes.split_at_checked(batch::of_value(value).1).ok_or(Error::Unexpected)?;
        let token = symbolon::Token::from_bytes(token).map_err(|_| Error::Unexpected)?;
        if token.field() != value.field {
            return Err(Error::Unexpected);
        }
        tokens.push(TokenBuf::new(&token));
        bytes = rest;
    }
    if bytes.is_empty() { Ok(()) } else { Err(Error::Unexpected) }
}

/// A kind, a flag, and lengths.
const NUMBERS: usize = 8;

/// For so long after its start, and a little more.
const START: Duration = Duration::from_millis(2200);
