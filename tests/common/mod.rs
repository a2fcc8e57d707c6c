//! What the tests share: a clock that is set by hand, a generator that can fail, and a vault with its host.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "shared by several test programs, each of which uses a part; a test fails by panicking"
)]

use std::{cell::Cell, convert::Infallible, rc::Rc};

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Config, Credential, Environment, Error, Field, Host, Keyring, Kind, MemoryStore, Parts, Principal, Proof,
    Purposes, Recorded, Rights, Session, SessionKey, Store, Terms, Time, Token, TokenBuf, TrailReader, Vault,
};

pub const NOW: Time = Time::from_secs(1_800_000_000);
pub const AUDIENCE: &[u8] = b"order-pages";
pub const CONTEXT: &[&[u8]] = &[b"POST", b"/reveal", b"body"];

/// SplitMix64, for tests only: what is random must be repeatable.
#[derive(Clone)]
pub struct TestRng(pub u64);

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
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

impl TryCryptoRng for TestRng {}

/// How a [`BadRng`] behaves.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    None,
    Error,
    Constant(u8),
    /// The bytes 0, 1, 2 and so on, each time.
    Counting,
}

/// A generator that can be made to fail or to stick.
#[derive(Clone)]
pub struct BadRng {
    pub good: TestRng,
    pub fault: Rc<Cell<Fault>>,
}

impl BadRng {
    pub fn new(fault: Fault) -> Self {
        Self { good: TestRng(1), fault: Rc::new(Cell::new(fault)) }
    }
}

#[derive(Debug)]
pub struct RngBroken;

impl std::fmt::Display for RngBroken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for RngBroken {}

impl TryRng for BadRng {
    type Error = RngBroken;

    fn try_next_u32(&mut self) -> Result<u32, RngBroken> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RngBroken> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), RngBroken> {
        match self.fault.get() {
            Fault::None => self.good.try_fill_bytes(out).map_err(|never| match never {}),
            Fault::Error => Err(RngBroken),
            Fault::Constant(byte) => {
                out.fill(byte);
                Ok(())
            }
            Fault::Counting => {
                (0..).zip(out).for_each(|(at, byte)| *byte = at);
                Ok(())
            }
        }
    }
}

impl TryCryptoRng for BadRng {}

/// A store in memory that can be made to fail.
#[derive(Clone)]
pub struct FaultyStore {
    pub memory: MemoryStore<256, 32>,
    pub down: Rc<Cell<bool>>,
    /// How many commits still succeed.
    pub commits: Rc<Cell<usize>>,
}

impl FaultyStore {
    pub fn new() -> Self {
        Self { memory: MemoryStore::new(), down: Rc::new(Cell::new(false)), commits: Rc::new(Cell::new(usize::MAX)) }
    }
}

macro_rules! unless_down {
    ($store:expr, $call:expr) => {
        if $store.down.get() { Err(symbolon::StoreError) } else { $call }
    };
}

impl Store for FaultyStore {
    fn room(&self) -> usize {
        self.memory.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }

    fn get(
        &self,
        key: &symbolon::RecordKey,
        out: &mut [u8; symbolon::Record::MAX_LEN],
    ) -> Result<Option<usize>, symbolon::StoreError> {
        unless_down!(self, self.memory.get(key, out))
    }

    fn commit(&mut self, batch: &symbolon::Batch<'_>) -> Result<(), symbolon::StoreError> {
        let left = self.commits.get().checked_sub(1).ok_or(symbolon::StoreError)?;
        self.commits.set(left);
        unless_down!(self, self.memory.commit(batch))
    }

    fn entries(&self, sink: &mut dyn FnMut(&symbolon::SealedEntry) -> bool) -> Result<(), symbolon::StoreError> {
        unless_down!(self, self.memory.entries(sink))
    }

    fn last_entry(&self) -> Result<Option<symbolon::SealedEntry>, symbolon::StoreError> {
        unless_down!(self, self.memory.last_entry())
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), symbolon::StoreError> {
        unless_down!(self, self.memory.acknowledge(sequence))
    }
}

pub struct Env {
    pub clock: Rc<Cell<Option<Time>>>,
    pub rng: BadRng,
    pub store: FaultyStore,
}

impl Environment for Env {
    type Rng = BadRng;
    type Store = FaultyStore;

    fn now(&mut self) -> Option<Time> {
        self.clock.get()
    }

    fn rng(&mut self) -> &mut BadRng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut FaultyStore {
        &mut self.store
    }
}

pub type TestHost = Host<Env, 32, 4096>;

/// A vault with all that belongs to it, and switches for everything that can go wrong.
pub struct World {
    pub vault: Vault,
    pub host: TestHost,
    pub audit: AuditKey,
    pub clock: Rc<Cell<Option<Time>>>,
    pub fault: Rc<Cell<Fault>>,
    pub down: Rc<Cell<bool>>,
    pub rng: TestRng,
}

impl World {
    pub fn new() -> Self {
        Self::with(keyring(), &Config::new(AUDIENCE))
    }

    pub fn with(keyring: Keyring, config: &Config<'_>) -> Self {
        let vault = Vault::new(keyring, config).unwrap();
        Self::start(vault, FaultyStore::new())
    }

    fn start(vault: Vault, mut store: FaultyStore) -> Self {
        let clock = Rc::new(Cell::new(Some(NOW.minus(10_000))));
        let fault = Rc::new(Cell::new(Fault::None));
        let down = store.down.clone();
        let audit = AuditKey::create(&vault, &mut store, &mut TestRng(next_seed())).unwrap();
        let rng = BadRng { good: TestRng(1234), fault: fault.clone() };
        let host = Host::open(&vault, Env { clock: clock.clone(), rng, store }).unwrap();
        clock.set(Some(NOW));
        Self { vault, host, audit, clock, fault, down, rng: TestRng(99) }
    }

    /// The same after a restart at `at`, with what the store kept.
    pub fn restart(&mut self, at: Time) -> Result<(), Error> {
        let env = self.host.environment();
        let env = Env { clock: env.clock.clone(), rng: env.rng.clone(), store: env.store.clone() };
        self.clock.set(Some(at));
        self.host = Host::open(&self.vault, env)?;
        Ok(())
    }

    pub fn token(&mut self, owner: &Principal, field: Field, value: &str) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&self.vault.tokenize(owner, field, value.as_bytes(), &mut out, &mut self.host).unwrap())
    }

    pub fn log_in(&mut self, who: &Principal) -> Client {
        self.log_in_with(who, &Terms::default())
    }

    pub fn log_in_with(&mut self, who: &Principal, terms: &Terms) -> Client {
        let now = self.clock.get().unwrap();
        let issuer = self.vault.issuer(who.tenant(), who.kind(), now.period()).unwrap();
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let credential = issuer.issue(who, &key, terms, now, &mut self.rng).unwrap();
        Client { key, credential }
    }

    pub fn prove(&mut self, client: &Client) -> Proof {
        client.key.prove(&client.credential, CONTEXT, self.clock.get().unwrap(), &mut self.rng).unwrap()
    }

    /// Everything in the trail, read with the audit key.
    pub fn trail(&mut self) -> Vec<Recorded> {
        trail(&mut self.host, &self.audit)
    }

    pub fn last(&mut self) -> Recorded {
        self.trail().pop().unwrap()
    }
}

/// A host with room for `N` entries and `W` proofs, whose trail begins in this store, at [`NOW`] for ever.
pub fn still<const N: usize, const W: usize, S: Store>(vault: &Vault, mut store: S) -> (Still<S, N, W>, AuditKey) {
    let audit = AuditKey::create(vault, &mut store, &mut TestRng(next_seed())).unwrap();
    let clock: fn() -> Option<Time> = || Some(NOW);
    (Host::open(vault, Parts { clock, rng: TestRng(2), store }).unwrap(), audit)
}

pub type Still<S, const N: usize, const W: usize> = Host<Parts<fn() -> Option<Time>, TestRng, S>, N, W>;

/// Everything in the trail, while sessions borrow the vault.
pub fn trail(host: &mut TestHost, audit: &AuditKey) -> Vec<Recorded> {
    let mut reader: TrailReader = audit.reader();
    let mut entries = Vec::new();
    let mut each = |sealed: &symbolon::SealedEntry| {
        entries.push(reader.read(sealed).unwrap());
        true
    };
    host.environment().store.memory.entries(&mut each).unwrap();
    entries
}

/// Another number each time, so that no two trails have a key in common.
fn next_seed() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(7700);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// A logged-in client: what a browser would hold.
pub struct Client {
    pub key: SessionKey,
    pub credential: Credential,
}

pub fn keyring() -> Keyring {
    Keyring::generate(&mut TestRng(42)).unwrap()
}

pub fn alice() -> Principal {
    Principal::person("shop-17", "alice").unwrap()
}

pub fn bob() -> Principal {
    Principal::person("shop-17", "bob").unwrap()
}

pub fn text(token: &Token<'_>) -> String {
    token.to_string()
}

pub const PERSON: Kind = Kind::Person;

/// A session of this client's, by a fresh proof.
pub fn session<'v>(vault: &'v Vault, host: &mut TestHost, client: &Client, rng: &mut TestRng) -> Session<&'v Vault> {
    let proof = client.key.prove(&client.credential, CONTEXT, NOW, rng).unwrap();
    vault.authenticate(&client.credential, &proof, CONTEXT, host).unwrap()
}

/// A session of this principal with all purposes, for any vault and host.
pub fn enter<'v, E: Environment, const N: usize, const W: usize>(
    vault: &'v Vault,
    host: &mut Host<E, N, W>,
    rng: &mut TestRng,
    who: &Principal,
    rights: Rights,
) -> Session<&'v Vault> {
    let key = SessionKey::generate(rng).unwrap();
    let issuer = vault.issuer(who.tenant(), who.kind(), NOW.period()).unwrap();
    let purposes = Purposes::from_bits(u64::MAX);
    let terms = Terms { rights, purposes, proof_required: false, ..Terms::default() };
    let credential = issuer.issue(who, &key, &terms, NOW, rng).unwrap();
    vault.authenticate_bearer(&credential, host).unwrap()
}

/// SPEC.md sections 2, 4 and 12 once more, by hand: what somebody with the roots could make that the core does not.
pub mod forge {
    use chacha20::{
        ChaCha20, R20,
        cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
    };
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
    use symbolon::{Grant, Keyring, Principal, TokenBuf};

    pub type Key = [u8; 32];

    fn cascade(key: &Key, label: u8, message: &[u8]) -> Key {
        let mut blocks = vec![label];
        blocks.extend(u16::try_from(message.len()).unwrap().to_le_bytes());
        blocks.extend(message);
        blocks.resize(blocks.len().next_multiple_of(16), 0);
        blocks.chunks(16).fold(*key, |state, block| {
            let block: [u8; 16] = block.try_into().unwrap();
            chacha20::hchacha::<R20>((&state).into(), (&block).into()).into()
        })
    }

    /// F of section 2.
    pub fn prf(key: &Key, label: u8, message: &[u8]) -> Key {
        if message.len() <= 109 {
            return cascade(key, label, message);
        }
        let once = cascade(key, 28, &[label]);
        let tag = ChaCha20Poly1305::new((&once).into()).encrypt_inout_detached(
            &[0; 12].into(),
            message,
            (&mut [][..]).into(),
        );
        cascade(key, label | 0x80, &tag.unwrap())
    }

    /// K_tag, and the roots by their epochs.
    pub fn secrets(keyring: &Keyring) -> (Key, Vec<(u16, Key)>) {
        let mut bytes = [0; Keyring::MAX_LEN];
        let len = keyring.write_secret(&mut bytes).unwrap();
        let root = |of: &[u8]| (u16::from_le_bytes([of[0], of[1]]), of[2..].try_into().unwrap());
        (bytes[2..34].try_into().unwrap(), bytes[34..len].chunks(34).map(root).collect())
    }

    pub fn copy(keyring: &Keyring) -> Keyring {
        let mut bytes = [0; Keyring::MAX_LEN];
        let len = keyring.write_secret(&mut bytes).unwrap();
        Keyring::read_secret(&bytes[..len]).unwrap()
    }

    pub fn owner_key(root: &Key, owner: &Principal) -> Key {
        let name = [&[owner.kind() as u8][..], owner.subject()].concat();
        prf(&prf(root, 1, owner.tenant()), 2, &name)
    }

    /// The grant's parts: view 1, owner's kind 2, purpose 3, epoch 4, grant epoch 6, not-before 10, expiry 18, uses 26, fields 30,
    /// grantee 46, grantor 62, record 78, id 94, subject 110, MAC 175.
    pub fn grant_id(grant: &Grant) -> [u8; 16] {
        grant.as_bytes()[94..110].try_into().unwrap()
    }

    /// This grant with other bytes here and there, and a MAC that is right for them under `root` (where the epoch is that root's).
    pub fn regrant(grant: &Grant, root: &Key, owner: &Principal, edits: &[(usize, &[u8])]) -> Grant {
        let mut bytes = *grant.as_bytes();
        for (at, new) in edits {
            bytes[*at..*at + new.len()].copy_from_slice(new);
        }
        let key = prf(&owner_key(root, owner), 10, &bytes[6..10]);
        let mac = prf(&key, 30, &bytes[..175]);
        bytes[175..].copy_from_slice(&mac[..16]);
        Grant::from_bytes(&bytes).unwrap()
    }

    /// This token as a canary of its tenant: with the commitment that K_canary gives.
    pub fn canary(token: &TokenBuf, root: &Key, tenant: &[u8]) -> TokenBuf {
        let mut bytes = token.as_token().as_bytes().to_vec();
        let key = prf(&prf(root, 1, tenant), 9, b"");
        let key = prf(&key, 4, &[bytes[2], bytes[3], bytes[1] >> 4, 0x11]);
        let nonce: [u8; 12] = bytes[10..22].try_into().unwrap();
        let mut cipher = ChaCha20::new((&key).into(), (&nonce).into());
        cipher.seek(64_u32);
        bytes[22..38].fill(0);
        cipher.apply_keystream(&mut bytes[22..38]);
        TokenBuf::new(&symbolon::Token::from_bytes(&bytes).unwrap())
    }
}
