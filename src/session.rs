//! The session: what authentication yields, and the only thing that opens tokens. SPEC.md section 7.

use core::{
    fmt,
    hint::black_box,
    ops::{Deref, Range},
};

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Access, Environment, Error, Field, Held, Host, Item, MASK_LEN, Plaintext, Principal, Purposes, Rights, SessionId,
    Slot, Time, Token, Vault, View,
    access::{Asked, Authority},
    authenticate::Verdict,
    bytes::{Filling, put},
    credential::Claims,
    entry::{Entry, Event, Reason},
    held::Withheld,
    keys::SealKey,
    plaintext::Mask,
    proof::BoundKey,
    seal,
    token::{COMMITMENT_LEN, LENGTH_PREFIX, Mode},
    trail::Staged,
    vault::{EpochKeys, same_vault},
};

/// An authenticated caller, for about a minute or one request.
///
/// It opens what is its own principal's, and takes no owner, tenant or user id from anybody. It has no public constructor, no
/// `Clone` and no serde, and belongs to the vault that made it.
///
/// These compile, so what follows fails for the reason that it says:
/// ```
/// use symbolon::{Plaintext, Session, SessionKey, Vault};
/// fn who(session: &Session<&Vault>) -> bool { session.principal().subject() == b"alice" }
/// fn read(value: &Plaintext<'_>) -> usize { value.expose().len() }
/// fn secret(key: &SessionKey) -> u8 { key.write_secret()[0] }
/// ```
/// ```compile_fail,E0308
/// # use symbolon::{Session, Vault};
/// fn second<'v>(session: &Session<&'v Vault>) -> Session<&'v Vault> { session.clone() } // no Clone: a reference comes out
/// ```
/// ```compile_fail
/// # use symbolon::{Session, Vault};
/// fn made(vault: &Vault) -> Session<&Vault> { Session { vault } } // not all its fields, and they are private
/// ```
/// ```compile_fail,E0624
/// # use symbolon::{Session, Vault};
/// fn made(vault: &Vault) { Session::new(vault); } // no constructor
/// ```
/// ```compile_fail,E0616
/// # use symbolon::{Principal, Session, Vault};
/// fn become_bob(session: &mut Session<&Vault>, bob: Principal) { session.principal = bob; } // private
/// ```
/// ```compile_fail,E0594
/// # use symbolon::{Principal, Session, Vault};
/// fn become_bob(session: &mut Session<&Vault>, bob: Principal) { *session.principal() = bob; } // to look at only
/// ```
/// ```compile_fail,E0423
/// # use symbolon::SessionKey;
/// fn made() -> SessionKey { SessionKey([0; 32]) } // private
/// ```
/// ```compile_fail,E0277
/// # use symbolon::SessionKey;
/// fn written(key: &SessionKey) -> String { serde_json::to_string(key).unwrap() } // no serde
/// ```
/// ```compile_fail,E0277
/// # use symbolon::Plaintext;
/// fn shown(value: &Plaintext<'_>) -> String { format!("{value}") } // no Display
/// ```
/// ```compile_fail,E0369
/// # use symbolon::SessionKey;
/// fn same(a: &SessionKey, b: &SessionKey) -> bool { a == b } // no PartialEq, which would not be constant-time
/// ```
/// ```compile_fail,E0451
/// # use symbolon::Receipt;
/// fn forged() -> Receipt { Receipt { trail: [0; 8], committed: u64::MAX } } // only the trail makes receipts
/// ```
/// ```compile_fail,E0599
/// # use symbolon::{Held, Outcome, Receipt};
/// fn mine(held: Held<String>, receipt: &Receipt) { let _ = held.release(receipt); } // outcomes are the core's
/// ```
pub struct Session<V: Deref<Target = Vault>> {
    vault: V,
    vault_id: [u8; 16],
    principal: Principal,
    rights: Rights,
    purposes: Purposes,
    id: SessionId,
    pub(crate) bound: BoundKey,
    /// The proof's, or zeros.
    pub(crate) nonce: [u8; 16],
    ends: Time,
    caller: [u8; 16],
    keys: EpochKeys,
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// `caller` is the principal's tag.
    pub(crate) fn new(
        vault: V,
        claims: &Claims,
        caller: [u8; 16],
        bound: BoundKey,
        nonce: [u8; 16],
        ends: Time,
    ) -> Self {
        Self {
            vault_id: vault.id(),
            principal: claims.principal.clone(),
            rights: claims.rights,
            purposes: claims.purposes,
            id: claims.session,
            bound,
            nonce,
            ends,
            caller,
            keys: vault.keys(&claims.principal, vault.newest_epoch()),
            vault,
        }
    }

    /// Who this is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The session's id, the same through renewals: what [`Vault::log_out`] takes.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// From this time on it opens nothing.
    #[must_use]
    pub const fn ends(&self) -> Time {
        self.ends
    }

    /// Opens one of the session's own tokens for the owner's own use, in `work`: [`Token::MAX_OPEN_LEN`](crate::Token::MAX_OPEN_LEN) bytes always do.
    ///
    /// `slot` is what the place in the page is for: a [`Field`](crate::Field), or one in a record. Commits with the environment's store; the value
    /// is released when its entry is durable.
    ///
    /// # Errors
    /// [`Error::Denied`], whatever the reason; [`Error::Unavailable`]; [`Error::BufferTooSmall`], told before anything is opened.
    pub fn detokenize<'i, 'w, E: Environment, const N: usize, const W: usize>(
        &self,
        slot: impl Into<Slot<'i>>,
        token: &Token<'i>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Plaintext<'w>, Error> {
        self.detokenize_as(&Access::OWN, &Item::new(slot, *token), work, host)
    }

    /// Opens a token for a purpose, under a grant, or to its mask, as `access` says.
    ///
    /// # Errors
    /// As [`detokenize`](Self::detokenize).
    pub fn detokenize_as<'w, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        item: &Item<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Plaintext<'w>, Error> {
        let work = work.get_mut(..work_len(access, item)).ok_or(Error::BufferTooSmall)?;
        host.commit_leftovers(&self.vault)?;
        let mut request = self.request(access, 1, host)?;
        let (opened, staged) = request.open_recorded(Event::Detokenize, Answered::OneByOne, item, work, host)?;
        self.commit_opened(opened, staged, work, host)
    }

    /// The value in `work`, once its entry is durable. Nobody sees the buffer before, so it need not be masked as what is held is; it is wiped
    /// should the store panic.
    fn commit_opened<'w, E: Environment, const N: usize, const W: usize>(
        &self,
        opened: Opened,
        staged: Staged,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Plaintext<'w>, Error> {
        let value = opened.map(|place| Plaintext::new(work, place));
        match host.commit(&self.vault) {
            Ok(receipt) if receipt.covers(&staged) => value.map_err(|_| Error::Denied),
            _ => Err(Error::Unavailable),
        }
    }

    /// The same for hosts that commit elsewhere: until release, `work` holds nothing readable.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`]; refusals come by way of [`Held::release`].
    pub fn detokenize_held<'w, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        item: &Item<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Plaintext<'w>>, Error> {
        let mut request = self.request(access, 1, host)?;
        request.detokenize_held(item, work, host)
    }

    /// Begins a request that will present up to `tokens` tokens with this access: room for all their entries is made sure of first.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn request<'s, E: Environment, const N: usize, const W: usize>(
        &'s self,
        access: &Access<'s>,
        tokens: usize,
        host: &mut Host<E, N, W>,
    ) -> Result<Request<'s, V>, Error> {
        // One more for the count of foreign tokens, which only a request of several can have.
        host.reserve(&self.vault, if tokens > 1 { tokens.saturating_add(1) } else { 1 })?;
        Ok(Request { session: self, access: *access, foreign: 0, derived: Derived::default() })
    }

    /// The time, and whether the session is live and not everything is stopped; with the trail of this vault, and room in it.
    pub(crate) fn live<E: Environment, const N: usize, const W: usize>(
        &self,
        entries: usize,
        host: &mut Host<E, N, W>,
    ) -> Result<(Time, Verdict), Error> {
        let (now, mut verdict) = self.present(entries, host)?;
        verdict.require(!host.is_stopped(), Reason::Stopped);
        Ok((now, verdict))
    }

    /// The same, stopped or not.
    pub(crate) fn present<E: Environment, const N: usize, const W: usize>(
        &self,
        entries: usize,
        host: &mut Host<E, N, W>,
    ) -> Result<(Time, Verdict), Error> {
        let now = host.now()?;
        host.reserve(&self.vault, entries)?;
        let mut verdict = Verdict::new();
        verdict.require(same_vault(&self.vault, &self.vault_id), Reason::OtherVault);
        verdict.require(now < self.ends, Reason::SessionEnded);
        verdict.require(!host.is_logged_out(self.id)?, Reason::LoggedOut);
        Ok((now, verdict))
    }

    /// Tries a token under the key of whoever `authority` is for, or finds the most exact reason why not. `attempt` says whether it opened.
    ///
    /// All refusals do the same work: every key is derived that any of them needs (an opening is spared that), and where something stands in the
    /// way already, what is tried is a key that opens nothing.
    pub(crate) fn open_with<T>(
        &self,
        authority: &Authority,
        item: &Item<'_>,
        derived: &mut Derived,
        attempt: impl FnOnce(&SealKey) -> Result<Option<T>, Error>,
    ) -> Result<Result<T, Reason>, Error> {
        let (token, epoch) = (&item.token, item.token.epoch());
        let is_own = epoch == self.keys.epoch && authority.owner == self.principal;
        let spared = is_own || derived.has_keys(authority, epoch);
        let (keys, seal) = derived.of(self, is_own, authority, item);
        let (secret, has_secret) = authority.record.secret();
        let mut verdict = Verdict::beginning_with(authority.refused);
        verdict.require(keys.known, Reason::UnknownEpoch);
        verdict.require(token.field() == item.slot.field(), Reason::WrongField);
        verdict.require(authority.only_below.is_none_or(|newest| epoch < newest), Reason::NotOlder);
        verdict.require(has_secret || !token.is_erasable(), Reason::DoesNotOpen);
        let opened = if verdict.reason().is_none() { attempt(&seal.key)? } else { attempt(self.vault.no_key())? };
        if let (Some(opened), None) = (opened, verdict.reason()) {
            return Ok(Ok(opened));
        }
        if spared {
            let _same_work = black_box(self.vault.keys(&authority.owner, epoch));
        }
        if !token.is_erasable() {
            let _same_work = black_box(keys.owner.erasable(secret));
        }
        if seal.was_known {
            let _same_work = black_box(keys.owner.seal(item.slot.field(), token.mode()));
        }
        Ok(Err(why_not(keys, token, authority.refused, verdict.reason())))
    }

    /// The entry of one opening, or attempt at one.
    pub(crate) fn opening_entry(
        &self,
        event: Event,
        access: &Access<'_>,
        authority: &Authority,
        view: View,
        item: &Item<'_>,
        refused: Option<Reason>,
    ) -> Entry {
        let mut entry = self.entry(event, refused.unwrap_or(Reason::Done)).about(&item.token, item.slot.field());
        entry.purpose = access.purpose().code().into();
        entry.grant = authority.grant;
        if refused.is_none() {
            entry.view = view.code();
            entry.owner_or_commitment = authority.owner_tag;
        }
        entry
    }

    /// Stages an entry about this session, and ends the session where that raises an alarm which does so.
    pub(crate) fn stage<E: Environment, const N: usize, const W: usize>(
        &self,
        now: Time,
        entry: &Entry,
        host: &mut Host<E, N, W>,
    ) -> Result<Staged, Error> {
        let (staged, reactions) = host.stage_watched(now, entry)?;
        if reactions.ends_session {
            host.end_session(self.id);
        }
        Ok(staged)
    }

    pub(crate) fn entry(&self, event: Event, reason: Reason) -> Entry {
        let mut entry = Entry::new(event, reason);
        entry.caller = self.caller;
        entry.caller_kind = self.principal.kind.code();
        entry.session = self.id.0.first_chunk().copied().unwrap_or_default();
        entry
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) const fn rights(&self) -> Rights {
        self.rights
    }

    pub(crate) const fn purposes(&self) -> Purposes {
        self.purposes
    }

    pub(crate) const fn caller(&self) -> [u8; 16] {
        self.caller
    }
}

/// Where the value stands; or why it did not open.
type Opened = Result<Range<usize>, Reason>;

/// How a request's tokens are answered: each by its own commit, and so with its own entry, or all by one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    OneByOne,
    Together,
}

/// What a request derived for one token, for the next one to use.
#[derive(Default)]
pub(crate) struct Derived {
    /// Of an owner that isn't the caller, or of an older epoch.
    keys: Option<([u8; 16], EpochKeys)>,
    seal: Option<KnownSeal>,
}

/// A seal key, and what it is of: not of erasable tokens, whose owner may be erased meanwhile.
struct KnownSeal {
    owner: [u8; 16],
    epoch: u16,
    field: Field,
    mode: Mode,
    key: SealKey,
    /// It was derived for an earlier token.
    was_known: bool,
}

impl Derived {
    fn has_keys(&self, authority: &Authority, epoch: u16) -> bool {
        self.keys.as_ref().is_some_and(|(owner, keys)| *owner == authority.owner_tag && keys.epoch == epoch)
    }

    /// The keys of the token's owner and epoch, and the one that would open it.
    fn of<'k, V: Deref<Target = Vault>>(
        &'k mut self,
        session: &'k Session<V>,
        is_own: bool,
        authority: &Authority,
        item: &Item<'_>,
    ) -> (&'k EpochKeys, &'k KnownSeal) {
        let (owner, epoch) = (authority.owner_tag, item.token.epoch());
        let keys = if is_own {
            &session.keys
        } else {
            let kept = self.keys.take().filter(|(of, keys)| *of == owner && keys.epoch == epoch);
            let kept = kept.unwrap_or_else(|| (owner, session.vault.keys(&authority.owner, epoch)));
            &self.keys.insert(kept).1
        };
        let (field, mode) = (item.slot.field(), item.token.mode());
        let same = |seal: &KnownSeal| (seal.owner, seal.epoch, seal.field, seal.mode) == (owner, epoch, field, mode);
        let seal = match self.seal.take().filter(|seal| same(seal) && !item.token.is_erasable()) {
            Some(seal) => KnownSeal { was_known: true, ..seal },
            None => {
                let erasable = item.token.is_erasable().then(|| keys.owner.erasable(authority.record.secret().0));
                let key = erasable.as_ref().unwrap_or(&keys.owner).seal(field, mode);
                KnownSeal { owner, epoch, field, mode, key, was_known: false }
            }
        };
        (keys, self.seal.insert(seal))
    }
}

/// The reason of a refusal. A canary is told whatever else is wrong; then what has to do with the caller; a foreign mark, unless the
/// epoch is unknown too.
fn why_not(keys: &EpochKeys, token: &Token<'_>, caller: Option<Reason>, token_too: Option<Reason>) -> Reason {
    let canary = seal::commitment(&keys.tenant.canary().seal(token.field(), token.mode()), &token.nonce());
    let is_canary = bool::from(canary.ct_eq(&token.commitment())) && keys.known;
    let is_foreign = !bool::from(keys.tenant.mark().mark(&token.nonce()).ct_eq(&token.mark())) && keys.known;
    match (caller, token_too) {
        (Some(Reason::OtherVault), _) => Reason::OtherVault,
        _ if is_canary => Reason::Canary,
        (Some(reason), _) => reason,
        _ if is_foreign => Reason::ForeignToken,
        (None, reason) => reason.unwrap_or(Reason::DoesNotOpen),
    }
}

/// Bytes of work space: of the token's sealed part; of a mask, where that is asked for, if it is longer.
fn work_len(access: &Access<'_>, item: &Item<'_>) -> usize {
    let sealed = item.token.sealed().len();
    if access.view() == View::Masked { sealed.max(MASK_LEN) } else { sealed }
}

/// One request's openings. Of tokens that are not this tenant's, the first four get an entry each and the rest one count, so that
/// forgeries can't fill the trail: [`finish`](Self::finish) records it, and is to be called before the commit.
///
/// Whether the session is over or logged out, and whether the grant still holds, is looked at anew for each token.
#[must_use = "finish it, or foreign tokens beyond the fourth are not counted"]
pub struct Request<'s, V: Deref<Target = Vault>> {
    session: &'s Session<V>,
    access: Access<'s>,
    foreign: u32,
    derived: Derived,
}

impl<'s, V: Deref<Target = Vault>> Request<'s, V> {
    /// Opens one token of the request and commits with the environment's store; see [`Session::detokenize_as`]. The keys of the field are
    /// kept for the next one. Each is answered for itself, so each has its own entry, foreign ones too.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Unavailable`], [`Error::BufferTooSmall`]
    pub fn detokenize<'w, E: Environment, const N: usize, const W: usize>(
        &mut self,
        item: &Item<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Plaintext<'w>, Error> {
        let work = work.get_mut(..work_len(&self.access, item)).ok_or(Error::BufferTooSmall)?;
        let (opened, staged) = self.open_recorded(Event::Detokenize, Answered::OneByOne, item, work, host)?;
        self.session.commit_opened(opened, staged, work, host)
    }

    /// Opens one token of the request; see [`Session::detokenize_held`].
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`]; refusals come by way of [`Held::release`].
    pub fn detokenize_held<'w, E: Environment, const N: usize, const W: usize>(
        &mut self,
        item: &Item<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Plaintext<'w>>, Error> {
        let work = work.get_mut(..work_len(&self.access, item)).ok_or(Error::BufferTooSmall)?;
        let (opened, staged) = self.open_recorded(Event::Detokenize, Answered::Together, item, work, host)?;
        let is_mask = self.access.view() == View::Masked;
        let outcome = opened.map_err(|_| Error::Denied).map(|place| {
            let mut value = Plaintext::new(work, place);
            // The whole value is masked with what it was encrypted with. A mask must not be: with the ciphertext, it would show the value.
            let used = self.derived.seal.as_ref().filter(|_| !is_mask).map(|seal| seal.key.duplicate());
            let sealed = used.as_ref().map(|_| item.token.sealed());
            let key = used.unwrap_or_else(|| self.session.vault.mask_key(b"mask", &item.token.commitment()));
            value.withhold(Mask { key, nonce: item.token.nonce() }, sealed);
            value
        });
        Ok(Held::new(outcome, staged))
    }

    /// Records how many foreign tokens there were beyond the first four.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn finish<E: Environment, const N: usize, const W: usize>(self, host: &mut Host<E, N, W>) -> Result<(), Error> {
        let uncounted = self.foreign.saturating_sub(FOREIGN_ENTRIES);
        if uncounted > 0 {
            let (now, _) = self.session.live(1, host)?;
            let mut entry = self.session.entry(Event::ForeignTokens, Reason::ForeignToken);
            entry.count = uncounted;
            let _staged = self.session.stage(now, &entry, host)?;
        }
        Ok(())
    }

    /// Opens one item of a sealed reveal in `work`, to `commitment ‖ padded value`, and records it: true where it opened.
    pub(crate) fn reveal_item<E: Environment, const N: usize, const W: usize>(
        &mut self,
        item: &Item<'_>,
        work: &mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<bool, Error> {
        let (opened, _) = self.open_recorded(Event::Reveal, Answered::Together, item, work, host)?;
        Ok(opened.is_ok())
    }

    /// Opens a token in `work` and stages its entry. Where that can't be staged, or the host's code panics at it, `work` is wiped.
    fn open_recorded<E: Environment, const N: usize, const W: usize>(
        &mut self,
        event: Event,
        answered: Answered,
        item: &Item<'_>,
        work: &mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<(Opened, Staged), Error> {
        let authority = self.session.authority(&self.access, Asked::Show(self.access.view()), item.slot, host)?;
        let attempt = |key: &SealKey| Ok(seal::open(key, &item.token, item.slot, work));
        let opened = self.session.open_with(&authority, item, &mut self.derived, attempt)?;
        let opened = opened.map(|place| self.shown(event, place, item, work));
        let unrecorded = Filling::new(work);
        let staged = self.record(event, answered, &authority, item, opened.as_ref().err().copied(), host)?;
        let _recorded = unrecorded.leave();
        Ok((opened, staged))
    }

    /// Where what is shown of an opened value stands: the value itself; or its mask, which takes the value's place.
    fn shown(&self, event: Event, place: Range<usize>, item: &Item<'_>, work: &mut [u8]) -> Range<usize> {
        if self.access.view() != View::Masked {
            return place;
        }
        let mut mask = Zeroizing::new([0; MASK_LEN]);
        let value = work.get(place).unwrap_or_default();
        let len = item.slot.field().mask(value, mask.as_mut_slice()).map_or(0, str::len);
        work.zeroize();
        let (start, room) = if event == Event::Reveal {
            (COMMITMENT_LEN.saturating_add(LENGTH_PREFIX), item.token.class().capacity())
        } else {
            (0, work.len())
        };
        let len = if len <= room { len } else { 0 };
        let place = start..start.saturating_add(len);
        if let (Some(shown), Some(mask)) = (work.get_mut(place.clone()), mask.get(..len)) {
            put(shown, &[mask]);
        }
        if event == Event::Reveal {
            let prefix = work.get_mut(COMMITMENT_LEN..).and_then(|rest| rest.first_chunk_mut::<LENGTH_PREFIX>());
            if let (Some(prefix), Ok(len)) = (prefix, u16::try_from(len)) {
                *prefix = len.to_le_bytes();
            }
        }
        place
    }

    /// Stages the token's entry; or, beyond the fourth foreign token of those answered together, only counts it, for the next entry to be
    /// waited for.
    fn record<E: Environment, const N: usize, const W: usize>(
        &mut self,
        event: Event,
        answered: Answered,
        authority: &Authority,
        item: &Item<'_>,
        refused: Option<Reason>,
        host: &mut Host<E, N, W>,
    ) -> Result<Staged, Error> {
        let entry = self.session.opening_entry(event, &self.access, authority, self.access.view(), item, refused);
        if refused == Some(Reason::ForeignToken) && answered == Answered::Together {
            self.foreign = self.foreign.saturating_add(1);
            if self.foreign > FOREIGN_ENTRIES {
                return Ok(host.spend_entry(authority.now, &entry));
            }
        }
        self.session.stage(authority.now, &entry, host)
    }

    pub(crate) const fn session(&self) -> &'s Session<V> {
        self.session
    }

    pub(crate) const fn access(&self) -> Access<'s> {
        self.access
    }
}

impl<V: Deref<Target = Vault>> Withheld for Session<V> {
    fn restore(&mut self) {}
}

impl<V: Deref<Target = Vault>> fmt::Debug for Session<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("principal", &self.principal).field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl<V: Deref<Target = Vault>> fmt::Debug for Request<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("foreign", &self.foreign).finish_non_exhaustive()
    }
}

/// Tokens of other tenants that get an entry of their own in one request.
const FOREIGN_ENTRIES: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuditKey, Config, Event, Field, Keyring, Kind, MAX_OPEN_LEN, MAX_TOKEN_LEN, MemoryStore, Parts, SessionKey,
        Store, Terms, keys::Root, token::Mode,
    };
    use rand_core::{TryCryptoRng, TryRng};

    /// Counts, so that it never repeats; good enough for keys that guard nothing.
    struct Counter(u64);

    impl TryRng for Counter {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.try_next_u64()? as u32)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            Ok(self.0)
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            for chunk in out.chunks_mut(8) {
                chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Counter {}

    const NOW: Time = Time::from_secs(1_800_000_000);

    /// A canary looks like any token and opens for nobody; touched by anybody of its tenant, whatever else is wrong, the trail says canary.
    #[test]
    fn canaries_open_for_nobody_and_tell() {
        let mut root = [3; 32];
        root[0] = 4;
        let secret = [&[1, 1][..], &[9; 32], &1_u16.to_le_bytes(), &root].concat();
        let keyring = || Keyring::read_secret(&secret).unwrap();
        let vault = Vault::new(keyring(), &Config::new(b"a")).unwrap();
        let tenant = Root::new(root).tenant(b"shop");
        let field = Field::EMAIL;
        let mut bytes = [0; MAX_TOKEN_LEN];
        let (canary, mark) = (tenant.canary(), tenant.mark());
        let under = seal::Under { owner: &canary, mark: &mark, epoch: 1, erasable: false };
        let len = seal::seal(&under, field.into(), &[5; 16], b"export 7", &mut bytes).unwrap();
        let canary = Token::from_bytes(&bytes[..len]).unwrap();

        let mut store = MemoryStore::<32, 8>::new();
        let audit = AuditKey::create(&vault, &mut store, &mut Counter(1)).unwrap();
        let mut host: Host<_, 16, 8> =
            Host::open(&vault, Parts { clock: || Some(NOW), rng: Counter(2), store }).unwrap();
        let alice = Principal::person("shop", "alice").unwrap();
        let key = SessionKey::generate(&mut Counter(3)).unwrap();
        let terms = Terms { proof_required: false, ..Terms::default() };
        let issuer = vault.issuer("shop", Kind::Person, NOW.period()).unwrap();
        let credential = issuer.issue(&alice, &key, &terms, NOW, &mut Counter(4)).unwrap();
        let session = vault.authenticate_bearer(&credential, &mut host).unwrap();
        let mut work = [0; MAX_OPEN_LEN];
        for asked in [field, Field::PHONE] {
            assert_eq!(session.detokenize(asked, &canary, &mut work, &mut host).unwrap_err(), Error::Denied);
        }
        // Altered behind its commitment, it is a canary still.
        bytes[60] ^= 1;
        let altered = Token::from_bytes(&bytes[..len]).unwrap();
        assert_eq!(session.detokenize(field, &altered, &mut work, &mut host).unwrap_err(), Error::Denied);
        // The control: with another nonce it is nothing in particular.
        bytes[60] ^= 1;
        bytes[22] ^= 1;
        let other = Token::from_bytes(&bytes[..len]).unwrap();
        assert_eq!(session.detokenize(field, &other, &mut work, &mut host).unwrap_err(), Error::Denied);

        let mut reasons = heapless::Vec::<Reason, 32>::new();
        let mut reader = audit.reader();
        let each = &mut |sealed: &crate::SealedEntry| {
            let recorded = reader.read(sealed).unwrap();
            if recorded.entry.event == Event::Detokenize {
                reasons.push(recorded.entry.reason).unwrap();
            }
            true
        };
        host.environment().store.entries(each).unwrap();
        assert_eq!(reasons, [Reason::Canary, Reason::Canary, Reason::Canary, Reason::DoesNotOpen]);
    }

    /// A token that its own key's holder made wrongly does not open: commitment, length, padding and class are checked behind the tag.
    #[test]
    fn authentic_but_not_canonical() {
        let tenant = Root::new([7; 32]).tenant(b"shop");
        let owner = tenant.owner(&Principal::person("shop", "alice").unwrap());
        let field = Field::PHONE;
        let key = owner.seal(field, Mode::of(field, false));
        let forge = |class: u8, change: &dyn Fn(&mut [u8])| {
            let mut bytes = [0; MAX_TOKEN_LEN];
            bytes[..6].copy_from_slice(&[0x11, class, 3, 0, 1, 0]);
            let len = 54 + (32 << class);
            let (clear, rest) = bytes[..len].split_at_mut(22);
            let (sealed, tag) = rest.split_at_mut(len - 38);
            sealed[16..18].copy_from_slice(&5_u16.to_le_bytes());
            sealed[18..23].copy_from_slice(b"12345");
            change(sealed);
            use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
            let cipher = ChaCha20Poly1305::new(key.0.as_bytes().into());
            let nonce: [u8; 12] = clear[10..22].try_into().unwrap();
            let computed = cipher.encrypt_inout_detached((&nonce).into(), clear, (&mut *sealed).into()).unwrap();
            tag.copy_from_slice(&computed);
            let token = Token::from_bytes(&bytes[..len]).unwrap();
            let mut work = [0xaa; MAX_OPEN_LEN];
            let opened = seal::open(&key, &token, field.into(), &mut work).map(|place| work[place].len());
            if opened.is_none() {
                assert!(work[..len - 38].iter().all(|byte| *byte == 0));
            }
            opened
        };
        assert_eq!(forge(0, &|_| {}), Some(5), "the control");
        for at in 0..16 {
            assert_eq!(forge(0, &|sealed| sealed[at] = 1), None, "commitment byte {at}");
        }
        for at in 23..48 {
            assert_eq!(forge(0, &|sealed| sealed[at] = 1), None, "padding byte {at}");
        }
        assert_eq!(forge(0, &|sealed| sealed[16] = 4), None, "a length that leaves a byte behind");
        assert_eq!(forge(0, &|sealed| sealed[16] = 6), Some(6), "a zero byte may be part of the value");
        assert_eq!(forge(0, &|sealed| sealed[16] = 31), None, "longer than the class");
        assert_eq!(forge(0, &|sealed| sealed[17] = 255), None, "much longer");
        assert_eq!(forge(1, &|_| {}), None, "a larger class than the length asks for");
        assert_eq!(forge(1, &|sealed| sealed[16] = 31), Some(31), "which asks for this one");
    }
}
