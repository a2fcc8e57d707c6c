//! The session: what authentication yields, and the only thing that opens tokens. SPEC.md section 7.

use core::{
    fmt,
    ops::{Deref, Range},
};

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::{
    Environment, Error, Field, Held, Host, Plaintext, Principal, Rights, SessionId, Time, Token, Vault,
    authenticate::Verdict,
    credential::Claims,
    entry::{Entry, Event, Reason},
    held::Withheld,
    keys::SealKey,
    plaintext::Mask,
    proof::BoundKey,
    seal,
    vault::{EpochKeys, logged_out_key, same_vault},
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
    id: SessionId,
    pub(crate) bound: BoundKey,
    /// The proof's, or zeros.
    pub(crate) nonce: [u8; 16],
    ends: Time,
    caller: [u8; 16],
    keys: EpochKeys,
}

impl<V: Deref<Target = Vault>> Session<V> {
    pub(crate) fn new(vault: V, claims: &Claims, bound: BoundKey, nonce: [u8; 16], ends: Time) -> Self {
        Self {
            vault_id: vault.id(),
            principal: claims.principal.clone(),
            rights: claims.rights,
            id: claims.session,
            bound,
            nonce,
            ends,
            caller: vault.tag_key().tag(&claims.principal),
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

    /// Opens a token that was asked for as `field`, in `work`: [`MAX_OPEN_LEN`](crate::MAX_OPEN_LEN) bytes always do.
    ///
    /// Commits with the environment's store; the value is released when its entry is durable.
    ///
    /// # Errors
    /// [`Error::Denied`], whatever the reason; [`Error::Unavailable`]; [`Error::BufferTooSmall`], told before anything is opened.
    pub fn detokenize<'w, E: Environment, const N: usize, const W: usize>(
        &self,
        field: Field,
        token: &Token<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Plaintext<'w>, Error> {
        let work = work.get_mut(..token.sealed().len()).ok_or(Error::BufferTooSmall)?;
        host.commit_leftovers(&self.vault)?;
        let mut request = self.request(1, host)?;
        let (opened, staged) = request.open_recorded(Event::Detokenize, field, token, work, host)?;
        // Nobody sees the buffer before the commit, so the value need not be masked as it is when it is held.
        match host.commit(&self.vault) {
            Ok(receipt) if receipt.covers(&staged) => {
                opened.map(|(place, _)| Plaintext::new(work, place)).map_err(|_| Error::Denied)
            }
            _ => {
                work.zeroize();
                Err(Error::Unavailable)
            }
        }
    }

    /// The same for hosts that commit elsewhere: until release, `work` holds nothing readable.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`]; refusals come by way of [`Held::release`].
    pub fn detokenize_held<'w, E: Environment, const N: usize, const W: usize>(
        &self,
        field: Field,
        token: &Token<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Plaintext<'w>>, Error> {
        let mut request = self.request(1, host)?;
        request.detokenize_held(field, token, work, host)
    }

    /// Begins a request that will present up to `tokens` tokens: room for all their entries is made sure of first.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn request<E: Environment, const N: usize, const W: usize>(
        &self,
        tokens: usize,
        host: &mut Host<E, N, W>,
    ) -> Result<Request<'_, V>, Error> {
        // One more for the count of foreign tokens, which only a request of several can have.
        host.reserve(&self.vault, if tokens > 1 { tokens.saturating_add(1) } else { 1 })?;
        Ok(Request { session: self, foreign: 0 })
    }

    /// The time, and what stands in the way of this session now, whatever it presents; with the trail of this vault, and room in it.
    fn barred<E: Environment, const N: usize, const W: usize>(
        &self,
        host: &mut Host<E, N, W>,
    ) -> Result<(Time, Option<Reason>), Error> {
        let now = host.now()?;
        host.reserve(&self.vault, 1)?;
        let mut barred = Verdict::new();
        barred.require(same_vault(&self.vault, &self.vault_id), Reason::OtherVault);
        barred.require(now < self.ends, Reason::SessionEnded);
        barred.require(!host.has(&logged_out_key(self.id), now)?, Reason::LoggedOut);
        barred.require(self.rights.contains(Rights::OWN), Reason::NoRight);
        Ok((now, barred.reason()))
    }

    /// Opens `token` in `work`, or finds the most exact reason why not. All refusals do the same work.
    fn open(&self, field: Field, token: &Token<'_>, barred: Option<Reason>, work: &mut [u8]) -> Opened {
        let other;
        let keys = if token.epoch() == self.keys.epoch {
            &self.keys
        } else {
            other = self.vault.keys(&self.principal, token.epoch());
            &other
        };
        let mut verdict = Verdict::beginning_with(barred);
        verdict.require(keys.known, Reason::UnknownEpoch);
        verdict.require(token.field() == field, Reason::WrongField);
        let key = keys.owner.seal(field);
        match (seal::open(&key, token, field, work), verdict.reason()) {
            (Some(place), None) => Ok((place, key)),
            (_, barred) => {
                work.zeroize();
                Err(why_not(keys, token, barred))
            }
        }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// True where nothing at all would open for this session now.
    pub(crate) fn is_barred<E: Environment, const N: usize, const W: usize>(
        &self,
        host: &mut Host<E, N, W>,
    ) -> Result<bool, Error> {
        self.barred(host).map(|(_, barred)| barred.is_some())
    }
}

/// Where the value stands, and the key it opened under; or why it did not open.
type Opened = Result<(Range<usize>, SealKey), Reason>;

/// The reason of a refusal. A canary is told whatever else is wrong; a foreign mark, unless the epoch is unknown too.
fn why_not(keys: &EpochKeys, token: &Token<'_>, barred: Option<Reason>) -> Reason {
    let canary = seal::commitment(&keys.canary.seal(token.field()), &token.nonce());
    let is_canary = bool::from(canary.ct_eq(&token.commitment())) && keys.known;
    let is_foreign = !bool::from(keys.mark.mark(&token.nonce()).ct_eq(&token.mark())) && keys.known;
    match barred {
        Some(Reason::OtherVault) => Reason::OtherVault,
        _ if is_canary => Reason::Canary,
        Some(reason @ (Reason::SessionEnded | Reason::LoggedOut | Reason::NoRight)) => reason,
        _ if is_foreign => Reason::ForeignToken,
        Some(reason) => reason,
        None => Reason::DoesNotOpen,
    }
}

/// One request's openings. Of tokens that are not this tenant's, the first four get an entry each and the rest one count, so that
/// forgeries can't fill the trail: [`finish`](Self::finish) records it, and is to be called before the commit.
///
/// Whether the session is over or logged out is looked at anew for each token.
#[must_use = "finish it, or foreign tokens beyond the fourth are not counted"]
pub struct Request<'s, V: Deref<Target = Vault>> {
    session: &'s Session<V>,
    foreign: u32,
}

impl<V: Deref<Target = Vault>> Request<'_, V> {
    /// Opens one token of the request; see [`Session::detokenize_held`].
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`]; refusals come by way of [`Held::release`].
    pub fn detokenize_held<'w, E: Environment, const N: usize, const W: usize>(
        &mut self,
        field: Field,
        token: &Token<'_>,
        work: &'w mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Plaintext<'w>>, Error> {
        let work = work.get_mut(..token.sealed().len()).ok_or(Error::BufferTooSmall)?;
        let (opened, staged) = self.open_recorded(Event::Detokenize, field, token, work, host)?;
        let outcome = opened.map_err(|_| Error::Denied).map(|(place, key)| {
            let mut value = Plaintext::new(work, place);
            value.withhold(Mask { key, nonce: token.nonce() });
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
            let (now, _) = self.session.barred(host)?;
            let mut entry = self.entry(Event::ForeignTokens, Reason::ForeignToken);
            entry.count = uncounted;
            let _staged = host.stage(now, &entry)?;
        }
        Ok(())
    }

    /// Opens one item of a sealed reveal in `work`, and records it.
    pub(crate) fn reveal_item<E: Environment, const N: usize, const W: usize>(
        &mut self,
        field: Field,
        token: &Token<'_>,
        work: &mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Option<Range<usize>>, Error> {
        let (opened, _) = self.open_recorded(Event::Reveal, field, token, work, host)?;
        Ok(opened.ok().map(|(place, _)| place))
    }

    /// Opens a token in `work` and stages its entry. Where that can't be staged, `work` is wiped.
    fn open_recorded<E: Environment, const N: usize, const W: usize>(
        &mut self,
        event: Event,
        field: Field,
        token: &Token<'_>,
        work: &mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<(Opened, crate::trail::Staged), Error> {
        let (now, barred) = self.session.barred(host)?;
        let opened = self.session.open(field, token, barred, work);
        match self.record(now, event, field, token, opened.as_ref().err().copied(), host) {
            Ok(staged) => Ok((opened, staged)),
            Err(error) => {
                work.zeroize();
                Err(error)
            }
        }
    }

    /// Stages the token's entry; or, beyond the fourth foreign token, only counts it, for the next entry to be waited for.
    fn record<E: Environment, const N: usize, const W: usize>(
        &mut self,
        now: Time,
        event: Event,
        field: Field,
        token: &Token<'_>,
        refused: Option<Reason>,
        host: &mut Host<E, N, W>,
    ) -> Result<crate::trail::Staged, Error> {
        let mut entry = self.entry(event, refused.unwrap_or(Reason::Done)).about(token, field);
        if refused.is_none() {
            entry.view = WHOLE_VALUE;
            entry.owner_or_commitment = self.session.caller;
        }
        if refused == Some(Reason::ForeignToken) {
            self.foreign = self.foreign.saturating_add(1);
            if self.foreign > FOREIGN_ENTRIES {
                return Ok(host.next_staged());
            }
        }
        host.stage(now, &entry)
    }

    fn entry(&self, event: Event, reason: Reason) -> Entry {
        let mut entry = Entry::new(event, reason);
        entry.caller = self.session.caller;
        entry.session = self.session.id.0.first_chunk().copied().unwrap_or_default();
        entry
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

/// An entry's view: the whole value was shown.
const WHOLE_VALUE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuditKey, Config, Event, Keyring, Kind, MAX_OPEN_LEN, MAX_TOKEN_LEN, MemoryStore, Parts, SessionKey, Store,
        Terms, keys::Root,
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
        let len = seal::seal(&tenant.canary(), &tenant.mark(), field, 1, &[5; 16], b"export 7", &mut bytes).unwrap();
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
        let key = owner.seal(field);
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
            let opened = seal::open(&key, &token, field, &mut work).map(|place| work[place].len());
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
