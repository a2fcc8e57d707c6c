//! Drives the real thing and the model side by side: what both know, commits, releases, restarts.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use symbolon::{
    AuditKey, Config, Credential, Error, Grant, Held, Host, Indexer, Keyring, Limits, Lookup, Plaintext, Principal,
    Proof, Reaction, Receipt, Resealed, SealedReply, Sealer, Session, SessionId, SessionKey, TokenBuf, Vault,
};

use super::{
    Tally, Wrong,
    book::{Book, Signed},
    cast::{self, COUNT, TENANTS},
    ideal::{GrantFacts, TokenFacts},
    ideal::{Ideal, Keys, MINUTE, Place, SECOND, SessionFacts},
    indexes::Indexed,
    medium::{Dial, Dice, Happened, Medium, Surroundings},
};

/// Entries that can be staged, and proofs that are remembered.
pub(super) const STAGED: usize = 32;
pub(super) const PROOFS: usize = 16;

pub(super) type Real = Session<Rc<Vault>>;
pub(super) const AUDIENCE: &[u8] = b"order-pages";
/// The requests that proofs are for.
pub(super) const CONTEXTS: [&[&[u8]]; 2] = [&[b"POST", b"/reveal", b"body"], &[b"GET", b"/orders/7"]];
const START: u64 = 1_800_000_000_000;

/// A vault's keys at one time: of each rotation there is one, and sessions keep to theirs.
pub(super) struct Generation {
    pub(super) vault: Rc<Vault>,
    pub(super) keys: Keys,
}

/// What a client holds.
pub(super) struct Client {
    pub(super) real: Credential,
    pub(super) key: Rc<SessionKey>,
    pub(super) facts: CredentialFacts,
}

#[derive(Clone, Debug)]
pub(super) struct CredentialFacts {
    pub(super) session: SessionFacts,
    pub(super) begins: u64,
    pub(super) first_log_in: u64,
    pub(super) epoch: u16,
    pub(super) needs_proof: bool,
    pub(super) flaw: Flaw,
}

/// What is wrong with a credential from the beginning.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Flaw {
    None,
    OtherAudience,
    Forged,
    Altered,
}

/// A proof that was shown.
pub(super) struct Shown {
    pub(super) real: Proof,
    pub(super) client: usize,
    pub(super) context: usize,
    pub(super) time: u64,
    pub(super) is_right: bool,
}

pub(super) struct OpenSession {
    pub(super) real: Rc<Real>,
    pub(super) facts: SessionFacts,
    pub(super) id: SessionId,
    pub(super) generation: usize,
    pub(super) client: usize,
    pub(super) proof: Option<usize>,
}

impl OpenSession {
    pub(super) const fn signed(&self) -> Signed<'_> {
        Signed { facts: &self.facts, id: self.id }
    }
}

/// What a sealed reply must say to its client.
pub(super) struct Answers {
    pub(super) items: Vec<(usize, Place)>,
    /// View and bytes of what opened.
    pub(super) answers: Vec<Option<(u8, Vec<u8>)>>,
    pub(super) client: usize,
    pub(super) proof: Option<usize>,
}

/// What a sealer is to be used for as soon as it is handed out.
pub(super) struct Sealing {
    pub(super) facts: TokenFacts,
    pub(super) place: Place,
}

/// An outcome that waits for its record, and what it is to be where it is not a refusal.
pub(super) enum Outcome<'b> {
    Value(Held<Plaintext<'b>>, Vec<u8>),
    Reply(Held<SealedReply<'b>>, Box<Answers>),
    Token(Held<Resealed<'b>>, Box<TokenFacts>),
    Session(Held<Real>, Box<(SessionFacts, usize, usize, Option<usize>)>),
    Grant(Held<Grant>, Box<GrantFacts>),
    Sealer(Held<Sealer>, Box<Sealing>),
    Lookup(Held<Lookup>, Box<[Indexed; 2]>),
    Indexer(Held<Indexer>, u32, Box<[Indexed; 2]>),
    Done(Held<()>),
}

pub(super) struct Waiting<'b> {
    pub(super) outcome: Outcome<'b>,
    pub(super) granted: bool,
    pub(super) what: &'static str,
}

pub(super) struct Drive<'b> {
    pub(super) people: [Principal; COUNT],
    pub(super) medium: Medium,
    pub(super) dial: Rc<Dial>,
    pub(super) clock: Rc<Cell<Option<u64>>>,
    /// The true time.
    pub(super) time: u64,
    pub(super) host: Host<Surroundings, STAGED, PROOFS>,
    pub(super) ideal: Ideal,
    pub(super) book: Book,
    pub(super) tally: Tally,
    pub(super) generations: Vec<Generation>,
    pub(super) reaction: Reaction,
    pub(super) operators: bool,
    /// The keyring's secret form.
    pub(super) keyring: Vec<u8>,
    pub(super) tokens: Vec<(TokenBuf, TokenFacts)>,
    pub(super) clients: Vec<Client>,
    pub(super) proofs: Vec<Shown>,
    pub(super) sessions: Vec<OpenSession>,
    pub(super) grants: Vec<(Grant, GrantFacts)>,
    pub(super) waiting: Vec<Waiting<'b>>,
    /// Work space for what is held, of which each outcome gets a piece: for values, and for what may be seen by anybody once it is released.
    pub(super) arenas: [&'b mut [u8]; 2],
    /// The latest time that the host has seen: at least, and at most.
    pub(super) floor: (u64, u64),
    pub(super) committed_floor: u64,
    /// Whether the trail was told that the clock fell behind.
    pub(super) clock_was_back: Told,
    /// The proofs that the replay window holds, and since when.
    pub(super) window: Vec<([u8; 16], u64)>,
    pub(super) window_start: u64,
    pub(super) last_receipt: Option<Receipt>,
    /// Calls since the last commit.
    pub(super) unsettled: u32,
    /// Calls until what fails is mended.
    pub(super) mended_in: u32,
    pub(super) rng: Dice,
    /// Numbers of values, sessions, secrets, grants.
    pub(super) numbers: usize,
    /// What stands for values in blind indexes.
    pub(super) names: BTreeMap<Indexed, [u8; 8]>,
}

impl<'b> Drive<'b> {
    /// A new vault with one root key, its trail and its host. `setup` chooses what its operator may.
    pub(super) fn new(setup: u8, arenas: [&'b mut [u8]; 2], wrong: Option<Wrong>) -> Self {
        let people = cast::people();
        let mut medium = Medium::new(wrong);
        let dial = Dial::new();
        let clock = Rc::new(Cell::new(Some(START)));
        let reaction = match setup % 8 {
            0 => Reaction::StopAll,
            1 | 2 => Reaction::EndSession,
            _ => Reaction::Record,
        };
        let operators = setup & 0x40 != 0;
        let keyring = [&[1, 1][..], &[9; 32], &1_u16.to_le_bytes(), &[4; 32]].concat();
        let keys = Keys { epochs: vec![1], token_floor: 0, credential_floor: 1 };
        let generation = generation(&keyring, keys, reaction, operators);
        let audit = AuditKey::create(&generation.vault, &mut medium, &mut Dice::new(77)).expect("a new trail");
        let _made = medium.happened();
        let book = Book::new(audit, &people, wrong);
        let rng = Dice::with(0, dial.clone());
        let surroundings = Surroundings { clock: clock.clone(), rng, store: medium.clone() };
        let host = Host::open(&generation.vault, surroundings).expect("a new host");
        let mut drive = Self {
            people,
            medium,
            dial,
            clock,
            time: START,
            host,
            ideal: Ideal::new(wrong),
            book,
            tally: Tally::default(),
            generations: vec![generation],
            reaction,
            operators,
            keyring,
            tokens: Vec::new(),
            clients: Vec::new(),
            proofs: Vec::new(),
            sessions: Vec::new(),
            grants: Vec::new(),
            waiting: Vec::new(),
            arenas,
            floor: (START, START),
            committed_floor: START,
            clock_was_back: Told::No,
            window: Vec::new(),
            window_start: START,
            last_receipt: None,
            unsettled: 0,
            mended_in: 0,
            rng: Dice::new(1),
            numbers: 0,
            names: BTreeMap::new(),
        };
        let _started = drive.absorb();
        drive.advance(10 * SECOND);
        drive
    }

    pub(super) fn advance(&mut self, millis: u64) {
        self.time += millis;
        self.clock.set(self.clock.get().map(|now| now + millis));
    }

    /// A piece of the work space, for a value.
    pub(super) fn take(&mut self, len: usize) -> Option<&'b mut [u8]> {
        cut(&mut self.arenas[0], len)
    }

    /// For a token, or a sealed reply.
    pub(super) fn take_public(&mut self, len: usize) -> Option<&'b mut [u8]> {
        cut(&mut self.arenas[1], len)
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    /// The newest keys.
    pub(super) fn newest(&self) -> usize {
        self.generations.len() - 1
    }

    pub(super) fn keys(&self, generation: usize) -> Keys {
        self.generations[generation].keys.clone()
    }

    /// The time as the host sees it, where it sees one.
    pub(super) fn now(&self) -> u64 {
        self.clock.get().unwrap_or(0).max(self.floor.0)
    }

    /// Takes what happened to the store, and reads what became durable.
    pub(super) fn absorb(&mut self) -> Happened {
        let happened = self.medium.happened();
        self.absorb_these(&happened);
        happened
    }

    /// The same of what was taken already.
    pub(super) fn absorb_these(&mut self, happened: &Happened) {
        if happened.commits > 0 {
            self.book.read(&happened.entries, self.ideal.durable.stopped, &mut self.tally);
            self.book.all_is_there(0);
            self.ideal.durable = self.ideal.registry.clone();
            self.committed_floor = self.floor.0;
            self.unsettled = 0;
        }
    }

    /// What the host will do besides at the next commit.
    pub(super) fn before_commit(&mut self) {
        let (room, tight, down) = self.medium.with(|inner| (inner.room(), inner.is_tight, inner.down || inner.dead));
        self.book.own.tight |= room.min(STAGED) < self.book.waiting() + SLACK;
        if !tight && !down {
            // The rows of sessions that an alarm ended.
            self.ideal.registry.logged_out.append(&mut self.ideal.ended);
        }
    }

    /// Commits all that is staged, and releases what waited for it.
    pub(super) fn commit(&mut self, generation: usize) -> bool {
        self.before_commit();
        let result = self.host.commit(&self.generations[generation].vault);
        let happened = self.absorb();
        match result {
            Ok(receipt) => {
                assert_eq!((happened.commits, happened.failed_commits), (1, 0), "committed, says the host");
                self.last_receipt = Some(receipt);
                for waiting in std::mem::take(&mut self.waiting) {
                    self.release(waiting, &receipt, true);
                }
                true
            }
            Err(error) => {
                assert_eq!(error, Error::Unavailable, "a commit that failed");
                assert!(happened.failed_commits > 0 || self.is_dead(), "the store is well, and a commit failed");
                self.tally.outcome("commit failed");
                if self.is_dead() {
                    self.restart(false);
                }
                false
            }
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.medium.with(|inner| inner.dead)
    }

    /// The power goes, and comes back: what was not committed is forgotten, by the host and by the model.
    pub(super) fn restart(&mut self, keeps_sessions: bool) {
        self.tally.outcome("restart");
        self.ideal.forget();
        self.book.forget();
        self.dial.restart();
        self.unsettled = 0;
        self.last_receipt = None;
        let lost = std::mem::take(&mut self.waiting);
        if !keeps_sessions {
            self.sessions.clear();
        }
        if !self.reopen() {
            self.medium.mend();
            self.medium.drain(usize::MAX);
            self.time = self.time.max(self.medium.kept_floor());
            self.clock.set(Some(self.time));
            assert!(self.reopen(), "all is well, and the host doesn't open");
        }
        // What was held before is never released, whatever is committed now.
        if !lost.is_empty() && self.commit(self.newest()) {
            let receipt = self.last_receipt.expect("just made");
            for waiting in lost {
                self.release(waiting, &receipt, false);
            }
        }
    }

    fn reopen(&mut self) -> bool {
        self.number();
        let kept = self.medium.kept_floor();
        assert!(kept <= self.floor.1, "a time that nobody has seen is kept");
        assert!(kept + MINUTE >= self.committed_floor, "the clock's floor is more than a minute behind");
        let clock = self.clock.get();
        let may_open = clock.is_some_and(|now| now + 2 * SECOND >= kept)
            && self.medium.with(|inner| inner.room() > 0 && !inner.down && !inner.dead);
        let rng = Dice::with(self.numbers as u64, self.dial.clone());
        let surroundings = Surroundings { clock: self.clock.clone(), rng, store: self.medium.clone() };
        let opened = Host::open(&self.generations[self.newest()].vault, surroundings);
        self.floor = (clock.unwrap_or(0).max(kept), clock.unwrap_or(0).max(kept));
        let happened = self.absorb();
        match opened {
            Ok(host) => {
                assert!(may_open, "the host opens without clock, store or room");
                assert_eq!(happened.entries.len(), 1, "a start has one entry");
                self.host = host;
                self.window.clear();
                self.window_start = self.floor.0;
                self.clock_was_back = Told::No;
                true
            }
            Err(error) => {
                assert_eq!(error, Error::Unavailable, "a host that doesn't open");
                assert!(!may_open || happened.failed_commits > 0 || self.is_dead(), "nothing is wrong, and no host");
                self.tally.outcome("start failed");
                false
            }
        }
    }

    /// Holds an outcome until the next commit, or releases it in vain before.
    pub(super) fn hold(&mut self, outcome: Outcome<'b>, granted: bool, what: &'static str) {
        self.waiting.push(Waiting { outcome, granted, what });
        self.unsettled += 1;
    }
}

/// The newest epoch but one, where there is one.
pub(super) fn usual_floor(epochs: &[u16]) -> u16 {
    epochs[epochs.len().saturating_sub(2)]
}

/// A vault with these keys.
pub(super) fn generation(keyring: &[u8], keys: Keys, reaction: Reaction, operators: bool) -> Generation {
    let keyring = Keyring::read_secret(keyring).expect("a keyring");
    let config = Config {
        token_floor: keys.token_floor,
        credential_floor: Some(keys.credential_floor).filter(|floor| *floor != usual_floor(&keys.epochs)),
        limits: Limits { canary: reaction, ..Limits::NONE },
        operators: operators.then_some(TENANTS[0].as_bytes()),
        ..Config::new(AUDIENCE)
    };
    Generation { vault: Rc::new(Vault::new(keyring, &config).expect("a vault")), keys }
}

/// Entries that the host may stage by itself between two commits, at most.
pub(super) const SLACK: usize = 6;

/// What the surroundings let a call do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) room: Room,
    /// The clock can't, or there is no place for a row.
    other: bool,
    clock_back: bool,
    /// The store can't be read, but for what is staged.
    down: bool,
}

/// Whether the trail was told that the clock fell behind, since it did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Told {
    No,
    Perhaps,
    Yes,
}

/// Whether the entries of a call find room.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Room {
    Fits,
    May,
    Full,
}

impl Weather {
    /// The call must be answered.
    pub(super) fn is_fair(&self) -> bool {
        self.room == Room::Fits && !self.other && !self.down
    }
}

impl Drive<'_> {
    /// Looks at clock, store and trail before a call with so many entries.
    pub(super) fn weather(&self, entries: usize) -> Weather {
        let (room, down) = self.medium.with(|inner| {
            inner.happened.failed_reads = 0;
            (inner.room().min(STAGED), inner.down || inner.dead)
        });
        let free = room.saturating_sub(self.book.waiting());
        let room = match free {
            free if free < entries => Room::Full,
            free if free < entries + SLACK => Room::May,
            _ => Room::Fits,
        };
        let now = self.clock.get();
        let clock_back = now.is_some_and(|now| now + 2 * SECOND < self.floor.0);
        Weather { room, other: clock_back || now.is_none(), clock_back, down }
    }

    /// The store has no place for a row that the call would add: then it is *unavailable* in any case.
    pub(super) fn close_if(&mut self, weather: &mut Weather, no_place: bool) {
        if no_place && !std::mem::replace(&mut weather.other, true) {
            self.tally.outcome("no place for a row");
        }
    }

    /// The call committed by itself, or tried to.
    pub(super) fn was_committed(&self) -> bool {
        self.medium.with(|inner| inner.happened.commits + inner.happened.failed_commits) > 0
    }

    /// Compares with what came of it, and keeps what the host has seen. `answered`: it was not *unavailable*.
    pub(super) fn met(&mut self, weather: Weather, answered: bool) {
        let sees = self.clock.get().filter(|_| !weather.clock_back).map_or(0, |now| now.max(self.floor.0));
        if answered {
            let reads = weather.down && self.medium.with(|inner| inner.happened.failed_reads) > 0;
            assert!(
                weather.room != Room::Full && !weather.other && !reads,
                "answered although nothing can: {weather:?}"
            );
        } else {
            let only_down = weather.down && weather.room == Room::Fits && !weather.other;
            let reads = !only_down || self.medium.with(|inner| inner.happened.failed_reads) > 0;
            assert!(!weather.is_fair() && reads, "unavailable although nothing is wrong: {weather:?}");
            self.tally.outcome("unavailable");
        }
        // Some calls read before they look at the clock.
        let looked = weather.room == Room::Fits && !weather.down || answered;
        self.floor = (self.floor.0.max(if looked { sees } else { 0 }), self.floor.1.max(sees));
        if weather.room != Room::Fits && !answered {
            let own = &mut self.book.own;
            own.unrecorded.1 += 1;
            own.unrecorded.0 += u32::from(!weather.other && !weather.down);
        }
        let (least, most) = &mut self.book.own.clock_back;
        match (weather.clock_back, looked, self.clock_was_back) {
            (false, true, _) if sees > 0 => self.clock_was_back = Told::No,
            (false, ..) => self.may_have_looked(),
            (true, true, Told::No) => {
                (*least, *most) = (*least + 1, *most + 1);
                self.clock_was_back = Told::Yes;
                self.tally.outcome("clock back");
            }
            (true, _, Told::Yes) => {}
            (true, ..) => {
                *most += 1;
                self.clock_was_back = if looked { Told::Yes } else { Told::Perhaps };
            }
        }
    }

    /// The host may have seen the time, or not.
    pub(super) fn may_have_looked(&mut self) {
        let Some(now) = self.clock.get() else { return };
        self.floor.1 = self.floor.1.max(now);
        if now + 2 * SECOND >= self.floor.0 && self.clock_was_back == Told::Yes {
            self.clock_was_back = Told::Perhaps;
        }
    }

    /// A request that was refused for its size before anything else was looked at.
    pub(super) fn met_no_room(&mut self, weather: Weather) {
        assert_ne!(weather.room, Room::Fits, "no room although there is");
        let (least, most) = self.book.own.unrecorded;
        self.book.own.unrecorded = (least + 1, most + 1);
        self.tally.outcome("unavailable");
    }

    /// Where the clock or the trail can't do their part, the call is made anyhow, and must be *unavailable*; so is one that draws bad
    /// numbers *failed*. True where it was answered, and what it says counts.
    pub(super) fn answered<T>(&mut self, weather: Weather, result: &Result<T, Error>, bad_before: u32) -> bool {
        match result {
            Err(Error::RngFailed) => {
                assert!(self.dial.bad.get() > bad_before, "good numbers, and the generator failed");
                self.tally.outcome("random numbers failed");
                // Some calls look at the clock first, some draw first.
                self.may_have_looked();
                false
            }
            Err(Error::Unavailable) => {
                self.met(weather, false);
                false
            }
            _ => {
                assert_eq!(self.dial.bad.get(), bad_before, "bad numbers were used");
                self.met(weather, true);
                true
            }
        }
    }
}

fn cut<'b>(arena: &mut &'b mut [u8], len: usize) -> Option<&'b mut [u8]> {
    let (piece, rest) = std::mem::take(arena).split_at_mut_checked(len)?;
    *arena = rest;
    Some(piece)
}

/// One of so many, by a byte.
pub(super) fn pick(byte: u8, len: usize) -> usize {
    usize::from(byte) % len.max(1)
}
