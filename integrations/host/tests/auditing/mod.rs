//! What the auditor's tests share: a shop that makes real trails of mixed events, with restarts, and a log that is tampered with.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test programs that use parts; a test fails by panicking"
)]

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
};

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use symbolon::*;
use symbolon_host::audit::Log;

pub const TENANT: &str = "shop-17";

/// A store whose entries are drained to a log with each commit.
#[derive(Clone)]
pub struct Drained {
    memory: Box<MemoryStore<64, 1024>>,
    pub log: Rc<RefCell<Vec<SealedEntry>>>,
}

impl Store for Drained {
    fn room(&self) -> usize {
        self.memory.room()
    }
    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }
    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.memory.get(key, out)
    }
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.memory.commit(batch)?;
        self.log.borrow_mut().extend(batch.entries().cloned());
        self.memory.acknowledge(u64::MAX)
    }
    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.memory.entries(sink)
    }
    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.memory.last_entry()
    }
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.memory.acknowledge(sequence)
    }
}

pub struct Env {
    pub clock: Rc<Cell<u64>>,
    pub rng: ChaCha20Rng,
    pub store: Drained,
}

impl Environment for Env {
    type Rng = ChaCha20Rng;
    type Store = Drained;
    fn now(&mut self) -> Option<Time> {
        Some(Time::from_millis(self.clock.get()))
    }
    fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }
    fn store(&mut self) -> &mut Drained {
        &mut self.store
    }
}

/// A node of a shop's vault.
pub struct Shop {
    pub vault: &'static Vault,
    pub host: Box<Host<Env, 32, 1024>>,
    pub audit: AuditKey,
    pub log: Rc<RefCell<Vec<SealedEntry>>>,
    pub clock: Rc<Cell<u64>>,
    pub rng: ChaCha20Rng,
}

/// The same keyring whenever it is asked for.
pub fn keyring() -> Keyring {
    Keyring::generate(&mut ChaCha20Rng::seed_from_u64(17)).unwrap()
}

pub fn person(name: &str) -> Principal {
    Principal::person(TENANT, name).unwrap()
}

impl Shop {
    pub fn new(node: u32) -> Self {
        let config = Config { node, limits: Limits::NONE, ..Config::new(b"shop") };
        let vault: &'static Vault = Box::leak(Box::new(Vault::new(keyring(), &config).unwrap()));
        let (log, clock) = (Rc::default(), Rc::new(Cell::new(1_800_000_000_000)));
        let mut store = Drained { memory: Box::default(), log: Rc::clone(&log) };
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(node) + 1);
        let audit = AuditKey::create(vault, &mut store, &mut rng).unwrap();
        let host = Self::open(vault, store, &clock, &mut rng);
        Self { vault, host, audit, log, clock, rng }
    }

    fn open(
        vault: &'static Vault,
        store: Drained,
        clock: &Rc<Cell<u64>>,
        rng: &mut ChaCha20Rng,
    ) -> Box<Host<Env, 32, 1024>> {
        let env = Env { clock: Rc::clone(clock), rng: ChaCha20Rng::from_rng(rng), store };
        let host = Box::new(Host::open(vault, env).unwrap());
        clock.set(clock.get() + 2_001);
        host
    }

    /// Stops and starts, as after a crash.
    pub fn restart(&mut self) {
        let store = self.host.environment().store.clone();
        self.host = Self::open(self.vault, store, &self.clock, &mut self.rng);
    }

    pub fn session(&mut self, who: &Principal, purposes: &[Purpose], rights: Rights) -> Session<&'static Vault> {
        self.clock.set(self.clock.get() + 1000);
        let now = Time::from_millis(self.clock.get());
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let issuer = self.vault.issuer(who.tenant(), who.kind(), now.period()).unwrap();
        let terms = Terms { purposes: Purposes::of(purposes), rights, ..Terms::default() };
        let credential = issuer.issue(who, &key, &terms, now, &mut self.rng).unwrap();
        let proof = key.prove(&credential, &[b"test"], now, &mut self.rng).unwrap();
        self.vault.authenticate(&credential, &proof, &[b"test"], &mut self.host).unwrap()
    }

    pub fn own(&mut self, who: &Principal) -> Session<&'static Vault> {
        self.session(who, &[Purpose::OWN_USE], Rights::OWN)
    }

    pub fn token(&mut self, owner: &Principal, field: Field, value: &str) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&self.vault.tokenize(owner, field, value.as_bytes(), &mut out, &mut self.host).unwrap())
    }

    pub fn commit(&mut self) -> Receipt {
        while self.host.next_alarm().is_some() {}
        self.host.commit(self.vault).unwrap()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        self.host.checkpoint().unwrap()
    }

    pub fn entries(&self) -> Vec<SealedEntry> {
        self.log.borrow().clone()
    }

    /// Whether it opened.
    pub fn open_as(
        &mut self,
        session: &Session<&'static Vault>,
        access: &Access<'_>,
        field: Field,
        token: &TokenBuf,
    ) -> bool {
        self.clock.set(self.clock.get() + 7);
        let mut work = [0; Token::MAX_OPEN_LEN];
        let item = Item::new(field, token.as_token());
        session.detokenize_as(access, &item, &mut work, &mut self.host).is_ok()
    }

    /// Makes entries until there are so many: openings, refusals, grants and their use, log-outs, canaries with their alarms. A restart at a third and at
    /// two thirds.
    pub fn make(&mut self, entries: usize) {
        let people = ["alice", "bob", "carol"].map(person);
        let tokens: Vec<TokenBuf> = people.iter().map(|who| self.token(who, Field::EMAIL, "a@example.com")).collect();
        let carrier = Principal::service(TENANT, "yamato").unwrap();
        let canary = self.canary(&tokens[0], "2026-11");
        let mut restarts = vec![entries / 3, 2 * entries / 3];
        while self.log.borrow().len() < entries {
            if restarts.first().is_some_and(|at| self.log.borrow().len() >= *at) {
                restarts.remove(0);
                self.restart();
            }
            let who = (self.rng.next_u32() % 3) as usize;
            let session = self.own(&people[who]);
            for _ in 0..self.rng.next_u32() % 12 {
                let which = (self.rng.next_u32() % 3) as usize;
                let opened = self.open_as(&session, &Access::OWN, Field::EMAIL, &tokens[which]);
                assert_eq!(opened, which == who);
            }
            match self.rng.next_u32() % 8 {
                0 => self.use_a_grant(&session, &carrier, &tokens[who]),
                1 => assert!(!self.open_as(&session, &Access::OWN, Field::EMAIL, &canary)),
                2 if self.rng.next_u32().is_multiple_of(16) => {
                    self.vault.log_out(session.id(), &mut self.host).unwrap()
                }
                3 => assert!(!self.open_as(&session, &Access::OWN, Field::PHONE, &tokens[who])),
                _ => {}
            }
            self.commit();
        }
    }

    pub fn canary(&mut self, like: &TokenBuf, export: &str) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(ChaCha20Rng::from_rng(&mut self.rng));
        TokenBuf::new(&self.vault.canary(TENANT, &like.as_token(), export.as_bytes(), &mut out, &mut rng).unwrap())
    }

    /// The terms of a grant for a day.
    pub fn terms<'a>(
        &self,
        grantee: &'a Principal,
        fields: &'a [Field],
        purpose: Purpose,
        uses: Option<u32>,
    ) -> GrantTerms<'a> {
        let now = Time::from_millis(self.clock.get());
        let expires = now.plus(86_400_000);
        GrantTerms { grantee, fields, purpose, view: View::Full, not_before: now, expires, record: None, uses }
    }

    fn use_a_grant(&mut self, owner: &Session<&'static Vault>, carrier: &Principal, token: &TokenBuf) {
        let now = Time::from_millis(self.clock.get());
        // What is remembered of it may go soon: the store in memory is small.
        let terms =
            GrantTerms { expires: now.plus(5000), ..self.terms(carrier, &[Field::EMAIL], Purpose::SHIPPING, None) };
        let held = owner.grant_held(&terms, &mut self.host).unwrap();
        let grant = self.host.settle(self.vault, held).unwrap();
        let session = self.session(carrier, &[Purpose::SHIPPING], Rights::OWN);
        assert!(self.open_as(&session, &Access::new(Purpose::SHIPPING).under(&grant), Field::EMAIL, token));
        let held = owner.revoke_held(&grant, &mut self.host).unwrap();
        self.host.settle(self.vault, held).unwrap();
    }
}

/// What is done to a log.
#[derive(Clone, Debug)]
pub enum Edit {
    Nothing,
    /// This one in the place of that.
    Replace(usize, SealedEntry),
    /// From here to before there.
    Delete(usize, usize),
    Swap(usize, usize),
    /// Before that record.
    Insert(usize, Vec<SealedEntry>),
    /// The first one goes to before the second place of what is left.
    Move(usize, usize),
    /// Nothing from here on, but for so many bytes of it.
    Cut(usize, u64),
}

/// A log with an edit, which copies nothing.
#[derive(Clone, Debug)]
pub struct Edited<'a> {
    pub base: &'a [SealedEntry],
    pub edit: Edit,
}

impl Edited<'_> {
    pub fn to_vec(&self) -> Vec<SealedEntry> {
        let mut log = self.clone();
        (0..self.count()).map(|index| log.record(index).unwrap().unwrap()).collect()
    }
}

impl Log for Edited<'_> {
    fn record(&mut self, index: u64) -> io::Result<Option<SealedEntry>> {
        let index = usize::try_from(index).unwrap();
        let source = match &self.edit {
            Edit::Replace(at, record) if *at == index => return Ok(Some(record.clone())),
            Edit::Insert(at, records) if (*at..at + records.len()).contains(&index) => {
                return Ok(Some(records[index - at].clone()));
            }
            Edit::Cut(at, _) if index >= *at => return Ok(None),
            Edit::Insert(at, records) if index >= *at => index - records.len(),
            Edit::Delete(from, to) if index >= *from => index + to - from,
            Edit::Swap(a, b) if *a == index => *b,
            Edit::Swap(a, b) if *b == index => *a,
            Edit::Move(from, to) if index == *to => *from,
            Edit::Move(from, to) => {
                let left = index - usize::from(index > *to);
                left + usize::from(left >= *from)
            }
            _ => index,
        };
        Ok(self.base.get(source).cloned())
    }

    fn count(&self) -> u64 {
        let len = self.base.len();
        let len = match &self.edit {
            Edit::Delete(from, to) => len - (to - from),
            Edit::Insert(_, records) => len + records.len(),
            Edit::Cut(at, _) => *at,
            _ => len,
        };
        len as u64
    }

    fn torn(&self) -> u64 {
        if let Edit::Cut(_, torn) = self.edit { torn } else { 0 }
    }
}
