//! An appliance on a bench: a store that can fail and be looked into, a clock that can be set, and the client's half of the conversation.
#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rand_core::{SeedableRng, TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Batch, Credential, Environment, MemoryStore, Principal, Proof, Purposes, RecordKey, Rights, SealedEntry,
    SessionKey, Store, StoreError, Table, Time,
    appliance::{
        Appliance, AuditorAct, CONTEXT, Fault, FrameReader, IssuerAct, OfficerAct, Request, Response, Role,
        RoleChannel, RoleKey, SessionAct, Status, Who, Wipe, open_frame, read, room_before, seal_frame, write,
    },
};

/// 2026-11-23, about noon.
pub const NOW: Time = Time::from_secs(1_795_435_200);
pub const AUDIENCE: &[u8] = b"shop-hsm";
pub const TENANT: &[u8] = b"shop-17";
pub const OFFICER: [u8; 32] = [1; 32];
pub const ISSUER: [u8; 32] = [2; 32];
pub const AUDITOR: [u8; 32] = [3; 32];
pub const TRANSPORT: [u8; 32] = [4; 32];
pub const DEVICE: [u8; 32] = [5; 32];

/// The store's memory, which outlives the appliance; it fails from the n-th commit on where it is told to.
#[derive(Clone)]
pub struct Flash {
    pub memory: Rc<RefCell<MemoryStore<64, 48>>>,
    pub commits_left: Rc<RefCell<Option<usize>>>,
    /// What somebody else took out or put in.
    pub hidden: Rc<RefCell<BTreeSet<RecordKey>>>,
    pub planted: Rc<RefCell<BTreeMap<RecordKey, Vec<u8>>>>,
}

impl Flash {
    pub fn blank() -> Self {
        Self {
            memory: Rc::new(RefCell::new(MemoryStore::new())),
            commits_left: Rc::default(),
            hidden: Rc::default(),
            planted: Rc::default(),
        }
    }
}

impl Flash {
    /// The values of all records that an appliance keeps for itself.
    pub fn all_records(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for (kind, index) in (0..8).flat_map(|kind| (0..8).map(move |index| (kind, index))) {
            let mut id = [0; 16];
            (id[0], id[1]) = (kind, index);
            let mut out = [0; 128];
            let found = self.memory.borrow().get(&RecordKey { table: Table::Device, id }, &mut out);
            all.extend(&out[..found.unwrap().unwrap_or(0)]);
        }
        all
    }

    /// The flash rewritten by somebody else: a copy without this record, whose value is given.
    pub fn take(&mut self, key: &RecordKey) -> Vec<u8> {
        let mut out = [0; 128];
        let len = self.memory.borrow().get(key, &mut out).unwrap();
        self.hidden.borrow_mut().insert(*key);
        out[..len.unwrap_or(0)].to_vec()
    }

    pub fn delete(&mut self, key: &RecordKey) {
        self.take(key);
    }

    /// The flash rewritten: this value stands there now.
    pub fn put(&mut self, key: RecordKey, value: &[u8]) {
        self.hidden.borrow_mut().remove(&key);
        self.planted.borrow_mut().insert(key, value.to_vec());
    }
}

impl Store for Flash {
    fn room(&self) -> usize {
        self.memory.borrow().room()
    }
    fn record_room(&self, now: Time) -> usize {
        self.memory.borrow().record_room(now)
    }
    fn get(&self, key: &RecordKey, out: &mut [u8; 128]) -> Result<Option<usize>, StoreError> {
        if self.hidden.borrow().contains(key) {
            return Ok(None);
        }
        if let Some(value) = self.planted.borrow().get(key) {
            out[..value.len()].copy_from_slice(value);
            return Ok(Some(value.len()));
        }
        self.memory.borrow().get(key, out)
    }
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if let Some(left) = self.commits_left.borrow_mut().as_mut() {
            *left = left.checked_sub(1).ok_or(StoreError)?;
        }
        self.memory.borrow_mut().commit(batch)?;
        for record in batch.records() {
            self.hidden.borrow_mut().remove(record.key());
            self.planted.borrow_mut().remove(record.key());
        }
        Ok(())
    }
    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.memory.borrow().entries(sink)
    }
    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.memory.borrow().last_entry()
    }
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.memory.borrow_mut().acknowledge(sequence)
    }
}

impl Wipe for Flash {
    fn wipe(&mut self) -> Result<(), StoreError> {
        if *self.commits_left.borrow() == Some(0) {
            return Err(StoreError);
        }
        self.memory.borrow_mut().wipe()
    }
}

/// A generator that can die.
pub struct Noise {
    pub rng: chacha20::ChaCha20Rng,
    pub dead: Rc<RefCell<bool>>,
}

#[derive(Debug)]
pub struct Dead;

impl core::fmt::Display for Dead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("dead")
    }
}

impl core::error::Error for Dead {}

impl TryRng for Noise {
    type Error = Dead;
    fn try_next_u32(&mut self) -> Result<u32, Dead> {
        if *self.dead.borrow() { Err(Dead) } else { Ok(rand_core::Rng::next_u32(&mut self.rng)) }
    }
    fn try_next_u64(&mut self) -> Result<u64, Dead> {
        if *self.dead.borrow() { Err(Dead) } else { Ok(rand_core::Rng::next_u64(&mut self.rng)) }
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Dead> {
        if *self.dead.borrow() {
            return Err(Dead);
        }
        rand_core::Rng::fill_bytes(&mut self.rng, out);
        Ok(())
    }
}

impl TryCryptoRng for Noise {}

/// The board.
pub struct Board {
    pub flash: Flash,
    pub time: Rc<RefCell<Option<Time>>>,
    pub rng: Noise,
}

impl Environment for Board {
    type Rng = Noise;
    type Store = Flash;
    fn now(&mut self) -> Option<Time> {
        *self.time.borrow()
    }
    fn rng(&mut self) -> &mut Noise {
        &mut self.rng
    }
    fn store(&mut self) -> &mut Flash {
        &mut self.flash
    }
}

/// An appliance and the client's side of its line.
pub struct Bench {
    pub appliance: Appliance<Board, 8, 32>,
    pub flash: Flash,
    pub time: Rc<RefCell<Option<Time>>>,
    pub dead_rng: Rc<RefCell<bool>>,
    pub rng: chacha20::ChaCha20Rng,
    pub id: u16,
    pub out: Vec<u8>,
    /// All that the appliance ever sent, out of its frames.
    pub said: Vec<u8>,
}

impl Bench {
    /// A blank one.
    pub fn blank(seed: u8) -> Self {
        Self::with(Flash::blank(), seed)
    }

    /// One with this flash.
    pub fn with(flash: Flash, seed: u8) -> Self {
        let mut bench = Self::unstarted(flash, seed);
        bench.appliance.start().unwrap();
        // Proofs of the moment of the start are refused.
        bench.pass(5000);
        bench
    }

    pub fn unstarted(flash: Flash, seed: u8) -> Self {
        Self::of_chip(flash, seed, DEVICE)
    }

    pub fn of_chip(flash: Flash, seed: u8, device_key: [u8; 32]) -> Self {
        let time = Rc::new(RefCell::new(Some(NOW)));
        let dead = Rc::new(RefCell::new(false));
        let rng = Noise { rng: chacha20::ChaCha20Rng::from_seed([seed; 32]), dead: dead.clone() };
        let board = Board { flash: flash.clone(), time: time.clone(), rng };
        Self {
            appliance: Appliance::new(board, device_key),
            flash,
            time,
            dead_rng: dead,
            rng: chacha20::ChaCha20Rng::from_seed([seed ^ 0xff; 32]),
            id: 0,
            out: vec![0; 2048],
            said: Vec::new(),
        }
    }

    /// Power off and on.
    pub fn restart(&mut self) {
        let (time, flash) = (*self.time.borrow(), self.flash.clone());
        let mut next = Self::unstarted(flash, self.id as u8 ^ 0x5a);
        next.time = self.time.clone();
        next.appliance.environment().time = self.time.clone();
        *next.time.borrow_mut() = time;
        let _woken = next.appliance.start();
        next.pass(5000);
        *self = next;
    }

    /// Provisioned with roots of its own.
    pub fn ready(seed: u8) -> Self {
        let mut bench = Self::blank(seed);
        bench.initialise(0);
        let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
        bench.officer(&mut officer, &OfficerAct::Generate).unwrap();
        bench.pass(5000);
        bench
    }

    pub fn initialise(&mut self, node: u32) {
        self.initialise_with(node, 60 * 60_000);
    }

    /// With this longest life of a credential, in milliseconds.
    pub fn initialise_with(&mut self, node: u32, max_life: u64) {
        let mut officer = self.log_in(Role::Officer, RoleKey::BLANK).unwrap();
        let act = OfficerAct::Initialise {
            officer: &OFFICER,
            issuer: &ISSUER,
            auditor: &AUDITOR,
            transport: &TRANSPORT,
            audience: AUDIENCE,
            node,
            max_life,
        };
        assert_eq!(self.officer(&mut officer, &act), Ok(vec![]));
    }

    pub fn pass(&mut self, millis: u64) {
        let mut time = self.time.borrow_mut();
        *time = time.map(|time| time.plus(millis));
    }

    pub fn now(&self) -> Time {
        self.time.borrow().unwrap()
    }

    /// Sends bytes as they are, byte by byte, and gives what comes back: the messages with their ids.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let mut reader = FrameReader::<2048>::new();
        let mut answers = Vec::new();
        for byte in bytes {
            let sent = match reader.push(*byte) {
                Ok(None) => continue,
                Ok(Some(frame)) => self.appliance.handle(frame, &mut self.out),
                Err(fault) => self.appliance.refuse(fault, &mut self.out),
            };
            let (zero, frame) = sent.split_last().expect("an answer");
            assert_eq!(*zero, 0);
            let mut frame = frame.to_vec();
            let received = open_frame(&mut frame).unwrap();
            self.said.extend_from_slice(received.message);
            answers.push((received.id, received.message.to_vec()));
        }
        answers
    }

    pub fn frame(&mut self, request: &Request<'_>) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let mut buffer = vec![0; 4096];
        let start = room_before(buffer.len());
        let len = write(request, &mut buffer[start..]).unwrap();
        let len = seal_frame(&mut buffer, self.id, start, len).unwrap();
        buffer.truncate(len);
        buffer
    }

    /// Sends a request, and gives the message that answers it.
    pub fn send(&mut self, request: &Request<'_>) -> Vec<u8> {
        let frame = self.frame(request);
        let [(id, message)] = <[_; 1]>::try_from(self.send_bytes(&frame)).unwrap();
        assert_eq!(id, self.id);
        message
    }

    pub fn status(&mut self) -> Status {
        let message = self.send(&Request::Status);
        match read(&message).unwrap() {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn challenge(&mut self) -> [u8; 16] {
        self.try_challenge().unwrap()
    }

    pub fn try_challenge(&mut self) -> Result<[u8; 16], Fault> {
        match read(&self.send(&Request::Challenge)).unwrap() {
            Response::Challenge(challenge) => Ok(challenge),
            Response::Fault(code) => Err(Fault::from_code(code).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub fn log_in(&mut self, role: Role, key: [u8; 32]) -> Result<RoleChannel, Fault> {
        let challenge = self.try_challenge()?;
        let (request, channel) = RoleKey::new(key).log_in(role, &challenge, &mut self.rng).unwrap();
        bytes_of(&self.send(&request)).map(|_| channel)
    }

    /// A challenge, or why there is none.
    pub fn log_in_raw(&mut self) -> Result<Vec<u8>, Fault> {
        bytes_of(&self.send(&Request::Challenge))
    }

    pub fn act<T: serde::Serialize>(&mut self, channel: &mut RoleChannel, act: &T) -> Result<Vec<u8>, Fault> {
        let mut sealed = vec![0; 2048];
        let len = channel.seal_act(act, &mut sealed).unwrap();
        let answer = self.send(&Request::Act { sealed: &sealed[..len] });
        match read(&answer).unwrap() {
            Response::Act(answer) => {
                let mut answer = answer.to_vec();
                bytes_of(channel.open_answer(&mut answer)?)
            }
            Response::Fault(code) => Err(Fault::from_code(code).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub fn officer(&mut self, channel: &mut RoleChannel, act: &OfficerAct<'_>) -> Result<Vec<u8>, Fault> {
        self.act(channel, act)
    }

    /// A log-in by the issuer: what the client then holds.
    pub fn issue(&mut self, who: &Principal, rights: Rights, purposes: Purposes) -> (Credential, SessionKey) {
        let mut issuer = self.log_in(Role::Issuer, ISSUER).unwrap();
        let key = SessionKey::generate(&mut self.rng).unwrap();
        let act = IssuerAct::Issue {
            tenant: who.tenant(),
            who: who_of(who),
            rights: rights.bits(),
            purposes: purposes.bits(),
            life: 15 * 60_000,
            session_key: &*key.write_secret(),
        };
        let credential = self.act(&mut issuer, &act).unwrap();
        (Credential::from_bytes(&credential).unwrap(), key)
    }

    pub fn person(&mut self, name: &str) -> Caller {
        let who = Principal::person(TENANT, name).unwrap();
        let (credential, key) = self.issue(&who, Rights::OWN, Purposes::OWN_USE);
        Caller { credential, key }
    }

    /// The same with a challenge.
    pub fn in_challenged_session(&mut self, caller: &Caller, act: &SessionAct<'_>) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; 2048];
        let len = write(act, &mut bytes).unwrap();
        let (act, challenge) = (&bytes[..len], self.challenge());
        let context: [&[u8]; 3] = [CONTEXT, &challenge, act];
        let proof = caller.key.prove(&caller.credential, &context, self.now(), &mut self.rng).unwrap().to_bytes();
        let credential = caller.credential.as_bytes();
        bytes_of(&self.send(&Request::InSession { credential, proof: &proof, challenged: true, act }))
    }

    pub fn in_session(&mut self, caller: &Caller, act: &SessionAct<'_>) -> Result<(Vec<u8>, Proof), Fault> {
        let mut bytes = vec![0; 2048];
        let len = write(act, &mut bytes).unwrap();
        let act = &bytes[..len];
        let proof = caller.key.prove(&caller.credential, &[CONTEXT, act], self.now(), &mut self.rng).unwrap();
        let proof_bytes = proof.to_bytes();
        let request = Request::InSession {
            credential: caller.credential.as_bytes(),
            proof: &proof_bytes,
            challenged: false,
            act,
        };
        bytes_of(&self.send(&request)).map(|bytes| (bytes, proof))
    }

    /// The audit key, once.
    pub fn audit_key(&mut self) -> AuditKey {
        let mut auditor = self.log_in(Role::Auditor, AUDITOR).unwrap();
        let key = self.act(&mut auditor, &AuditorAct::AuditKey).unwrap();
        self.act(&mut auditor, &AuditorAct::HaveAuditKey).unwrap();
        AuditKey::read_secret(&key.try_into().unwrap()).unwrap()
    }

    /// All entries, read and acknowledged.
    pub fn drain(&mut self) -> Vec<SealedEntry> {
        self.drain_with(AUDITOR)
    }

    pub fn drain_with(&mut self, key: [u8; 32]) -> Vec<SealedEntry> {
        let mut auditor = self.log_in(Role::Auditor, key).unwrap();
        let mut all = Vec::new();
        loop {
            let bytes = self.act(&mut auditor, &AuditorAct::Read).unwrap();
            let entries: Vec<_> = bytes
                .chunks(SealedEntry::LEN)
                .map(|entry| SealedEntry::from_bytes(entry.try_into().unwrap()))
                .collect();
            let Some(last) = entries.last() else { return all };
            let sequence = last.sequence();
            all.extend(entries);
            self.act(&mut auditor, &AuditorAct::Acknowledge { sequence }).unwrap();
        }
    }
}

/// Somebody who logged in.
pub struct Caller {
    pub credential: Credential,
    pub key: SessionKey,
}

pub fn who_of(who: &Principal) -> Who<'_> {
    Who { kind: who.kind().code(), subject: who.subject() }
}

/// What a message carries: its bytes; an epoch or a time as LE bytes; or the fault.
pub fn bytes_of(message: &[u8]) -> Result<Vec<u8>, Fault> {
    match read(message).expect("a message") {
        Response::Fault(code) => Err(Fault::from_code(code).expect("a fault's number")),
        Response::Done => Ok(vec![]),
        Response::Bytes(bytes) => Ok(bytes.to_vec()),
        Response::Epoch(epoch) => Ok(epoch.to_le_bytes().to_vec()),
        Response::Ends(time) => Ok(time.to_le_bytes().to_vec()),
        other => panic!("{other:?}"),
    }
}
