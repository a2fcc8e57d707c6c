//! Counts what an incident's report asks for: how many people, records and fields were shown, and how many refused.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use symbolon::{Attribution, AuditKey, Entry, Event, Principal, Reason, Time};

use super::{
    answer::{Person, at},
    chains::Verification,
    people::{Basis, Names},
    report::{Affected, AlarmSeen, ByCaller, ByField, ByReason, LookUps, Notify, Report, ScopeSaid, Shown, law},
    verifier::Reading,
    words::{self, hex, utc},
};

/// What the report is about: all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// This caller.
    pub caller: Option<Principal>,
    /// The session whose id begins so.
    pub session: Option<[u8; 8]>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

/// Collects the figures. Hand it every [`Reading`] of a verification; then [`test`](Self::test) the people who may be affected, one by one.
///
/// What it holds grows with the different people and tokens within the scope, not with the log.
#[derive(Debug)]
pub struct Incident {
    scope: Scope,
    caller: Option<[u8; 16]>,
    first: Option<Time>,
    last: Option<Time>,
    entries: u64,
    /// Fields and views that were shown, by owner.
    owners: HashMap<[u8; 16], BTreeSet<(u16, u8)>>,
    shown_tokens: HashSet<[u8; 18]>,
    values: u64,
    masks: u64,
    by_field: BTreeMap<(u16, u16, u8), Count>,
    by_reason: BTreeMap<u8, (Reason, Count)>,
    by_caller: BTreeMap<[u8; 16], CallerCount>,
    /// Refused tokens: each once, with one of its entries to test owners with.
    refused: HashMap<[u8; 34], Refused>,
    attempts: u64,
    foreign: u64,
    look_ups: BTreeMap<u16, (u64, u64)>,
    log_ins: (u64, u64),
    alarms: Vec<Reading>,
    notify: Vec<Notify>,
    tested: u64,
    with_keys: bool,
}

#[derive(Debug, Default)]
struct Count {
    times: u64,
    people: HashSet<[u8; 16]>,
    tokens: HashSet<[u8; 18]>,
}

#[derive(Debug, Default)]
struct CallerCount {
    kind: u8,
    shown: u64,
    refused: u64,
    people: HashSet<[u8; 16]>,
    sessions: HashSet<[u8; 8]>,
}

#[derive(Debug)]
struct Refused {
    entry: Entry,
    attempts: u64,
    fields: BTreeSet<u16>,
    has_owner: bool,
}

impl Incident {
    /// Counts within this scope.
    #[must_use]
    pub fn new(scope: Scope, key: &AuditKey) -> Self {
        Self {
            caller: scope.caller.as_ref().map(|caller| key.tag_of(caller)),
            scope,
            first: None,
            last: None,
            entries: 0,
            owners: HashMap::new(),
            shown_tokens: HashSet::new(),
            values: 0,
            masks: 0,
            by_field: BTreeMap::new(),
            by_reason: BTreeMap::new(),
            by_caller: BTreeMap::new(),
            refused: HashMap::new(),
            attempts: 0,
            foreign: 0,
            look_ups: BTreeMap::new(),
            log_ins: (0, 0),
            alarms: Vec::new(),
            notify: Vec::new(),
            tested: 0,
            with_keys: true,
        }
    }

    /// Takes an entry into account, if it is within the scope. Alarms count for the whole window of time, whoever caused them.
    pub fn observe(&mut self, reading: &Reading) {
        let (entry, time) = (&reading.recorded.entry, reading.recorded.time);
        let in_time = self.scope.from.is_none_or(|from| from <= time) && self.scope.to.is_none_or(|to| time < to);
        if !in_time {
            return;
        }
        if entry.event == Event::Alarm {
            self.alarms.push(reading.clone());
            return;
        }
        let by_caller = self.caller.is_none_or(|caller| caller == entry.caller);
        let in_session = self.scope.session.is_none_or(|session| session == entry.session);
        if !(by_caller && in_session) {
            return;
        }
        let counts = match entry.event {
            Event::Detokenize | Event::Reveal if entry.reason == Reason::Done => self.shown(entry),
            Event::Detokenize | Event::Reveal => self.refused(entry),
            Event::Rewrap | Event::Reown if entry.reason != Reason::Done => self.refused(entry),
            Event::ForeignTokens => add(&mut self.foreign, entry.count.into()),
            Event::LookUp => {
                let (done, refused) = self.look_ups.entry(entry.field).or_default();
                add(if entry.reason == Reason::Done { done } else { refused }, 1)
            }
            Event::Authenticate => {
                let (done, refused) = &mut self.log_ins;
                add(if entry.reason == Reason::Done { done } else { refused }, 1)
            }
            _ => false,
        };
        if counts {
            add(&mut self.entries, 1);
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = self.last.max(Some(time));
        }
    }

    fn shown(&mut self, entry: &Entry) -> bool {
        let (owner, token) = (entry.owner_or_commitment, token_of(entry));
        self.owners.entry(owner).or_default().insert((entry.field, entry.view));
        self.shown_tokens.insert(token);
        add(if entry.view == MASK { &mut self.masks } else { &mut self.values }, 1);
        let count = self.by_field.entry((entry.field, entry.purpose, entry.view)).or_default();
        count.people.insert(owner);
        count.tokens.insert(token);
        add(&mut count.times, 1);
        let caller = self.caller(entry);
        caller.people.insert(owner);
        add(&mut caller.shown, 1)
    }

    fn refused(&mut self, entry: &Entry) -> bool {
        let token = token_of(entry);
        let count = self.by_field.entry((entry.field, entry.purpose, REFUSED)).or_default();
        count.tokens.insert(token);
        add(&mut count.times, 1);
        let (_, count) = self.by_reason.entry(entry.reason.code()).or_insert_with(|| (entry.reason, Count::default()));
        count.tokens.insert(token);
        add(&mut count.times, 1);
        let caller = self.caller(entry);
        add(&mut caller.refused, 1);
        let mut key = [0; 34];
        for (slot, byte) in key.iter_mut().zip(token.iter().chain(&entry.owner_or_commitment)) {
            *slot = *byte;
        }
        let new = || Refused { entry: entry.clone(), attempts: 0, fields: BTreeSet::new(), has_owner: false };
        let refused = self.refused.entry(key).or_insert_with(new);
        refused.fields.insert(entry.field);
        add(&mut refused.attempts, 1);
        add(&mut self.attempts, 1)
    }

    fn caller(&mut self, entry: &Entry) -> &mut CallerCount {
        let caller = self.by_caller.entry(entry.caller).or_default();
        caller.kind = entry.caller_kind;
        caller.sessions.insert(entry.session);
        caller
    }

    /// Whether this person is affected: what of hers was shown, and, with an [`Attribution`], what of hers was refused.
    pub fn test(&mut self, person: &Principal, key: &AuditKey, attribution: Option<&Attribution>) {
        let tag = key.tag_of(person);
        add(&mut self.tested, 1);
        self.with_keys &= attribution.is_some();
        let mut affected =
            Notify { person: Person::new(person, &tag), shown: Vec::new(), refused: Vec::new(), refused_attempts: 0 };
        for (field, view) in self.owners.get(&tag).into_iter().flatten() {
            affected.shown.push(Shown { field: words::field(*field), shown: words::view(*view).into() });
        }
        let mut fields = BTreeSet::new();
        // A token has one owner: each is tested until its owner is found.
        for refused in self.refused.values_mut().filter(|refused| !refused.has_owner) {
            if attribution.is_some_and(|keys| keys.was_refused(&refused.entry)) {
                refused.has_owner = true;
                fields.extend(&refused.fields);
                add(&mut affected.refused_attempts, refused.attempts);
            }
        }
        affected.refused = fields.into_iter().map(words::field).collect();
        if !affected.shown.is_empty() || !affected.refused.is_empty() {
            self.notify.push(affected);
        }
    }

    /// The report, once all is observed and everybody tested.
    #[must_use]
    pub fn finish(self, verification: &Verification, names: &Names, now: Time) -> Report {
        let affected = self.affected();
        let law = law(&affected);
        Report {
            format: "symbolon-incident-report",
            version: 1,
            made: utc(now),
            scope: self.scope_said(),
            basis: Basis::of(verification),
            first: self.first.map(utc),
            last: self.last.map(utc),
            affected,
            by_field: self.by_field.iter().map(|(key, count)| by_field(*key, count)).collect(),
            by_reason: self.by_reason.values().map(|(reason, count)| by_reason(*reason, count)).collect(),
            by_caller: self.by_caller.iter().map(|(tag, count)| by_caller(tag, count, names)).collect(),
            look_ups: self
                .look_ups
                .iter()
                .map(|(field, (done, refused))| LookUps { field: words::field(*field), done: *done, refused: *refused })
                .collect(),
            log_ins: self.log_ins.0,
            log_ins_refused: self.log_ins.1,
            alarms: self.alarms.iter().map(|reading| alarm(reading, names)).collect(),
            notify: self.notify,
            law,
        }
    }

    fn affected(&self) -> Affected {
        let found = self.refused.values().filter(|refused| refused.has_owner).count();
        let only_refused = self.notify.iter().filter(|affected| affected.shown.is_empty()).count();
        let tested = self.tested > 0;
        Affected {
            entries: self.entries,
            people_shown: many(self.owners.len()),
            records_shown: many(self.shown_tokens.len()),
            values_shown: self.values,
            masks_shown: self.masks,
            records_refused: many(self.refused.len()),
            attempts_refused: self.attempts,
            foreign_tokens_beyond: self.foreign,
            people_tested: self.tested,
            people_only_refused: (tested && self.with_keys).then_some(many(only_refused)),
            people_shown_unnamed: tested.then(|| {
                let named = self.notify.len().saturating_sub(only_refused);
                many(self.owners.len().saturating_sub(named))
            }),
            refused_of_nobody_tested: (tested && self.with_keys)
                .then(|| many(self.refused.len().saturating_sub(found))),
        }
    }

    fn scope_said(&self) -> ScopeSaid {
        ScopeSaid {
            caller: self.scope.caller.as_ref().zip(self.caller).map(|(caller, tag)| Person::new(caller, &tag)),
            session: self.scope.session.map(|session| hex(&session)),
            from: self.scope.from.map(utc),
            to: self.scope.to.map(utc),
        }
    }
}

fn by_field((field, purpose, view): (u16, u16, u8), count: &Count) -> ByField {
    let is_refused = view == REFUSED;
    ByField {
        field: words::field(field),
        purpose: words::purpose(purpose),
        outcome: if is_refused { "refused".into() } else { words::view(view).into() },
        times: count.times,
        records: many(count.tokens.len()),
        people: (!is_refused).then(|| many(count.people.len())),
    }
}

fn by_reason(reason: Reason, count: &Count) -> ByReason {
    ByReason { reason: words::reason(reason), times: count.times, records: many(count.tokens.len()) }
}

fn by_caller(tag: &[u8; 16], count: &CallerCount, names: &Names) -> ByCaller {
    ByCaller {
        caller: names.who(tag, count.kind),
        sessions: many(count.sessions.len()),
        shown: count.shown,
        refused: count.refused,
        people: many(count.people.len()),
    }
}

fn alarm(reading: &Reading, names: &Names) -> AlarmSeen {
    let entry = &reading.recorded.entry;
    AlarmSeen {
        at: at(reading),
        cause: words::cause(entry.view),
        count: entry.count,
        caller: names.who(&entry.caller, entry.caller_kind),
        session: (entry.session != [0; 8]).then(|| hex(&entry.session)),
    }
}

/// Header and nonce: what tells tokens apart.
fn token_of(entry: &Entry) -> [u8; 18] {
    let mut token = [0; 18];
    for (slot, byte) in token.iter_mut().zip(entry.token.header.iter().chain(&entry.token.nonce)) {
        *slot = *byte;
    }
    token
}

/// Adds, and says that something was counted.
fn add(count: &mut u64, more: u64) -> bool {
    *count = count.saturating_add(more);
    true
}

fn many(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The view of a mask.
const MASK: u8 = 2;

/// Stands in a view's place; there is no such view.
const REFUSED: u8 = u8::MAX;
