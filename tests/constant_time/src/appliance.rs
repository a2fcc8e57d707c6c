//! The appliance, asked frame by frame.
//!
//! Secret: roots, the roles' keys, the transport key, session keys; and so every key that is derived from them, and all that is sealed under
//! one. Not marked is the chip's key, or settings and lengths would count as secrets, which are sealed under it, too; nor the key that
//! makes tags, nor the trail's.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    Credential, Field, Item, Keyring, Kind, MemoryStore, Parts, Proof, Purposes, Rights, SessionKey, Time, Token,
    TokenBuf,
    appliance::{
        Appliance, Asked, CONTEXT, IssuerAct, OfficerAct, Opening, Received, Request, Response, Role, RoleChannel,
        RoleKey, Sealing, SessionAct, TransportKey, Who, open_frame, read, room_before, seal_frame, write,
    },
    reply_len,
};

use crate::{
    Operation,
    memcheck::{mark, publish, publish_all, unreported},
    world::{Clock, NOW, PublicStore, SecretRng, World, keyring_with},
};

pub(crate) const ALL: &[(&str, Operation)] = &[
    ("wrapped roots", wrapped_roots),
    ("appliance: roles", roles),
    ("appliance: log-in", log_in),
    ("appliance: acts", acts),
    ("appliance: sessions", sessions),
    ("appliance: start", start),
];

/// Wrapped and unwrapped; altered, and under another key.
fn wrapped_roots(_: &mut World) {
    let transport = TransportKey::new(marked_key(TRANSPORT));
    let keyring = unreported(|| Keyring::read_secret(&keyring_with(2)).unwrap());
    let mut wrapped = [0; TransportKey::MAX_WRAPPED];
    let len = transport.wrap(&keyring, &mut SecretRng::new(11), &mut wrapped).unwrap();
    publish(&wrapped[..len]);
    assert_eq!(transport.unwrap(&wrapped[..len]).unwrap().newest(), 2);
    assert!(TransportKey::new(marked_key(OFFICER)).unwrap(&wrapped[..len]).is_err());
    wrapped[40] ^= 1;
    assert!(transport.unwrap(&wrapped[..len]).is_err());
}

/// With the key, and with another.
fn log_in(_: &mut World) {
    let mut bench = unreported(Bench::at_work);
    assert!(bench.log_in(OFFICER).is_some());
    assert!(bench.log_in(ISSUER).is_none());
}

/// A blank one is given its keys.
fn roles(_: &mut World) {
    let (mut bench, mut officer) = unreported(|| {
        let mut bench = Bench::blank();
        let officer = bench.log_in(BLANK).unwrap();
        (bench, officer)
    });
    bench.initialise(&mut officer);
}

/// A backup, an act without an answer's bytes, one that is refused; and one that was altered on its way.
fn acts(_: &mut World) {
    let (mut bench, mut officer) = unreported(|| {
        let mut bench = Bench::at_work();
        let officer = bench.log_in(OFFICER).unwrap();
        (bench, officer)
    });
    let backup = bench.act(&mut officer, &OfficerAct::Backup).unwrap();
    assert!(unreported(|| TransportKey::new(marked_key(TRANSPORT)).unwrap(&backup).is_ok()));
    assert!(bench.act(&mut officer, &OfficerAct::Lock).is_some());
    assert!(bench.act(&mut officer, &OfficerAct::Backup).is_none());
    let mut sealed = [0; 256];
    let len = unreported(|| officer.seal_act(&OfficerAct::Rotate, &mut sealed).unwrap());
    publish_all(&sealed);
    sealed[0] ^= 1;
    let answer = bench.send(&Request::Act { sealed: &sealed[..len] });
    assert!(unreported(|| matches!(read(&answer), Ok(Response::Fault(_)))));
}

/// A value is sealed, opened and revealed for the one who holds it; with a wrong proof, nothing.
fn sessions(_: &mut World) {
    let owner = Who { kind: Kind::Person.code(), subject: b"alice" };
    let (mut bench, caller, shop) = unreported(|| {
        let mut bench = Bench::at_work();
        let caller = bench.caller(owner, Rights::OWN);
        let shop = bench.caller(Who { kind: Kind::Service.code(), subject: b"shop" }, Rights::TOKENIZE);
        (bench, caller, shop)
    });
    let mut value = [0; 64];
    let sealing = Sealing { field: Field::PHONE.code(), record: &[], value: b"0312345678" };
    let len = write(&sealing, &mut value).unwrap();
    let act = SessionAct::Tokenize { owner, erasable: false, values: &value[..len] };
    let token = bench.in_session(&shop, &act, false).unwrap().0;
    let token = TokenBuf::new(&Token::from_bytes(&token).unwrap());
    let asked = Asked { field: Field::PHONE.code(), record: &[], token: token.as_token().as_bytes() };
    let opening = Opening { purpose: 0, masked: false, grant: &[], address_field: 0, address: &[] };
    let detokenize = SessionAct::Detokenize { opening, item: asked };
    assert_eq!(bench.in_session(&caller, &detokenize, false).unwrap().0, b"0312345678");
    assert!(bench.in_session(&caller, &detokenize, true).is_none());
    let mut items = [0; 256];
    let len = write(&asked, &mut items).unwrap();
    let reveal = SessionAct::Reveal { opening, items: &items[..len] };
    let (mut reply, proof) = bench.in_session(&caller, &reveal, false).unwrap();
    let items = [Item::of(token.as_token())];
    assert_eq!(reply.len(), reply_len(&items));
    let opened = unreported(|| caller.key.open_reply(&caller.credential, Some(&proof), &items, &mut reply).is_ok());
    assert!(opened);
}

/// Power off and on: the roots are opened, and the trail goes on.
fn start(_: &mut World) {
    let bench = unreported(Bench::at_work);
    let parts = unreported(|| {
        let Bench { mut appliance, .. } = bench;
        let environment = appliance.environment();
        let store = std::mem::replace(&mut environment.store, PublicStore(MemoryStore::new()));
        Parts { clock: Box::new(|| Some(NOW)) as Clock, rng: RootRng::appliance(), store }
    });
    let mut appliance = Board::new(parts, [CHIP; 32]);
    assert!(appliance.start().is_ok());
}

type Board = Appliance<Parts<Clock, RootRng, PublicStore>, 16, 64>;

/// An appliance and its clients' ends of the line: what travels there is public.
struct Bench {
    appliance: Board,
    clock: Rc<Cell<Time>>,
    rng: RootRng,
}

struct Caller {
    credential: Credential,
    key: SessionKey,
}

impl Bench {
    fn blank() -> Self {
        let clock = Rc::new(Cell::new(NOW));
        let reading = clock.clone();
        let store = PublicStore(MemoryStore::new());
        let parts = Parts { clock: Box::new(move || Some(reading.get())) as Clock, rng: RootRng::appliance(), store };
        let mut bench = Self { appliance: Board::new(parts, [CHIP; 32]), clock, rng: RootRng::client() };
        bench.appliance.start().unwrap();
        bench
    }

    /// With roles and roots.
    fn at_work() -> Self {
        let mut bench = Self::blank();
        let mut officer = bench.log_in(BLANK).unwrap();
        bench.initialise(&mut officer);
        let mut officer = bench.log_in(OFFICER).unwrap();
        bench.act(&mut officer, &OfficerAct::Generate).unwrap();
        // Proofs of the moment of the start are refused.
        bench.clock.set(NOW.plus(5000));
        bench
    }

    /// In a blank one's channel, whose key everybody has: what is secret of the act are the keys alone, and so it is on the line.
    fn initialise(&mut self, officer: &mut RoleChannel) {
        let initialise = OfficerAct::Initialise {
            officer: &marked_key(OFFICER),
            issuer: &marked_key(ISSUER),
            auditor: &marked_key(AUDITOR),
            transport: &marked_key(TRANSPORT),
            audience: b"appliance",
            node: 0,
            max_life: 3_600_000,
        };
        let mut sealed = vec![0; 1024];
        let len = unreported(|| officer.seal_act(&initialise, &mut sealed).unwrap());
        self.send_marked(&Request::Act { sealed: &sealed[..len] }, |_| ());
    }

    /// Somebody whom the log-in service knows.
    fn caller(&mut self, who: Who<'_>, rights: Rights) -> Caller {
        let mut issuer = self.log_in_as(Role::Issuer, ISSUER).unwrap();
        let session_key = marked_key(SESSION);
        let act = IssuerAct::Issue {
            tenant: b"shop",
            who,
            rights: rights.bits(),
            purposes: Purposes::OWN_USE.bits(),
            life: 900_000,
            session_key: &session_key,
        };
        let credential = Credential::from_bytes(&self.act(&mut issuer, &act).unwrap()).unwrap();
        Caller { credential, key: SessionKey::read_secret(&session_key) }
    }

    /// Sends a request, and gives the answer's message. The clients' half is not looked at, but in a channel.
    fn send(&mut self, request: &Request<'_>) -> Vec<u8> {
        self.send_marked(request, publish_all)
    }

    fn send_marked(&mut self, request: &Request<'_>, publish_message: fn(&[u8])) -> Vec<u8> {
        let mut frame = vec![0; 4096];
        let len = unreported(|| {
            let start = room_before(frame.len());
            let len = write(request, &mut frame[start..]).unwrap();
            publish_message(&frame[start..start + len]);
            seal_frame(&mut frame, 1, start, len).unwrap()
        });
        let mut out = vec![0; 4096];
        // The zero byte at the end is the line's.
        let len = self.appliance.handle(&mut frame[..len - 1], &mut out).len();
        publish_all(&out);
        let Received { message, .. } = open_frame(&mut out[..len - 1]).unwrap();
        message.to_vec()
    }

    fn log_in(&mut self, key: u8) -> Option<RoleChannel> {
        self.log_in_as(Role::Officer, key)
    }

    fn log_in_as(&mut self, role: Role, key: u8) -> Option<RoleChannel> {
        let challenge = self.send(&Request::Challenge);
        let Ok(Response::Challenge(challenge)) = read(&challenge) else { panic!("no challenge") };
        let (request, channel) = RoleKey::new(if key == BLANK { RoleKey::BLANK } else { marked_key(key) })
            .log_in(role, &challenge, &mut self.rng)
            .unwrap();
        let answer = self.send(&request);
        matches!(read(&answer), Ok(Response::Done)).then_some(channel)
    }

    /// What the appliance answers to an act, or nothing where that is a fault.
    fn act<T: serde::Serialize>(&mut self, channel: &mut RoleChannel, act: &T) -> Option<Vec<u8>> {
        let mut sealed = vec![0; 1024];
        let len = unreported(|| channel.seal_act(act, &mut sealed).unwrap());
        publish_all(&sealed);
        let answer = self.send(&Request::Act { sealed: &sealed[..len] });
        let Ok(Response::Act(answer)) = read(&answer) else { panic!("no answer in the channel") };
        let mut answer = answer.to_vec();
        let answer = channel.open_answer(&mut answer).unwrap();
        publish_all(answer);
        bytes(answer)
    }

    /// The same of an act in a session, with the proof that was sent for it or a wrong one.
    fn in_session(&mut self, caller: &Caller, act: &SessionAct<'_>, wrong: bool) -> Option<(Vec<u8>, Proof)> {
        let mut written = vec![0; 1024];
        let len = write(act, &mut written).unwrap();
        let act = &written[..len];
        let now = self.clock.get();
        let proof = unreported(|| caller.key.prove(&caller.credential, &[CONTEXT, act], now, &mut self.rng).unwrap());
        let mut proof = proof.to_bytes();
        publish(&proof);
        proof[Proof::LEN - 1] ^= u8::from(wrong);
        let credential = caller.credential.as_bytes();
        let answer = self.send(&Request::InSession { credential, proof: &proof, challenged: false, act });
        bytes(&answer).map(|bytes| (bytes, Proof::from_bytes(&proof).unwrap()))
    }
}

fn bytes(answer: &[u8]) -> Option<Vec<u8>> {
    match read(answer).unwrap() {
        Response::Bytes(bytes) => Some(bytes.to_vec()),
        Response::Done | Response::Epoch(_) => Some(Vec::new()),
        _ => None,
    }
}

/// A generator of which only roots are marked. Salts, nonces and challenges are public, and a role's client draws nothing else.
struct RootRng {
    rng: SecretRng,
    keys: u32,
    /// Whether so many-th key that it gives is a root.
    is_root: fn(u32) -> bool,
}

impl RootRng {
    /// Of an appliance: the first key makes tags, the third is the trail's.
    fn appliance() -> Self {
        Self { rng: SecretRng::new(12), keys: 0, is_root: |number| !matches!(number, 1 | 3) }
    }

    fn client() -> Self {
        Self { rng: SecretRng::new(14), keys: 0, is_root: |_| false }
    }
}

impl TryRng for RootRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.rng.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.rng.try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.rng.try_fill_bytes(out)?;
        self.keys += u32::from(out.len() == 32);
        if out.len() != 32 || !(self.is_root)(self.keys) {
            publish_all(out);
        }
        Ok(())
    }
}

impl TryCryptoRng for RootRng {}

/// A key whose bytes are all the same, marked.
fn marked_key(byte: u8) -> [u8; 32] {
    let mut key = [byte; 32];
    mark(&mut key);
    key
}

/// Everybody's, and so not marked.
const BLANK: u8 = 0;
const OFFICER: u8 = 1;
const ISSUER: u8 = 2;
const AUDITOR: u8 = 3;
const TRANSPORT: u8 = 4;
const CHIP: u8 = 5;
const SESSION: u8 = 6;
