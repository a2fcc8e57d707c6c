//! The alarm against a model: bursts of openings and refusals, canaries and refused log-ins, under any limits, as time goes on.

mod ideal;

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use symbolon::{
    Access, Alarm, Credential, Error, Field, Item, Limit, Limits, MemoryStore, Principal, Reaction, Reason, Rights,
    Store, Token, TokenBuf,
};

use crate::world::{Client, NOW, TENANT, World, alice, bob, carrier};
use ideal::{Caller, Ideal, Raised};

/// What opens, what is refused, which alarms there are and what they do is what the model says, to the millisecond.
pub fn run(data: &[u8]) {
    let _tally = run_against(data, None);
}

/// The same against a model that is wrong in one thing: the negative control. And which alarms there were.
pub fn run_against(data: &[u8], wrong: Option<Wrong>) -> Tally {
    let mut data = Unstructured::new(data);
    let limits = limits(&mut data);
    let mut watched = Watched::new(limits, wrong);
    for _ in 0..OPERATIONS {
        if data.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut data) else { break };
        watched.act(operation);
        assert_eq!(watched.world.host.is_stopped(), watched.ideal.stopped, "stopped, after {operation:?}");
    }
    watched.take_alarms();
    watched.tally
}

/// How many alarms there were, by their cause's code and the reaction.
pub type Tally = BTreeMap<(u8, Reaction), u32>;

const OPERATIONS: usize = 48;

/// One thing that is wrong with the model, each of which must be noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Wrong {
    NothingIsForgotten,
    NothingFlowsOver,
    EachIsNews,
    OneAnEntry,
    OneMakesAllTheNoise,
    LimitIgnored,
    NothingStops,
    ReleaseForgetsNothing,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NothingIsForgotten,
        Self::NothingFlowsOver,
        Self::EachIsNews,
        Self::OneAnEntry,
        Self::OneMakesAllTheNoise,
        Self::LimitIgnored,
        Self::NothingStops,
        Self::ReleaseForgetsNothing,
    ];
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    /// So many tokens in one session, each answered by itself or all together.
    Present {
        who: u8,
        what: u8,
        count: u8,
        together: bool,
    },
    LogInAltered {
        who: u8,
    },
    TimePasses {
        how: u8,
    },
    TakeAlarms,
    Switch {
        stop: bool,
    },
}

/// What a token is to the one who presents it.
const REASONS: [Reason; 5] =
    [Reason::Done, Reason::DoesNotOpen, Reason::WrongField, Reason::ForeignToken, Reason::Canary];

/// Eight limits and a reaction. Different tokens are estimated, so they have none here.
fn limits(data: &mut Unstructured<'_>) -> Limits {
    let reaction = |byte: u8| [Reaction::Record, Reaction::EndSession, Reaction::StopAll][usize::from(byte % 3)];
    let mut next = || {
        let byte = u8::arbitrary(data).unwrap_or_default();
        let (burst, per_minute) = (usize::from(byte % 8), usize::from(byte / 8 % 4));
        let limit = Limit::new([u32::MAX, 0, 1, 2, 3, 5, 9, 30][burst], [0, 1, 30, 600][per_minute]);
        limit.then(reaction(byte / 32))
    };
    let openings = [next(), next(), next()];
    let refusals = [next(), next(), next()];
    let (all_refusals, log_ins) = (next(), next());
    let canary = reaction(u8::arbitrary(data).unwrap_or_default());
    Limits { openings, refusals, all_refusals, log_ins, canary, ..Limits::NONE }
}

/// Rows for all who are logged out by an alarm.
type Memory = MemoryStore<96, 96>;

/// Both sides.
struct Watched {
    world: World<Memory>,
    ideal: Ideal,
    people: [Principal; 4],
    clients: Vec<Client>,
    /// Each of them's own, and at the end another tenant's.
    tokens: Vec<TokenBuf>,
    canary: TokenBuf,
    operator: Principal,
    now: u64,
    tally: Tally,
}

impl Watched {
    fn new(limits: Limits, wrong: Option<Wrong>) -> Self {
        let mut world = World::watched(limits, Memory::new());
        let staff = |name: &str| Principal::staff(TENANT, name).expect("a principal");
        let people = [alice(), bob(), staff("carol"), carrier()];
        let elsewhere = Principal::person("shop-18", "alice").expect("a principal");
        let owners = people.iter().chain([&elsewhere]);
        let tokens: Vec<_> = owners.map(|owner| world.token(owner, Field::EMAIL, b"alice@example.com")).collect();
        let mut out = [0; Token::MAX_LEN];
        let mut rng = symbolon::CheckedRng::new(world.rng.clone());
        let canary = world.vault.canary(TENANT, &tokens[0].as_token(), b"export 7", &mut out, &mut rng);
        let canary = TokenBuf::new(&canary.expect("a canary"));
        let clients = people.iter().map(|who| world.log_in_as_bearer(who, Rights::OWN)).collect();
        let (ideal, now) = (Ideal::new(limits, wrong), NOW.as_millis());
        let operator = staff("dave");
        Self { world, ideal, people, clients, tokens, canary, operator, now, tally: Tally::new() }
    }

    fn act(&mut self, operation: Operation) {
        match operation {
            Operation::Present { who, what, count, together } => {
                let (who, what) = (usize::from(who % 4), REASONS[usize::from(what) % REASONS.len()]);
                self.present(who, what, usize::from(1 + count % 8), together);
            }
            Operation::LogInAltered { who } => self.log_in_altered(usize::from(who % 4)),
            Operation::TimePasses { how } => {
                self.now += [1, 499, 1000, 2001, 10_000, 30_000, 59_999, 60_000, 300_000][usize::from(how % 9)];
                self.world.clock.set(symbolon::Time::from_millis(self.now));
            }
            Operation::TakeAlarms => self.take_alarms(),
            Operation::Switch { stop } => self.switch(stop),
        }
        // The trail is taken away as it grows.
        self.world.host.environment().store.acknowledge(u64::MAX).expect("a store");
    }

    fn present(&mut self, who: usize, what: Reason, count: usize, together: bool) {
        let is_over = self.ideal.over.contains(&first8(&self.clients[who]));
        if is_over {
            let no_more = self.clients[who].credential.clone();
            self.is_refused(&no_more);
        }
        if is_over || self.clients[who].credential.expires_unverified().as_millis() <= self.now {
            self.clients[who] = self.world.log_in_as_bearer(&self.people[who], Rights::OWN);
        }
        let World { vault, host, .. } = &mut self.world;
        let session = vault.authenticate_bearer(&self.clients[who].credential, host).expect("a session");
        let by = Caller { who, kind: self.people[who].kind(), session: first8(&self.clients[who]) };
        let token = match what {
            Reason::DoesNotOpen => &self.tokens[(who + 1) % self.people.len()],
            Reason::ForeignToken => self.tokens.last().expect("another tenant's"),
            Reason::Canary => &self.canary,
            _ => &self.tokens[who],
        };
        let field = if what == Reason::WrongField { Field::PHONE } else { Field::EMAIL };
        let item = Item::new(field, token.as_token());
        if !together {
            for _ in 0..count {
                let reason = self.ideal.reason(by, what, self.now);
                let mut work = [0; Token::MAX_OPEN_LEN];
                let opened = session.detokenize(item.slot, &item.token, &mut work, host).map(|_| ());
                assert_eq!(opened, answer(reason), "{reason:?}");
                self.ideal.entry(by, reason, 1, self.now);
            }
            return;
        }
        let mut works = vec![[0; Token::MAX_OPEN_LEN]; count];
        let mut request = session.request(&Access::OWN, count, host).expect("room");
        let (mut foreign, mut held) = (0, Vec::new());
        for work in &mut works {
            let reason = self.ideal.reason(by, what, self.now);
            held.push((request.detokenize_held(&item, work, host).expect("room"), reason));
            foreign += u32::from(reason == Reason::ForeignToken);
            if reason != Reason::ForeignToken || foreign <= FOREIGN {
                self.ideal.entry(by, reason, 1, self.now);
            }
        }
        request.finish(host).expect("room");
        if foreign > FOREIGN {
            self.ideal.entry(by, Reason::ForeignToken, foreign - FOREIGN, self.now);
        }
        let receipt = host.commit(vault).expect("a commit");
        for (held, reason) in held {
            assert_eq!(held.release(&receipt).map(|_| ()), answer(reason), "{reason:?}");
        }
    }

    /// A credential that doesn't count: it was altered, or an alarm ended its session.
    fn is_refused(&mut self, credential: &Credential) {
        let World { vault, host, .. } = &mut self.world;
        assert_eq!(vault.authenticate_bearer(credential, host).map(|_| ()), Err(Error::Denied));
        self.ideal.log_in_refused(self.now);
    }

    fn log_in_altered(&mut self, who: usize) {
        let mut bytes = self.clients[who].credential.as_bytes().to_vec();
        *bytes.last_mut().expect("its tag") ^= 1;
        self.is_refused(&Credential::from_bytes(&bytes).expect("its form is right"));
    }

    /// Stops everything by hand, or lets it go on.
    fn switch(&mut self, stop: bool) {
        let operator = self.world.log_in_as_bearer(&self.operator, Rights::OPERATE);
        let World { vault, host, .. } = &mut self.world;
        let session = vault.authenticate_bearer(&operator.credential, host).expect("a session");
        let held = if stop { session.stop_held(host) } else { session.release_held(host) };
        let receipt = host.commit(vault).expect("a commit");
        assert_eq!(held.expect("room").release(&receipt).err(), None);
        if stop { self.ideal.stopped = true } else { self.ideal.release() }
    }

    /// The host's operator asks what was alarming.
    fn take_alarms(&mut self) {
        let alarms: Vec<Alarm> = std::iter::from_fn(|| self.world.host.next_alarm()).collect();
        let expected: Vec<Alarm> = self.ideal.raised.iter().map(|raised| self.as_told(raised)).collect();
        assert_eq!(alarms, expected);
        for alarm in alarms {
            *self.tally.entry((alarm.cause.code(), alarm.reaction)).or_default() += 1;
        }
        self.ideal.raised.clear();
        self.world.host.commit(&self.world.vault).expect("a commit");
    }

    fn as_told(&self, raised: &Raised) -> Alarm {
        let Raised { cause, time, by, count, reaction } = *raised;
        Alarm {
            cause,
            time: symbolon::Time::from_millis(time),
            caller: by.map_or([0; 16], |by| self.world.audit.tag_of(&self.people[by.who])),
            kind: by.map(|by| by.kind),
            session: by.map_or([0; 8], |by| by.session),
            count,
            reaction,
        }
    }
}

fn answer(reason: Reason) -> Result<(), Error> {
    if reason == Reason::Done { Ok(()) } else { Err(Error::Denied) }
}

/// The beginning of a session's id, by which the trail and alarms name it.
fn first8(client: &Client) -> [u8; 8] {
    *client.credential.session_unverified().as_bytes().first_chunk().expect("16 bytes")
}

/// Foreign tokens of one request that have an entry each.
const FOREIGN: u32 = 4;

/// Pseudo-random ones, which between them meet every alarm.
pub fn seeds() -> Vec<Vec<u8>> {
    use rand_core::TryRng;
    let mut dice = crate::world::Rng(7);
    let input = |number: usize| {
        let mut input = vec![0; 60 + 10 * number];
        dice.try_fill_bytes(&mut input).expect("a good generator");
        input
    };
    (0..12).map(input).collect()
}
