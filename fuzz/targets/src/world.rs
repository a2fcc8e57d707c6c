//! A shop with two customers, made anew for every input: what happens depends on the input alone.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Config, Credential, Environment, Field, Host, Keyring, Limits, MemoryStore, Principal, Proof, Purposes,
    Rights, Session, SessionKey, Slot, Store, Terms, Time, Token, TokenBuf, Vault,
};

/// When it all happens.
pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);

/// Whom credentials are for.
pub(crate) const AUDIENCE: &[u8] = b"order-pages";

/// The shop.
pub(crate) const TENANT: &str = "shop-17";

/// What requests are, as far as proofs go.
pub(crate) const CONTEXT: &[&[u8]] = &[b"POST", b"/reveal", b"body"];

/// SplitMix64: what is random must be the same again.
#[derive(Clone)]
pub(crate) struct Rng(pub u64);

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

/// A clock that can be set, that generator, and a store.
pub(crate) struct Env<S> {
    /// The clock.
    pub(crate) clock: Rc<Cell<Time>>,
    /// The generator.
    pub(crate) rng: Rng,
    /// The store.
    pub(crate) store: S,
}

impl<S: Store> Environment for Env<S> {
    type Rng = Rng;
    type Store = S;

    fn now(&mut self) -> Option<Time> {
        Some(self.clock.get())
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut S {
        &mut self.store
    }
}

/// The usual store.
pub(crate) type Memory = MemoryStore<96, 16>;

/// The usual host.
pub(crate) type WorldHost<S = Memory> = Host<Env<S>, 48, 32>;

/// A vault with all that belongs to it.
pub(crate) struct World<S: Store = Memory> {
    /// The vault.
    pub(crate) vault: Vault,
    /// Its host.
    pub(crate) host: WorldHost<S>,
    /// What the auditor holds.
    pub(crate) audit: AuditKey,
    /// The clock.
    pub(crate) clock: Rc<Cell<Time>>,
    /// The clients' generator.
    pub(crate) rng: Rng,
}

/// What a client holds.
pub(crate) struct Client {
    /// Its secret.
    pub(crate) key: SessionKey,
    /// What the log-in made of it.
    pub(crate) credential: Credential,
}

impl World {
    /// With the usual store.
    pub(crate) fn new() -> Self {
        Self::with(Memory::new())
    }
}

impl<S: Store> World<S> {
    /// With this store, which is empty.
    pub(crate) fn with(store: S) -> Self {
        Self::watched(Limits::NONE, store)
    }

    /// The same with limits.
    pub(crate) fn watched(limits: Limits, mut store: S) -> Self {
        let vault = vault(keyring(), limits);
        let audit = AuditKey::create(&vault, &mut store, &mut Rng(7700)).expect("a trail");
        let clock = Rc::new(Cell::new(NOW.minus(10_000)));
        let host = Host::open(&vault, Env { clock: clock.clone(), rng: Rng(1234), store }).expect("a host");
        clock.set(NOW);
        Self { vault, host, audit, clock, rng: Rng(99) }
    }

    /// A token of this owner's value.
    pub(crate) fn token(&mut self, owner: &Principal, field: Field, value: &[u8]) -> TokenBuf {
        self.token_in(owner, field.into(), value)
    }

    /// The same in a record.
    pub(crate) fn token_in(&mut self, owner: &Principal, slot: Slot<'_>, value: &[u8]) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&self.vault.tokenize(owner, slot, value, &mut out, &mut self.host).expect("a token"))
    }

    /// A log-in with these terms.
    pub(crate) fn log_in_with(&mut self, who: &Principal, terms: &Terms) -> Client {
        let now = self.clock.get();
        let issuer = self.vault.issuer(who.tenant(), who.kind(), now.period()).expect("an issuer");
        let key = SessionKey::generate(&mut self.rng).expect("a key");
        let credential = issuer.issue(who, &key, terms, now, &mut self.rng).expect("a credential");
        Client { key, credential }
    }

    /// A log-in that asks for proofs.
    pub(crate) fn log_in(&mut self, who: &Principal) -> Client {
        self.log_in_with(who, &Terms::default())
    }

    /// A log-in that doesn't, and is for everything.
    pub(crate) fn log_in_as_bearer(&mut self, who: &Principal, rights: Rights) -> Client {
        let purposes = Purposes::from_bits(u64::MAX);
        self.log_in_with(who, &Terms { rights, purposes, proof_required: false, ..Terms::default() })
    }

    /// This client's proof for a request.
    pub(crate) fn prove(&mut self, client: &Client, context: &[&[u8]]) -> Proof {
        client.key.prove(&client.credential, context, self.clock.get(), &mut self.rng).expect("a proof")
    }
}

/// The session of a bearer credential.
pub(crate) fn enter<'v, S: Store>(vault: &'v Vault, client: &Client, host: &mut WorldHost<S>) -> Session<&'v Vault> {
    vault.authenticate_bearer(&client.credential, host).expect("a session")
}

/// The keyring, with two epochs.
pub(crate) fn keyring() -> Keyring {
    let mut rng = Rng(42);
    let mut keyring = Keyring::generate(&mut rng).expect("a keyring");
    keyring.add_epoch(&mut rng).expect("another epoch");
    keyring
}

/// A vault with these limits. With none an input may be refused as often as it likes.
pub(crate) fn vault(keyring: Keyring, limits: Limits) -> Vault {
    Vault::new(keyring, &Config { limits, ..Config::new(AUDIENCE) }).expect("a vault")
}

/// A customer.
pub(crate) fn alice() -> Principal {
    Principal::person(TENANT, "alice").expect("a principal")
}

/// Another.
pub(crate) fn bob() -> Principal {
    Principal::person(TENANT, "bob").expect("a principal")
}

/// A carrier.
pub(crate) fn carrier() -> Principal {
    Principal::service(TENANT, "yamato").expect("a principal")
}
