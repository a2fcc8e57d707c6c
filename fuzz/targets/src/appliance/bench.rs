//! An appliance, and its clients' half of the conversation.

use std::{cell::Cell, rc::Rc};

use symbolon::{
    Credential, MemoryStore, Rights, SessionKey, Time, Token,
    appliance::{
        Appliance, CONTEXT, Fault, FrameReader, Granting, IssuerAct, OfficerAct, Request, Response, Role, RoleChannel,
        RoleKey, SessionAct, Who, read,
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

impl Caller {
    fn person(self) -> Person {
        let (kind, subject) = match self {
            Self::Alice => (1, "alice"),
            Self::Bob => (1, "bob"),
            Self::Shop => (3, "shop"),
        };
        (kind, subject.into())
    }
}

/// Kind and subject.
type Person = (u8, Vec<u8>);

fn person(who: Who<'_>) -> Person {
    (who.kind, who.subject.to_vec())
}

/// A token that came, and whose it is.
#[derive(Clone)]
pub(super) struct Made {
    owner: Person,
    pub(super) bytes: Vec<u8>,
    holds_her_value: bool,
}

/// A grant that came, and was not revoked.
#[derive(Clone)]
struct Given {
    owner: Person,
    grantee: Person,
    shows_values: bool,
    expires: u64,
    bytes: Vec<u8>,
}

/// A request that was sent.
struct Sent {
    frame: Vec<u8>,
    /// Whose it is, and the act, where it has a credential.
    asked: Option<(Caller, Vec<u8>)>,
    challenged: bool,
    /// Its proof is good for nothing any more.
    is_used: bool,
}

/// What came of requests, to be used in others.
#[derive(Clone, Default)]
pub(super) struct Pool {
    pub(super) tokens: Vec<Made>,
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
    sent: Vec<Sent>,
    given: Vec<Given>,
    logged_out: Vec<Caller>,
    erased: Vec<Person>,
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
            given: Vec::new(),
            logged_out: Vec::new(),
            erased: Vec::new(),
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
        drop(bench.in_session(Caller::Shop, &SessionAct::Tokenize { owner, erasable: false, values: &sealing }, false));
        assert_eq!(bench.pool.tokens.len(), 3);
        bench
    }

    /// Sends bytes as they are; each frame in them gets one answer, which is well-formed, and has not her value.
    pub(super) fn send_bytes(&mut self, bytes: &[u8]) {
        assert!(!self.answers(bytes).iter().any(|answer| shows_her_value(answer)), "her value, and nobody asked");
    }

    fn answers(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
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
        self.send_as(request, None)
    }

    /// The same, which is an act of somebody who has a credential.
    fn send_as(&mut self, request: &Request<'_>, asked: Option<(Caller, Vec<u8>)>) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let frame = crate::frames::sealed(self.id, &written(request));
        let challenged = matches!(request, Request::InSession { challenged: true, .. });
        self.sent.push(Sent { frame: frame.clone(), asked, challenged, is_used: false });
        // Whatever was begun before ends here, and has its own answer.
        self.send_bytes(&[0]);
        let mut answers = self.answers(&frame);
        assert_eq!(answers.len(), 1, "one answer to one request");
        let answer = answers.remove(0);
        self.judge(self.sent.len() - 1, &answer);
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
    pub(super) fn in_session(&mut self, caller: Caller, act: &SessionAct<'_>, challenged: bool) -> Vec<u8> {
        let Some(at) = self.credentials.iter().position(|(known, ..)| *known == caller) else {
            let (credential, proof) = (&[17; 150], &[1; 40]);
            return self.send(&Request::InSession { credential, proof, challenged, act: &written(act) });
        };
        if challenged {
            self.fresh_challenge();
        }
        let bytes = written(act);
        let (_, credential, key) = &self.credentials[at];
        let context: &[&[u8]] = if challenged { &[CONTEXT, &self.challenge, &bytes] } else { &[CONTEXT, &bytes] };
        let proof = key.prove(credential, context, self.clock.get(), &mut self.rng).expect("a proof").to_bytes();
        let credential = credential.as_bytes().to_vec();
        let request = Request::InSession { credential: &credential, proof: &proof, challenged, act: &bytes };
        self.send_as(&request, Some((caller, bytes.clone())))
    }

    /// What was answered to a request, the first time or again, may be answered to it.
    fn judge(&mut self, at: usize, answer: &[u8]) {
        let Sent { frame, asked, challenged, is_used } = &self.sent[at];
        let (challenged, is_used) = (*challenged, *is_used);
        let response: Response<'_> = read(answer).expect("a response");
        if frame.len() > LONGEST {
            assert_eq!(response, Response::Fault(Fault::TooLong.code()));
            return;
        }
        let Some((caller, bytes)) = asked.clone() else {
            assert!(!shows_her_value(answer), "her value, and nobody asked");
            return;
        };
        let act: SessionAct<'_> = read(&bytes).expect("its own act");
        assert!(!shows_her_value(answer) || !is_used && self.may_see(caller, &act), "her value, unasked");
        if is_used || self.is_refused(caller, &act) {
            self.says_no_more(answer, challenged);
        }
        let is_done = !matches!(response, Response::Fault(_));
        // A challenge is used up, whatever became of the request.
        self.sent[at].is_used |= is_done || challenged;
        if is_done {
            self.learn(caller, &act, response);
        }
    }

    /// Whether this opening may show her value: of a token that its owner opens, or the holder of a grant that counts.
    fn may_see(&self, caller: Caller, act: &SessionAct<'_>) -> bool {
        let SessionAct::Detokenize { opening, item } = act else { return false };
        let Some(token) = self.made(item.token).filter(|token| token.holds_her_value) else { return false };
        let by_owner = opening.grant.is_empty() && token.owner == caller.person();
        let under_grant = self.given.iter().any(|given| {
            given.bytes == opening.grant
                && given.owner == token.owner
                && given.grantee == caller.person()
                && given.shows_values
                && self.clock.get().as_millis() < given.expires
        });
        !opening.masked && !self.erased.contains(&token.owner) && (by_owner || under_grant)
    }

    /// Whether the bench knows a reason why this is denied. Of what is of a wrong form it knows none.
    fn is_refused(&self, caller: Caller, act: &SessionAct<'_>) -> bool {
        let is_person = caller != Caller::Shop;
        let is_anothers = |owner: &Who<'_>| {
            let exists = (1..=3).contains(&owner.kind) && (1..=64).contains(&owner.subject.len());
            exists && person(*owner) != caller.person()
        };
        self.logged_out.contains(&caller)
            || match act {
                SessionAct::Detokenize { opening, item } | SessionAct::Rewrap { opening, item } => {
                    let is_plain = opening.purpose < 10 && opening.grant.is_empty() && opening.address_field == 0;
                    let token = self.made(item.token).filter(|token| odd::asked_as_made(&token.bytes) == *item);
                    let refused = |token: &Made| token.owner != caller.person() || self.erased.contains(&token.owner);
                    is_plain && opening.address.is_empty() && token.is_some_and(refused)
                }
                SessionAct::Erase { owner } | SessionAct::RevokeAll { owner } => is_person && is_anothers(owner),
                SessionAct::Stop | SessionAct::Release => is_person,
                _ => false,
            }
    }

    /// Every refusal is the same, whatever the reason. Otherwise the appliance can do nothing for anybody.
    fn says_no_more(&mut self, answer: &[u8], challenged: bool) {
        if answer == [0, Fault::Denied.code()] {
            return;
        }
        let Ok(Response::Status(status)) = read(&self.send(&Request::Status)) else { panic!("no status") };
        match read(answer) {
            Ok(Response::Fault(code)) if code == Fault::Stage.code() => assert_ne!(status.stage, 2),
            // A trail that is full; or no place for the proof, which challenged ones don't take.
            Ok(Response::Fault(code)) if code == Fault::Unavailable.code() => assert!(status.room < 8 || !challenged),
            _ => panic!("not refused as everything is: {answer:?}"),
        }
    }

    fn made(&self, token: &[u8]) -> Option<&Made> {
        self.pool.tokens.iter().find(|made| made.bytes == token)
    }

    /// Something was done.
    fn learn(&mut self, caller: Caller, act: &SessionAct<'_>, response: Response<'_>) {
        let bytes = if let Response::Bytes(bytes) = response { bytes } else { &[] };
        match act {
            SessionAct::Grant { terms } => self.learn_grant(caller.person(), terms, bytes),
            SessionAct::GrantFor { owner, terms, .. } => self.learn_grant(person(*owner), terms, bytes),
            SessionAct::Revoke { grant } => self.given.retain(|given| given.bytes != *grant),
            SessionAct::RevokeAll { owner } => self.given.retain(|given| given.owner != person(*owner)),
            SessionAct::Erase { owner } => self.erased.push(person(*owner)),
            SessionAct::LogOut => self.logged_out.push(caller),
            SessionAct::Tokenize { owner, values, .. } => {
                let holds_her_value = shows_her_value(values);
                self.learn_tokens(&person(*owner), holds_her_value, bytes);
            }
            SessionAct::Rewrap { item, .. } => {
                let Made { owner, holds_her_value, .. } = self.made(item.token).expect("one that came").clone();
                self.learn_tokens(&owner, holds_her_value, bytes);
            }
            _ => {}
        }
    }

    fn learn_grant(&mut self, owner: Person, terms: &Granting<'_>, bytes: &[u8]) {
        self.pool.grants.push(bytes.to_vec());
        let (grantee, shows_values) = (person(terms.grantee), terms.view == 1);
        self.given.push(Given { owner, grantee, shows_values, expires: terms.expires, bytes: bytes.to_vec() });
    }

    fn learn_tokens(&mut self, owner: &Person, holds_her_value: bool, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let len = (1..=bytes.len()).find(|len| Token::from_bytes(&bytes[..*len]).is_ok());
            let (token, rest) = bytes.split_at(len.expect("tokens, one behind the other"));
            self.pool.tokens.push(Made { owner: owner.clone(), bytes: token.to_vec(), holds_her_value });
            bytes = rest;
        }
        self.pool.asked = odd::asked_for(&self.pool.tokens);
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

    /// A frame that was sent before, so many ago: half of them with one byte changed.
    pub(super) fn repeat(&mut self, ago: u8, change: u16) {
        if self.sent.is_empty() {
            return;
        }
        let at = self.sent.len() - 1 - usize::from(ago) % self.sent.len();
        let mut frame = self.sent[at].frame.clone();
        let [bits, place] = change.to_le_bytes();
        if bits >= 128 {
            let place = usize::from(place) % frame.len();
            frame[place] ^= bits;
            self.send_bytes(&frame);
            return;
        }
        self.send_bytes(&[0]);
        let answers = self.answers(&frame);
        answers.iter().for_each(|answer| self.judge(at, answer));
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

fn shows_her_value(bytes: &[u8]) -> bool {
    bytes.windows(ALICE_VALUE.len()).any(|part| part == ALICE_VALUE)
}

/// The longest frame that there is room for, with its end.
const LONGEST: usize = 1537;

/// The id that the answer must have.
fn id_of(frame: &[u8]) -> u16 {
    match symbolon::appliance::open_frame(&mut frame.to_vec()) {
        Ok(received) => received.id,
        Err((id, _)) => id,
    }
}

#[cfg(test)]
mod tests {
    use symbolon::appliance::Opening;

    use super::*;

    const DENIED: [u8; 2] = [0, 1];

    /// Every check of a conversation is come upon, and what it asks for is what comes.
    #[test]
    fn her_value_goes_to_her_and_her_grantee() {
        let mut bench = Bench::ready();
        let token = bench.pool.tokens[0].bytes.clone();
        let item = odd::asked_as_made(&token);
        let asks = |bench: &mut Bench, caller, grant: &[u8], masked| {
            let opening = Opening { purpose: 0, masked, grant, address_field: 0, address: b"" };
            bench.in_session(caller, &SessionAct::Detokenize { opening, item }, true)
        };
        assert!(shows_her_value(&asks(&mut bench, Caller::Alice, b"", false)));
        bench.repeat(0, 0);
        assert!(!shows_her_value(&asks(&mut bench, Caller::Alice, b"", true)));
        assert_eq!(asks(&mut bench, Caller::Bob, b"", false), DENIED);
        assert_eq!(bench.in_session(Caller::Bob, &SessionAct::Stop, true), DENIED);

        let grantee = Who { kind: 1, subject: b"bob" };
        let expires = NOW.plus(900_000).as_millis();
        let (fields, record, not_before) = (&[1, 0][..], &b""[..], NOW.as_millis());
        let terms = Granting { grantee, fields, purpose: 0, view: 1, record, not_before, expires, uses: 0 };
        bench.in_session(Caller::Alice, &SessionAct::Grant { terms }, true);
        let grant = bench.pool.grants[0].clone();
        assert!(shows_her_value(&asks(&mut bench, Caller::Bob, &grant, false)));
        assert_eq!(asks(&mut bench, Caller::Shop, &grant, false), DENIED);
        bench.in_session(Caller::Alice, &SessionAct::Revoke { grant: &grant }, true);
        assert!(bench.given.is_empty());
        assert_eq!(asks(&mut bench, Caller::Bob, &grant, false), DENIED);

        bench.in_session(Caller::Alice, &SessionAct::LogOut, true);
        assert_eq!(bench.in_session(Caller::Alice, &SessionAct::Authenticate, true), DENIED);
        bench.goes_on();
    }

    /// A proof that was taken once, with a challenge or without, is as good as none.
    #[test]
    fn nothing_is_done_twice() {
        for challenged in [false, true] {
            let mut bench = Bench::ready();
            bench.in_session(Caller::Alice, &SessionAct::Authenticate, challenged);
            assert!(bench.sent.last().is_some_and(|sent| sent.is_used));
            bench.repeat(0, 0);
        }
    }
}
