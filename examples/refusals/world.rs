//! One vault with everything in it that a refusal can be about.

use std::{cell::Cell, rc::Rc};

use chacha20::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Checkpoint, Config, Field, Grant, GrantTerms, Host, Keyring, Kind, MemoryStore, Parts, Principal,
    Purpose, Purposes, Recorded, Rights, Session, SessionKey, Store, Terms, Time, Token, TokenBuf, TrailReader, Vault,
    View,
};

pub const NOW: Time = Time::from_secs(1_800_000_000);
pub const MINUTE: u64 = 60_000;
pub const AUDIENCE: &[u8] = b"refusals";
pub const ADDRESS: &[u8] = b"alice@example.com";

type Clock = Box<dyn FnMut() -> Option<Time>>;
type WorldHost = Host<Parts<Clock, Steady, MemoryStore<64, 64>>, 16, 64>;

/// A generator whose every call costs the same, which one that fills a buffer now and then does not.
pub struct Steady(u64);

impl TryRng for Steady {
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
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        }
        Ok(())
    }
}

impl TryCryptoRng for Steady {}

pub struct World {
    pub vault: &'static Vault,
    pub host: WorldHost,
    pub clock: Rc<Cell<Time>>,
    pub rng: ChaCha20Rng,
    reader: TrailReader,
}

/// Somebody with a session.
pub struct Caller {
    pub session: Session<&'static Vault>,
}

impl World {
    pub fn new() -> Self {
        let vault: &'static Vault = Box::leak(Box::new(vault_with(3)));
        let clock = Rc::new(Cell::new(NOW.minus(10 * MINUTE)));
        let mut store = MemoryStore::new();
        let audit = AuditKey::create(vault, &mut store, &mut ChaCha20Rng::from_seed([1; 32])).unwrap();
        let reading = clock.clone();
        let parts = Parts { clock: Box::new(move || Some(reading.get())) as Clock, rng: Steady(2), store };
        let host = Host::open(vault, parts).unwrap();
        let mut world = Self { vault, host, clock, rng: ChaCha20Rng::from_seed([3; 32]), reader: audit.reader() };
        let _started = world.last_entry();
        world
    }

    /// Reads all entries and lets them go; gives the newest, if there was any.
    pub fn last_entry(&mut self) -> Option<Recorded> {
        let mut last = None;
        let Self { host, reader, .. } = self;
        let store = &mut host.environment().store;
        store
            .entries(&mut |sealed| {
                last = Some(reader.read(sealed).unwrap());
                true
            })
            .unwrap();
        if let Some(last) = &last {
            store.acknowledge(last.sequence).unwrap();
        }
        last
    }

    /// Entries until what comes next is in one block of the trail with the entries of the longest call: each 64th entry costs two permutations
    /// more, whoever asks for what.
    pub fn leave_room_in_the_block(&mut self) {
        let another_nodes = Checkpoint::from_bytes(&[9; Checkpoint::LEN]).unwrap();
        loop {
            self.host.witness(self.vault, &another_nodes).unwrap();
            self.host.commit(self.vault).unwrap();
            let next = self.last_entry().unwrap().sequence + 1;
            if next % 64 <= 48 {
                return;
            }
        }
    }

    /// Commits what is staged, and lets the entries go.
    pub fn settle(&mut self) {
        self.host.commit(self.vault).unwrap();
        self.last_entry();
    }

    /// A session of this principal with these rights and purposes, for so many milliseconds.
    pub fn caller(&mut self, who: &Principal, rights: Rights, purposes: Purposes, life: u64) -> Caller {
        let terms = Terms { rights, purposes, life, proof_required: false };
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let now = self.clock.get();
        let issuer = self.vault.issuer(who.tenant(), who.kind(), now.period()).unwrap();
        let credential = issuer.issue(who, &key, &terms, now, &mut self.rng).unwrap();
        let held = Session::authenticate_bearer_held(self.vault, &credential, &mut self.host).unwrap();
        let session = self.host.settle(self.vault, held).unwrap();
        self.last_entry();
        Caller { session }
    }

    /// A token under the epoch that is the newest of a keyring of so many.
    pub fn token(&mut self, owner: &Principal, field: Field, epochs: u16) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&vault_with(epochs).tokenize(owner, field, b"+81 3 1234 5678", &mut out, &mut self.host).unwrap())
    }

    /// An erasable one, under the newest epoch; its owner has a secret from now on.
    pub fn erasable_token(&mut self, owner: &Principal, field: Field) -> TokenBuf {
        let held = self.vault.erasable_sealer_held(owner, &mut self.host).unwrap();
        let sealer = self.host.settle(self.vault, held).unwrap();
        self.last_entry();
        let mut rng = symbolon::CheckedRng::new(ChaCha20Rng::from_seed([9; 32]));
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&sealer.tokenize(field, b"+81 3 1234 5678", &mut out, &mut rng).unwrap())
    }

    pub fn grant(&mut self, owner: &Caller, change: impl FnOnce(&mut GrantTerms<'_>)) -> Grant {
        let now = self.clock.get();
        let carrier = carrier();
        let mut terms = GrantTerms {
            grantee: &carrier,
            fields: &[Field::PHONE],
            purpose: Purpose::SHIPPING,
            view: View::Full,
            record: None,
            not_before: now.minus(MINUTE),
            expires: now.plus(60 * MINUTE),
            uses: Some(100),
        };
        change(&mut terms);
        let held = owner.session.grant_held(&terms, &mut self.host).unwrap();
        let grant = self.host.settle(self.vault, held).unwrap();
        self.last_entry();
        grant
    }
}

/// The same roots for all: epochs 1 to `epochs`, the first of them below the floor where there are others.
pub fn vault_with(epochs: u16) -> Vault {
    let config = Config { token_floor: if epochs > 1 { 2 } else { 0 }, ..Config::new(AUDIENCE) };
    Vault::new(keyring_with(epochs), &config).unwrap()
}

pub fn keyring_with(epochs: u16) -> Keyring {
    let mut secret = vec![1, epochs as u8];
    secret.extend([7; 32]);
    for epoch in 1..=epochs {
        secret.extend(epoch.to_le_bytes());
        secret.extend([epoch as u8; 32]);
    }
    Keyring::read_secret(&secret).unwrap()
}

pub fn person(subject: &str) -> Principal {
    Principal::new(b"shop", Kind::Person, subject.as_bytes()).unwrap()
}

pub fn carrier() -> Principal {
    Principal::service("shop", "carrier").unwrap()
}
