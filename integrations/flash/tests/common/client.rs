//! An appliance whose store is on the mock, and the client's half of the conversation.

use std::{cell::Cell, rc::Rc};

use symbolon::{
    Credential, Environment, Principal, Purposes, Rights, SealedEntry, SessionKey, Store, Time,
    appliance::{
        Appliance, AuditorAct, CONTEXT, Fault, IssuerAct, OfficerAct, Request, Response, Role, RoleChannel, RoleKey,
        SessionAct, Status, Who, open_frame, read, room_before, seal_frame, write,
    },
};
use symbolon_flash::FlashStore;

use super::{
    TestRng,
    nor::{Line, Nor},
};

pub type Flash = Nor<1024, 4, 1>;
pub type Kept = FlashStore<Flash, 24, 28>;

pub const TENANT: &[u8] = b"shop-17";
pub const OFFICER: [u8; 32] = [1; 32];
pub const ISSUER: [u8; 32] = [2; 32];
pub const AUDITOR: [u8; 32] = [3; 32];
pub const TRANSPORT: [u8; 32] = [4; 32];
pub const DEVICE: [u8; 32] = [5; 32];
pub const WRONG: [u8; 32] = [0x77; 32];

/// The board.
pub struct Board {
    store: Kept,
    time: Rc<Cell<Time>>,
    rng: TestRng,
}

impl Environment for Board {
    type Rng = TestRng;
    type Store = Kept;

    fn now(&mut self) -> Option<Time> {
        Some(self.time.get())
    }

    fn rng(&mut self) -> &mut TestRng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut Kept {
        &mut self.store
    }
}

/// An act of a role.
pub enum RoleAct<'a> {
    Officer(OfficerAct<'a>),
    Issuer(IssuerAct<'a>),
    Auditor(AuditorAct),
}

/// Somebody who logged in.
#[derive(Clone)]
pub struct Caller {
    pub credential: Credential,
    key: [u8; 32],
}

impl Caller {
    pub fn key(&self) -> SessionKey {
        SessionKey::read_secret(&self.key)
    }
}

/// An appliance from when its power comes until it goes.
pub struct Bench {
    pub appliance: Appliance<Board, 8, 32>,
    pub line: Line,
    pub time: Rc<Cell<Time>>,
    rng: TestRng,
    id: u16,
    out: Vec<u8>,
}

impl Bench {
    /// With what is in the chip. It must come up, whatever was going on when the power went.
    pub fn power_on(line: &Line, time: Time, seed: u64) -> Self {
        line.borrow_mut().power_on();
        Self::try_power_on(line, time, seed).expect("it comes up")
    }

    /// The same where the power may go meanwhile.
    pub fn try_power_on(line: &Line, time: Time, seed: u64) -> Option<Self> {
        let store = Kept::open(Nor(line.clone())).ok()?;
        let time = Rc::new(Cell::new(time));
        let board = Board { store, time: time.clone(), rng: TestRng(seed) };
        let mut appliance = Appliance::new(board, DEVICE);
        appliance.start().ok()?;
        let bench =
            Self { appliance, line: line.clone(), time, rng: TestRng(seed ^ 0x5555), id: 0, out: vec![0; 2048] };
        // Proofs of the moment of the start are refused.
        bench.pass(5000);
        Some(bench)
    }

    pub fn restart(&mut self) {
        *self = Self::power_on(&self.line, self.time.get(), self.rng.0);
    }

    pub fn pass(&self, millis: u64) {
        self.time.set(self.time.get().plus(millis));
    }

    /// Sends a request, and gives the message that answers it.
    pub fn send(&mut self, request: &Request<'_>) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let mut buffer = vec![0; 2048];
        let start = room_before(buffer.len());
        let len = write(request, &mut buffer[start..]).unwrap();
        let len = seal_frame(&mut buffer, self.id, start, len).unwrap();
        // Without the zero at the end.
        let sent = self.appliance.handle(&mut buffer[..len - 1], &mut self.out);
        let (zero, frame) = sent.split_last().expect("an answer");
        assert_eq!(*zero, 0);
        let mut frame = frame.to_vec();
        let received = open_frame(&mut frame).expect("a frame");
        assert_eq!(received.id, self.id);
        received.message.to_vec()
    }

    pub fn status(&mut self) -> Status {
        match read(&self.send(&Request::Status)).unwrap() {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn challenge(&mut self) -> [u8; 16] {
        match read(&self.send(&Request::Challenge)).unwrap() {
            Response::Challenge(challenge) => challenge,
            other => panic!("{other:?}"),
        }
    }

    pub fn log_in(&mut self, role: Role, key: [u8; 32]) -> Result<RoleChannel, Fault> {
        let challenge = self.challenge();
        let (request, channel) = RoleKey::new(key).log_in(role, &challenge, &mut self.rng).unwrap();
        bytes_of(&self.send(&request)).map(|_| channel)
    }

    pub fn act(&mut self, channel: &mut RoleChannel, act: &RoleAct<'_>) -> Result<Vec<u8>, Fault> {
        let mut sealed = vec![0; 1024];
        let len = match act {
            RoleAct::Officer(act) => channel.seal_act(act, &mut sealed),
            RoleAct::Issuer(act) => channel.seal_act(act, &mut sealed),
            RoleAct::Auditor(act) => channel.seal_act(act, &mut sealed),
        };
        let answer = self.send(&Request::Act { sealed: &sealed[..len.unwrap()] });
        match read(&answer).unwrap() {
            Response::Act(answer) => {
                let mut answer = answer.to_vec();
                bytes_of(channel.open_answer(&mut answer)?)
            }
            Response::Fault(code) => Err(Fault::from_code(code).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub fn officer(&mut self, act: OfficerAct<'_>) -> Result<Vec<u8>, Fault> {
        let mut channel = self.log_in(Role::Officer, OFFICER)?;
        self.act(&mut channel, &RoleAct::Officer(act))
    }

    pub fn auditor(&mut self, act: AuditorAct) -> Result<Vec<u8>, Fault> {
        let mut channel = self.log_in(Role::Auditor, AUDITOR)?;
        self.act(&mut channel, &RoleAct::Auditor(act))
    }

    /// What an issuer says to log somebody in.
    pub fn issuing<'a>(who: &'a Principal, rights: Rights, purposes: Purposes, key: &'a [u8; 32]) -> RoleAct<'a> {
        RoleAct::Issuer(IssuerAct::Issue {
            tenant: who.tenant(),
            who: who_of(who),
            rights: rights.bits(),
            purposes: purposes.bits(),
            life: 15 * 60_000,
            session_key: key,
        })
    }

    pub fn issue(&mut self, who: &Principal, rights: Rights, purposes: Purposes) -> Caller {
        let mut issuer = self.log_in(Role::Issuer, ISSUER).unwrap();
        let key = self.rng.bytes(32).try_into().unwrap();
        let credential = self.act(&mut issuer, &Self::issuing(who, rights, purposes, &key)).unwrap();
        caller(&credential, key)
    }

    /// An act in a session, with a challenge.
    pub fn in_session(&mut self, caller: &Caller, act: &SessionAct<'_>) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; 1024];
        let len = write(act, &mut bytes).unwrap();
        let (act, challenge) = (&bytes[..len], self.challenge());
        let context: [&[u8]; 3] = [CONTEXT, &challenge, act];
        let now = self.time.get();
        let proof = caller.key().prove(&caller.credential, &context, now, &mut self.rng).unwrap().to_bytes();
        let credential = caller.credential.as_bytes();
        bytes_of(&self.send(&Request::InSession { credential, proof: &proof, challenged: true, act }))
    }

    pub fn store(&mut self) -> &mut Kept {
        self.appliance.environment().store()
    }

    /// The trail as the store has it.
    pub fn entries(&mut self) -> Vec<SealedEntry> {
        let mut all = Vec::new();
        let mut take = |entry: &SealedEntry| {
            all.push(entry.clone());
            true
        };
        self.store().entries(&mut take).expect("readable");
        all
    }

    /// Acknowledges all entries.
    pub fn drain(&mut self) -> Vec<SealedEntry> {
        let all = self.entries();
        if let Some(last) = all.last() {
            self.store().acknowledge(last.sequence()).unwrap();
        }
        all
    }
}

pub fn caller(credential: &[u8], key: [u8; 32]) -> Caller {
    Caller { credential: Credential::from_bytes(credential).unwrap(), key }
}

pub fn who_of(who: &Principal) -> Who<'_> {
    Who { kind: who.kind().code(), subject: who.subject() }
}

/// What a message carries, or the fault.
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
