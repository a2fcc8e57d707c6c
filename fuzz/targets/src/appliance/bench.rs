//! An appliance, and its clients' half of the conversation.

use std::{cell::Cell, rc::Rc};

use symbolon::{
    Credential, MemoryStore, Rights, SessionKey, Time, Token,
    appliance::{
        Appliance, CONTEXT, Fault, FrameReader, IssuerAct, OfficerAct, Request, Response, Role, RoleChannel, RoleKey,
        SessionAct, Who, read,
    },
};

use super::{odd, odd::written, well_formed};
use crate::promises::tells_nothing;
use crate::world::{Env, Rng};

/// When it begins.
pub(super) const NOW: Time = crate::world::NOW;

/// Keys that are set: the officer's, the issuer's, the auditor's, for transport.
pub(super) const KEYS: [[u8; 32]; 4] = [key(17), key(59), key(101), key(143)];

const DEVICE: [u8; 32] = key(201);

/// What no answer may ever have in it.
pub(super) const SECRETS: [[u8; 32]; 5] = [KEYS[0], KEYS[1], KEYS[2], KEYS[3], DEVICE];

/// What is sealed for somebody, and is not to be seen by another.
pub(super) const ALICE_VALUE: &[u8] = b"Alice Liddell of Christ Church";

const fn key(seed: u8) -> [u8; 32] {
    let (mut bytes, mut at) = ([seed; 32], 1);
    while at < 32 {
        bytes[at] = bytes[at - 1].wrapping_mul(73).wrapping_add(41);
        at += 1;
    }
    bytes
}

/// A role's key.
pub(super) fn key_of(role: Role) -> [u8; 32] {
    KEYS[usize::from(role.code())]
}

/// Who has a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Alice,
    Bob,
    /// A service with all rights that one can have.
    Shop,
}

/// What came of requests, to be used in others.
#[derive(Clone, Default)]
pub(super) struct Pool {
    pub(super) tokens: Vec<Vec<u8>>,
    pub(super) grants: Vec<Vec<u8>>,
    pub(super) sealing: Vec<u8>,
    pub(super) asked: Vec<u8>,
}

type Store = MemoryStore<96, 48>;
type Device = Appliance<Env<Store>, 16, 16>;

/// The appliance, and what its clients know.
pub(super) struct Bench {
    appliance: Device,
    reader: FrameReader<1536>,
    clock: Rc<Cell<Time>>,
    rng: Rng,
    out: Vec<u8>,
    id: u16,
    challenge: [u8; 16],
    channel: Option<RoleChannel>,
    credentials: Vec<(Caller, Credential, SessionKey)>,
    sent: Vec<Vec<u8>>,
    /// Whether somebody else may see her value.
    others_may: bool,
    pub(super) pool: Pool,
}

impl Bench {
    /// As it leaves the factory.
    pub(super) fn blank() -> Self {
        let clock = Rc::new(Cell::new(NOW));
        let environment = Env { clock: clock.clone(), rng: Rng(1), store: Store::new() };
        let mut appliance = Device::new(environment, DEVICE);
        appliance.start().expect("a blank one starts");
        Self {
            appliance,
            reader: FrameReader::new(),
            clock,
            rng: Rng(2),
            out: vec![0; 2048],
            id: 0,
            challenge: [0; 16],
            channel: None,
            credentials: Vec::new(),
            sent: Vec::new(),
            others_may: false,
            pool: Pool { sealing: odd::sealing(), ..Pool::default() },
        }
    }

    /// With roots, three callers and some tokens.
    pub(super) fn ready() -> Self {
        let mut bench = Self::blank();
        let [officer, issuer, auditor, transport] = &KEYS;
        let max_life = 900_000;
        bench.log_in(Role::Officer, [0; 32]);
        bench.act(&OfficerAct::Initialise {
            officer,
            issuer,
            auditor,
            transport,
            audience: b"shop",
            node: 7,
            max_life,
        });
        bench.log_in(Role::Officer, *officer);
        bench.act(&OfficerAct::Generate);
        bench.pass(5000);
        bench.log_in(Role::Issuer, *issuer);
        for (caller, kind, subject, rights) in [
            (Caller::Alice, 1, &b"alice"[..], Rights::OWN.bits()),
            (Caller::Bob, 1, b"bob", Rights::OWN.bits()),
            (Caller::Shop, 3, b"shop", 0x1ff),
        ] {
            let key = SessionKey::generate(&mut bench.rng).expect("a key");
            let session_key = key.write_secret();
            let issue = IssuerAct::Issue {
                tenant: b"shop-17",
                who: Who { kind, subject },
                rights,
                purposes: u64::MAX,
                life: 900_000,
                session_key: &*session_key,
            };
            let credential = bench.act_for_bytes(&issue).expect("a credential");
            bench.credentials.push((caller, Credential::from_bytes(&credential).expect("a credential"), key));
        }
        let sealing = bench.pool.sealing.clone();
        let owner = Who { kind: 1, subject: b"alice" };
        bench.in_session(Caller::Shop, &SessionAct::Tokenize { owner, erasable: false, values: &sealing }, false);
        assert_eq!(bench.pool.tokens.len(), 3);
        bench
    }

    /// Sends bytes as they are; each frame in them gets one answer, which is well-formed.
    pub(super) fn send_bytes(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for &byte in bytes {
            let (id, sent) = match self.reader.push(byte) {
                Ok(None) => continue,
                Ok(Some(frame)) => {
                    let id = id_of(frame);
                    (id, self.appliance.handle(frame, &mut self.out))
                }
                Err(fault) => (0, self.appliance.refuse(fault, &mut self.out)),
            };
            answers.push(well_formed(sent, Some(id)));
        }
        answers
    }

    /// Sends a request: its one answer.
    pub(super) fn send(&mut self, request: &Request<'_>) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let frame = crate::frames::sealed(self.id, &written(request));
        self.sent.push(frame.clone());
        // Whatever was begun before ends here, and has its own answer.
        let mut answers = self.send_bytes(&[0]);
        let fits = frame.len() <= 1537;
        answers.clear();
        answers.extend(self.send_bytes(&frame));
        assert_eq!(answers.len(), 1, "one answer to one request");
        let answer = answers.remove(0);
        assert!(fits || read(&answer) == Ok(Response::Fault(Fault::TooLong.code())));
        answer
    }

    pub(super) fn fresh_challenge(&mut self) {
        let answer = self.send(&Request::Challenge);
        if let Ok(Response::Challenge(challenge)) = read(&answer) {
            self.challenge = challenge;
        }
    }

    pub(super) fn log_in(&mut self, role: Role, key: [u8; 32]) {
        self.fresh_challenge();
        let made = RoleKey::new(key).log_in(role, &self.challenge, &mut self.rng);
        let (request, channel) = made.expect("a log-in");
        if read(&self.send(&request)) == Ok(Response::Done) {
            self.channel = Some(channel);
        }
    }

    /// An act in the channel that is open, if one is.
    pub(super) fn act<T: serde::Serialize>(&mut self, act: &T) {
        let _what_came = self.act_for_bytes(act);
    }

    fn act_for_bytes<T: serde::Serialize>(&mut self, act: &T) -> Option<Vec<u8>> {
        let mut channel = self.channel.take()?;
        let mut sealed = vec![0; 1500];
        let len = channel.seal_act(act, &mut sealed).ok()?;
        let answer = self.send(&Request::Act { sealed: &sealed[..len] });
        match read(&answer).expect("a response") {
            Response::Act(answer) => {
                let mut answer = answer.to_vec();
                let answer = channel.open_answer(&mut answer).expect("sealed for this act");
                let response: Response<'_> = read(answer).expect("a response in the channel");
                super::says_no_key(answer);
                let bytes = if let Response::Bytes(bytes) = response { Some(bytes.to_vec()) } else { None };
                self.channel = Some(channel);
                bytes
            }
            Response::Fault(_) => None,
            _ => panic!("an act is answered in its channel, or refused"),
        }
    }

    /// Something that is asked for with a credential and a proof.
    pub(super) fn in_session(&mut self, caller: Caller, act: &SessionAct<'_>, challenged: bool) {
        let Some(at) = self.credentials.iter().position(|(known, ..)| *known == caller) else {
            self.send(&Request::InSession { credential: &[17; 150], proof: &[1; 40], challenged, act: &written(act) });
            return;
        };
        if challenged {
            self.fresh_challenge();
        }
        let bytes = written(act);
        let (_, credential, key) = &self.credentials[at];
        let context: &[&[u8]] = if challenged { &[CONTEXT, &self.challenge, &bytes] } else { &[CONTEXT, &bytes] };
        let proof = key.prove(credential, context, self.clock.get(), &mut self.rng).expect("a proof").to_bytes();
        let credential = credential.as_bytes().to_vec();
        let answer = self.send(&Request::InSession { credential: &credential, proof: &proof, challenged, act: &bytes });
        // From here on others may see it: a grant, or the same value as their own.
        self.others_may |= match act {
            SessionAct::Grant { .. } | SessionAct::GrantFor { .. } => true,
            SessionAct::Tokenize { owner, .. } => owner.subject != b"alice",
            _ => false,
        };
        let shown = answer.windows(ALICE_VALUE.len()).any(|part| part == ALICE_VALUE);
        let opens = matches!(act, SessionAct::Detokenize { .. });
        assert!(!shown || opens && (caller == Caller::Alice || self.others_may), "her value, unasked");
        if let Ok(Response::Bytes(bytes)) = read(&answer) {
            self.learn(act, bytes);
        }
    }

    fn learn(&mut self, act: &SessionAct<'_>, mut bytes: &[u8]) {
        match act {
            SessionAct::Grant { .. } | SessionAct::GrantFor { .. } => {
                self.pool.grants.push(bytes.to_vec());
            }
            SessionAct::Tokenize { .. } | SessionAct::Rewrap { .. } => {
                while !bytes.is_empty() {
                    let len = (1..=bytes.len()).find(|len| Token::from_bytes(&bytes[..*len]).is_ok());
                    let (token, rest) = bytes.split_at(len.expect("tokens, one behind the other"));
                    self.pool.tokens.push(token.to_vec());
                    bytes = rest;
                }
                self.pool.asked = odd::asked_for(&self.pool.tokens);
            }
            _ => {}
        }
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.clock.set(self.clock.get().plus(millis));
    }

    /// The power is cut, and comes back.
    pub(super) fn restart(&mut self) {
        let store = self.appliance.environment().store.clone();
        self.rng.0 ^= 3;
        let environment = Env { clock: self.clock.clone(), rng: Rng(self.rng.0 ^ 99), store };
        self.appliance = Device::new(environment, DEVICE);
        // A full trail, or a clock: it tries again with each request.
        assert_ne!(self.appliance.start(), Err(Fault::Unhealthy));
        self.reader = FrameReader::new();
        self.channel = None;
    }

    /// A frame that was sent before, with one byte changed or not.
    pub(super) fn repeat(&mut self, which: u8, change: u16) {
        if self.sent.is_empty() {
            return;
        }
        let mut frame = self.sent[usize::from(which) % self.sent.len()].clone();
        let at = usize::from(change >> 8) % frame.len();
        frame[at] ^= change.to_le_bytes()[0];
        self.send_bytes(&frame);
    }

    /// It is healthy, and answers what it is asked.
    pub(super) fn goes_on(&mut self) {
        let status = self.send(&Request::Status);
        let Ok(Response::Status(status)) = read(&status) else { panic!("no status") };
        assert!(status.healthy && status.stage <= 2, "{status:?}");
        let challenge = self.send(&Request::Challenge);
        assert!(matches!(read(&challenge), Ok(Response::Challenge(_))));
        let Self { appliance, reader, channel, .. } = self;
        let key = RoleKey::new(KEYS[0]);
        tells_nothing(
            &format!("{appliance:?} {reader:?} {channel:?} {key:?}"),
            &SECRETS.each_ref().map(|key| &key[..]),
        );
    }
}

/// The id that the answer must have.
fn id_of(frame: &[u8]) -> u16 {
    match symbolon::appliance::open_frame(&mut frame.to_vec()) {
        Ok(received) => received.id,
        Err((id, _)) => id,
    }
}
