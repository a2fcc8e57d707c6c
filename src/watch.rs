//! Counts what passes through the host, and says when it is unusual: all in fixed memory. SPEC.md section 16.

use core::hint::black_box;

use heapless::Deque;

use crate::{
    Alarm, Cause, Kind, Limit, Limits, Reaction, Time,
    entry::{Entry, Event, Reason},
    time::{MINUTE, SECOND},
};

/// Watches over everything and over up to `N / 4` principals at a time, for a host that remembers `N` proofs of a minute.
///
/// A principal's tag says which bucket of up to eight slots is its own (tags are pseudo-random). Where all are taken, the one gives
/// way that would be forgotten first by itself: its counts are lost, those over all are not.
pub(crate) struct Watch<const N: usize> {
    /// A slot takes four of them: 16 bytes a proof.
    cells: [[u64; 2]; N],
    all_refusals: Meter,
    log_ins: Meter,
    at: Time,
    told: u64,
    /// Makes it unpredictable which tokens look alike to the estimate of how many were different.
    salt: u64,
    /// Alarms that the host hasn't taken yet.
    raised: Deque<Alarm, QUEUE>,
    counts: [u32; CAUSES],
}

/// What is to be done at once about what was observed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reactions {
    pub(crate) ends_session: bool,
    pub(crate) stops_all: bool,
}

impl Reactions {
    const fn add(&mut self, reaction: Reaction) {
        match reaction {
            Reaction::Record => {}
            Reaction::EndSession => self.ends_session = true,
            Reaction::StopAll => self.stops_all = true,
        }
    }
}

/// What is counted of one principal.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// From the principal's tag and its kind; 0: free.
    name: u64,
    /// When the meters were read last.
    at: u64,
    /// The second at which the last of its meters will be empty.
    until: u64,
    /// The minute in which the last alarm about it was raised.
    told: u64,
    openings: Meter,
    tokens: Meter,
    refusals: Meter,
    /// Which of 128 cells the tokens fell in that were opened lately.
    seen: [u64; 2],
}

impl Slot {
    const fn read(cells: &Cells) -> Self {
        let [[name, at], [openings, tokens], [refusals, times], seen] = *cells;
        let (until, told) = (times & UNTIL, times >> UNTIL_BITS);
        let [openings, tokens, refusals] = [Meter(openings), Meter(tokens), Meter(refusals)];
        Self { name, at, until, told, openings, tokens, refusals, seen }
    }

    const fn write(self, cells: &mut Cells) {
        let until = if self.until < UNTIL { self.until } else { UNTIL };
        let times = (self.told << UNTIL_BITS) | until;
        *cells = [[self.name, self.at], [self.openings.0, self.tokens.0], [self.refusals.0, times], self.seen];
    }

    /// The same at this time, its meters drained.
    fn at(self, limits: &OfKind, now: Time) -> Self {
        let elapsed = now.as_millis().saturating_sub(self.at);
        let same_minute = self.told == minute(now);
        Self {
            at: now.as_millis(),
            openings: self.openings.after(elapsed, same_minute, &limits.openings),
            tokens: self.tokens.after(elapsed, same_minute, &limits.tokens),
            refusals: self.refusals.after(elapsed, same_minute, &limits.refusals),
            ..self
        }
    }

    /// When all of it will have been forgotten by itself.
    fn set_until(&mut self, limits: &OfKind) {
        let rests = [
            self.openings.rest(&limits.openings),
            self.tokens.rest(&limits.tokens),
            self.refusals.rest(&limits.refusals),
        ];
        let longest = rests.into_iter().max().unwrap_or_default();
        self.until = self.at.saturating_add(longest) / SECOND;
    }
}

/// The number of a minute, as a slot has room for.
fn minute(now: Time) -> u64 {
    (now.as_millis() / MINUTE) & (u64::MAX >> UNTIL_BITS)
}

const UNTIL_BITS: u32 = 40;
const UNTIL: u64 = (1 << UNTIL_BITS) - 1;

type Cells = [[u64; 2]; 4];

/// The limits of one kind of principals.
struct OfKind {
    openings: Limit,
    tokens: Limit,
    refusals: Limit,
}

impl OfKind {
    const fn new(limits: &Limits, kind: Kind) -> Self {
        Self {
            openings: Limits::of(&limits.openings, kind),
            tokens: Limits::of(&limits.tokens, kind),
            refusals: Limits::of(&limits.refusals, kind),
        }
    }
}

/// Too much of something: why, what is to be done, and whether an alarm is due.
type TooMuch = Option<(Cause, Reaction, bool)>;

impl<const N: usize> Watch<N> {
    const SLOTS: usize = {
        assert!(N >= 4, "a host remembers at least four proofs, and watches one principal");
        N / 4
    };
    const WAYS: usize = if Self::SLOTS < 8 { Self::SLOTS } else { 8 };

    pub(crate) const fn new(salt: [u8; 8]) -> Self {
        Self {
            cells: [[0; 2]; N],
            all_refusals: Meter(0),
            log_ins: Meter(0),
            at: Time::from_millis(0),
            told: 0,
            salt: u64::from_le_bytes(salt) | 1,
            raised: Deque::new(),
            counts: [0; CAUSES],
        }
    }

    /// Begins to count, with this salt.
    pub(crate) const fn wake(&mut self, salt: [u8; 8]) {
        self.salt = u64::from_le_bytes(salt) | 1;
    }

    /// Forgets what was counted: what raised an alarm that stopped everything is not to stop it again when it goes on.
    pub(crate) fn begin_anew(&mut self) {
        self.cells = [[0; 2]; N];
        (self.all_refusals, self.log_ins) = (Meter(0), Meter(0));
    }

    /// Whether this principal may open one more now.
    pub(crate) fn may_open(&self, limits: &Limits, caller: &[u8; 16], kind: Kind, now: Time) -> bool {
        let limits = OfKind::new(limits, kind);
        let slots = self.cells.as_chunks().0.get(Self::bucket(caller)).unwrap_or_default();
        let known = slots.iter().map(Slot::read).find(|slot| slot.name == name(caller, kind));
        known.unwrap_or_default().at(&limits, now).openings.takes(ONE, &limits.openings)
    }

    /// Counts what this entry says, and raises the alarm where it is too much: what is to be done besides, each time that it is.
    // Out of line, or its frame is beneath the sealing of the entry, the deepest of all.
    #[inline(never)]
    pub(crate) fn observe(&mut self, limits: &Limits, entry: &Entry, now: Time) -> Reactions {
        let mut of_one = [None; 3];
        if let Some(kind) = Kind::from_code(entry.caller_kind) {
            of_one = self.observe_one(limits, kind, entry, now);
        }
        let [_, _, refused_too_often] = of_one;
        let canary = (entry.reason == Reason::Canary).then_some((Cause::Canary, limits.canary, true));
        let of_all = self.observe_all(limits, entry, refused_too_often.is_some(), now);
        let nobody = Entry::new(entry.event, entry.reason);
        let mut reactions = Reactions::default();
        for (cause, then, is_news) in [canary, of_all].into_iter().chain(of_one).flatten() {
            let about_all = matches!(cause, Cause::AllRefusals | Cause::LogIns);
            let about = if about_all { &nobody } else { entry };
            // What is about no session can't end one.
            let has_session = about.session != [0; 8];
            let then = if then == Reaction::EndSession && !has_session { Reaction::Record } else { then };
            reactions.add(then);
            if is_news {
                self.raise(cause, then, about, now);
            }
        }
        reactions
    }

    /// What is counted over all. A principal that has reached its own limit counts no more: nobody alone makes so much noise that others'
    /// refusals are no news.
    fn observe_all(&mut self, limits: &Limits, entry: &Entry, counted_out: bool, now: Time) -> TooMuch {
        let elapsed = now.as_millis().saturating_sub(self.at.as_millis());
        let same_minute = self.told == minute(now);
        self.at = now;
        self.log_ins = self.log_ins.after(elapsed, same_minute, &limits.log_ins);
        self.all_refusals = self.all_refusals.after(elapsed, same_minute, &limits.all_refusals);
        let too_much = if is_refused_log_in(entry) {
            let over = self.log_ins.add(ONE, &limits.log_ins);
            over.map(|is_news| (Cause::LogIns, limits.log_ins.then, is_news))
        } else if is_not_ones_own(entry) && !counted_out {
            let over = self.all_refusals.add(weight(entry), &limits.all_refusals);
            over.map(|is_news| (Cause::AllRefusals, limits.all_refusals.then, is_news))
        } else {
            None
        };
        if let Some((_, _, true)) = too_much {
            self.told = minute(now);
        }
        too_much
    }

    /// What is counted of the caller. An entry that counts nothing takes no slot, and the same work.
    fn observe_one(&mut self, limits: &Limits, kind: Kind, entry: &Entry, now: Time) -> [TooMuch; 3] {
        let opened = matches!(entry.event, Event::Detokenize | Event::Reveal) && entry.reason == Reason::Done;
        let spends = opened || entry.event == Event::LookUp && entry.reason == Reason::Done;
        let (is_limited, is_refused) = (entry.reason == Reason::Limited, is_not_ones_own(entry));
        let cell = self.cell(entry);
        let limits = OfKind::new(limits, kind);
        let Some((cells, slot)) = self.slot(&entry.caller, kind) else { return [None; 3] };
        let mut slot = slot.at(&limits, now);
        let openings = match (spends, is_limited) {
            (true, _) => slot.openings.add(ONE, &limits.openings),
            // What was refused takes nothing.
            (_, true) => Some(slot.openings.tell()),
            _ => None,
        };
        let tokens = if opened { slot.open(cell, &limits.tokens) } else { None };
        let refusals = if is_refused { slot.refusals.add(weight(entry), &limits.refusals) } else { None };
        if [openings, tokens, refusals].contains(&Some(true)) {
            slot.told = minute(now);
        }
        slot.set_until(&limits);
        let slot = black_box(slot);
        if spends || is_limited || is_refused {
            slot.write(cells);
        }
        [
            openings.map(|is_news| (Cause::ManyOpenings, limits.openings.then, is_news)),
            tokens.map(|is_news| (Cause::ManyTokens, limits.tokens.then, is_news)),
            refusals.map(|is_news| (Cause::Refusals, limits.refusals.then, is_news)),
        ]
    }

    /// Raises an alarm. The same about the same caller, not taken yet, is counted with it; one that finds no place in the queue is counted.
    pub(crate) fn raise(&mut self, cause: Cause, reaction: Reaction, entry: &Entry, now: Time) {
        let mut count = 0;
        if let Some(counted) = self.counts.get_mut(usize::from(cause.code()).saturating_sub(1)) {
            *counted = counted.saturating_add(1);
            count = *counted;
        }
        let same = |alarm: &&mut Alarm| (alarm.cause, alarm.caller) == (cause, entry.caller);
        if let Some(waiting) = self.raised.iter_mut().find(same) {
            (waiting.count, waiting.reaction) = (count, waiting.reaction.max(reaction));
            return;
        }
        let kind = Kind::from_code(entry.caller_kind);
        let alarm = Alarm { cause, time: now, caller: entry.caller, kind, session: entry.session, count, reaction };
        // The oldest say how it began, and stay.
        let _full_is_a_state = self.raised.push_back(alarm);
    }

    pub(crate) fn first_raised(&self) -> Option<&Alarm> {
        self.raised.front()
    }

    pub(crate) fn take_raised(&mut self) -> Option<Alarm> {
        self.raised.pop_front()
    }

    /// One of 128 cells for a token, by multiply-shift hashing (Dietzfelbinger et al. 1997) with a secret factor.
    fn cell(&self, entry: &Entry) -> u32 {
        let name = u64::from_le_bytes(entry.token.nonce.first_chunk().copied().unwrap_or_default());
        u32::try_from(name.wrapping_mul(self.salt) >> 57).unwrap_or_default()
    }

    /// The caller's slot and what is in it; or the place of the one that gives way, and an empty one. Both are looked for in any case.
    fn slot(&mut self, caller: &[u8; 16], kind: Kind) -> Option<(&mut Cells, Slot)> {
        let bucket = self.cells.as_chunks_mut().0.get_mut(Self::bucket(caller))?;
        let slots = || bucket.iter().map(Slot::read).enumerate();
        let known =
            slots().fold(None, |found, (at, slot)| if slot.name == name(caller, kind) { Some(at) } else { found });
        let (gives_way, _) = slots().min_by_key(|(_, slot)| (slot.name != 0, slot.until, slot.at))?;
        let cells = bucket.get_mut(black_box(known).unwrap_or(black_box(gives_way)))?;
        let slot = match known {
            Some(_) => Slot::read(cells),
            None => Slot { name: name(caller, kind), ..Slot::default() },
        };
        Some((cells, slot))
    }

    fn bucket(caller: &[u8; 16]) -> core::ops::Range<usize> {
        let buckets = Self::SLOTS.checked_div(Self::WAYS).unwrap_or_default();
        // Other bytes than name it, so that a bucket's slots can tell their principals apart.
        let [.., a, b, c, d] = *caller;
        let number = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default();
        let start = number.checked_rem(buckets).unwrap_or_default().saturating_mul(Self::WAYS);
        start..start.saturating_add(Self::WAYS)
    }
}

impl Slot {
    /// Counts an opened token, unless its cell is taken; then it was probably counted before. What is counted weighs as much as the cells
    /// that are free are few, so that the count stays right on average (the historic inverse probability estimator: Cohen 2014, Ting 2014).
    fn open(&mut self, cell: u32, limit: &Limit) -> Option<bool> {
        let [low, high] = &mut self.seen;
        let taken = low.count_ones().saturating_add(high.count_ones());
        // Half full it begins anew: from then on what is opened again counts again.
        let taken = if taken >= CELLS / 2 {
            (*low, *high) = (0, 0);
            0
        } else {
            taken
        };
        let half = if cell < 64 { low } else { high };
        let bit = 1_u64.checked_shl(cell % 64).unwrap_or_default();
        if *half & bit != 0 {
            return None;
        }
        *half |= bit;
        let free = u64::from(CELLS.saturating_sub(taken));
        let weight = ONE.saturating_mul(u64::from(CELLS)).checked_div(free).unwrap_or(ONE);
        self.tokens.add(weight, limit)
    }
}

/// A principal's short name.
fn name(caller: &[u8; 16], kind: Kind) -> u64 {
    u64::from_le_bytes(caller.first_chunk().copied().unwrap_or_default()) & !3 | u64::from(kind.code())
}

/// A log-in that was refused for what was presented. A window that is full says nothing about the caller.
fn is_refused_log_in(entry: &Entry) -> bool {
    entry.event == Event::Authenticate && !matches!(entry.reason, Reason::Done | Reason::WindowFull)
}

/// Refused for a reason that says: this is not yours. Those that are about the session or the time are everybody's. A grant's further
/// entries repeat what its first one says.
const fn is_not_ones_own(entry: &Entry) -> bool {
    !matches!(entry.event, Event::GrantScope | Event::GrantReason)
        && matches!(
            entry.reason,
            Reason::DoesNotOpen
                | Reason::ForeignToken
                | Reason::Canary
                | Reason::WrongField
                | Reason::UnknownEpoch
                | Reason::BadGrant
                | Reason::WrongGrantee
                | Reason::NotInGrant
                | Reason::WrongDestination
                | Reason::OtherTenant
        )
}

/// Of how many refusals an entry tells: those of foreign tokens beyond the fourth share one.
fn weight(entry: &Entry) -> u64 {
    let tokens = if entry.event == Event::ForeignTokens { entry.count } else { 1 };
    ONE.saturating_mul(tokens.into())
}

/// A leaky bucket, used as a meter (the generic cell rate algorithm's other form: ITU-T I.371): how full it is, in parts of which
/// [`ONE`] is an event. The top bit says that it was told in this minute that it overflows.
#[derive(Clone, Copy, Default)]
struct Meter(u64);

impl Meter {
    const fn level(self) -> u64 {
        self.0 & !TOLD
    }

    fn capacity(limit: &Limit) -> u64 {
        u64::from(limit.burst).saturating_mul(ONE)
    }

    /// In how many milliseconds it will be empty.
    fn rest(self, limit: &Limit) -> u64 {
        let never = if self.level() == 0 { 0 } else { u64::MAX };
        self.level().checked_div(limit.per_minute.into()).unwrap_or(never)
    }

    /// What is left in it after so many milliseconds. What was told in this same minute is no news yet.
    fn after(self, elapsed: u64, same_minute: bool, limit: &Limit) -> Self {
        let level = self.level().saturating_sub(elapsed.saturating_mul(u64::from(limit.per_minute)));
        Self(level | if same_minute { self.0 & TOLD } else { 0 })
    }

    /// Whether this much more fits.
    fn takes(self, weight: u64, limit: &Limit) -> bool {
        limit.burst == u32::MAX || self.level().saturating_add(weight) <= Self::capacity(limit)
    }

    /// Adds this much. `Some` where it doesn't fit, and then whether that is news. What doesn't fit flows over, so that a meter recovers in the
    /// same time however long it was full.
    fn add(&mut self, weight: u64, limit: &Limit) -> Option<bool> {
        if limit.burst == u32::MAX {
            return None;
        }
        let fits = self.takes(weight, limit);
        let level = self.level().saturating_add(weight).min(Self::capacity(limit));
        self.0 = level | self.0 & TOLD;
        if fits { None } else { Some(self.tell()) }
    }

    /// Whether it is news that it overflows.
    fn tell(&mut self) -> bool {
        let is_news = self.0 & TOLD == 0;
        self.0 |= TOLD;
        is_news
    }
}

const TOLD: u64 = 1 << 63;

/// A minute's milliseconds: with as many parts for an event, a meter loses `per_minute` parts a millisecond.
const ONE: u64 = MINUTE;

const CELLS: u32 = 128;

/// Alarms that wait for the host.
const QUEUE: usize = 8;

const CAUSES: usize = 9;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    const NOW: Time = Time::from_secs(1_800_000_000);

    /// An opening, or a refusal, by this caller, of the token with this number.
    fn entry(caller: u64, token: u64, reason: Reason) -> Entry {
        let mut entry = Entry::new(Event::Detokenize, reason);
        // SplitMix64: tags and nonces are pseudo-random.
        let scattered = |n: u64| {
            let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (n ^ (n >> 31)).to_le_bytes()
        };
        entry.caller = [scattered(caller), scattered(caller ^ 0xffff)].concat().try_into().unwrap();
        entry.caller_kind = Kind::Person.code();
        entry.session = [1; 8];
        entry.token.nonce = [&scattered(token)[..], &[0; 4]].concat().try_into().unwrap();
        entry
    }

    fn of_persons(openings: Limit, tokens: Limit, refusals: Limit) -> Limits {
        let none = Limit::NONE;
        let [openings, tokens, refusals] = [openings, tokens, refusals].map(|limit| [limit, none, none]);
        Limits { openings, tokens, refusals, ..Limits::NONE }
    }

    /// The count of different tokens is right to a tenth, for tokens that each come once and for few that come often; on average over salts it is
    /// right to a fiftieth.
    #[test]
    fn different_tokens_are_estimated() {
        let limits = of_persons(Limit::NONE, Limit::new(1_000_000, 0), Limit::NONE);
        for different in [10_u64, 40, 60, 200, 300] {
            let mut estimates = Vec::new();
            for salt in 0..200_u64 {
                let mut watch = Watch::<4>::new(salt.wrapping_mul(0xd6e8_feb8_6659_fd93).to_le_bytes());
                let rounds = if different <= 60 { 5 } else { 1 };
                for _ in 0..rounds {
                    for token in 0..different {
                        watch.observe(&limits, &entry(1, token, Reason::Done), NOW);
                    }
                }
                let counted = Slot::read(watch.cells.as_chunks().0.first().unwrap()).tokens.level();
                estimates.push(counted as f64 / ONE as f64 / different as f64);
            }
            let mean = estimates.iter().sum::<f64>() / estimates.len() as f64;
            assert!((0.97..1.03).contains(&mean), "{different}: {mean}");
            let far = estimates.iter().filter(|estimate| !(0.7..1.3).contains(*estimate)).count();
            assert!(far <= 6, "{different}: {far} of 200 estimates are off by a third");
        }
    }

    /// More principals than there are slots: who has counted least gives way, who has reached a limit is not forgotten, idle or not.
    #[test]
    fn the_idle_give_way() {
        let limits = of_persons(Limit::NONE, Limit::NONE, Limit::new(5, 1));
        let mut watch = Watch::<32>::new([7; 8]);
        for _ in 0..5 {
            watch.observe(&limits, &entry(1, 0, Reason::DoesNotOpen), NOW);
        }
        // A thousand others with one each, in the eight slots that there are; and log-ins, which take none.
        for other in 100..1100 {
            watch.observe(&limits, &entry(other, 0, Reason::DoesNotOpen), NOW.plus(other));
            let log_in = Entry { event: Event::Authenticate, ..entry(other, 0, Reason::Done) };
            watch.observe(&limits, &log_in, NOW.plus(other));
        }
        assert!(watch.take_raised().is_none());
        watch.observe(&limits, &entry(1, 0, Reason::DoesNotOpen), NOW.plus(5_000));
        assert_eq!(watch.take_raised().map(|alarm| alarm.cause), Some(Cause::Refusals));
    }

    /// What was opened before counts once, until half of the cells are taken; from then on it counts again.
    #[test]
    fn cells_begin_anew_half_full() {
        let mut slot = Slot::default();
        let limit = Limit::new(1_000, 0);
        let counts = |slot: &mut Slot, cell: u32| {
            let before = slot.tokens.level();
            slot.open(cell, &limit);
            slot.tokens.level() > before
        };
        for cell in 0..CELLS / 2 {
            assert!(counts(&mut slot, cell));
            if cell < CELLS / 2 - 1 {
                assert!(!counts(&mut slot, cell), "{cell}");
            }
        }
        assert!(counts(&mut slot, 0), "they began anew");
        assert!(!counts(&mut slot, 0));
        assert!(counts(&mut slot, CELLS - 1) && !counts(&mut slot, CELLS - 1), "the other half");
        // Each cell has a bit of its own.
        for cell in 0..CELLS {
            let mut others = Slot::default();
            for other in (0..CELLS).filter(|other| *other != cell).step_by(3) {
                counts(&mut others, other);
            }
            assert!(counts(&mut others, cell), "{cell}");
        }
    }

    /// A slot's name tells kinds apart, whatever the tag; a meter that loses nothing is never empty again, unless it is.
    #[test]
    fn names_and_rests() {
        for kind in [Kind::Person, Kind::Service, Kind::Staff] {
            assert_eq!(name(&[0xff; 16], kind), !3 | u64::from(kind.code()));
        }
        let (never, slowly) = (Limit::new(5, 0), Limit::new(5, 2));
        assert_eq!([Meter(0).rest(&never), Meter(ONE).rest(&never)], [0, u64::MAX]);
        assert_eq!([Meter(0).rest(&slowly), Meter(ONE).rest(&slowly)], [0, ONE / 2]);
    }

    /// The salt that a trail gives decides which tokens look alike, and its factor is odd, so that none of its bits is lost.
    #[test]
    fn cells_follow_the_salt() {
        let cells = |salt: [u8; 8]| {
            let mut watch = Watch::<4>::new([7; 8]);
            watch.wake(salt);
            assert_eq!(watch.salt % 2, 1);
            (0..8).map(|token| watch.cell(&entry(1, token, Reason::Done))).collect::<Vec<_>>()
        };
        assert_ne!(cells([1; 8]), cells([3; 8]));
        assert_eq!(cells([2; 8]), cells([3, 2, 2, 2, 2, 2, 2, 2]));
    }

    /// What is about nobody's session ends none, whatever the policy says; what is about one does.
    #[test]
    fn sessions_end_where_there_is_one() {
        let always = Limit::new(0, 0).then(Reaction::EndSession);
        let limits = Limits { all_refusals: always, ..of_persons(Limit::NONE, Limit::NONE, Limit::NONE) };
        let mut watch = Watch::<32>::new([7; 8]);
        let mut in_session = entry(1, 0, Reason::DoesNotOpen);
        in_session.session = [9; 8];
        assert!(!watch.observe(&limits, &in_session, NOW).ends_session, "it is about all");
        assert_eq!(watch.take_raised().map(|alarm| alarm.reaction), Some(Reaction::Record));
        let limits = of_persons(Limit::NONE, Limit::NONE, always);
        assert!(watch.observe(&limits, &in_session, NOW).ends_session);
        in_session.session = [0; 8];
        assert!(!watch.observe(&limits, &in_session, NOW).ends_session);
    }

    /// Hosts of any size.
    #[test]
    fn every_size_of_host() {
        fn raised<const N: usize>() -> Vec<Cause> {
            let limits =
                Limits { all_refusals: Limit::new(0, 0), ..of_persons(Limit::NONE, Limit::NONE, Limit::new(1, 0)) };
            let mut watch = Watch::<N>::new([7; 8]);
            for _ in 0..3 {
                watch.observe(&limits, &entry(1, 0, Reason::DoesNotOpen), NOW);
                assert!(watch.may_open(&limits, &entry(1, 0, Reason::Done).caller, Kind::Person, NOW));
            }
            std::iter::from_fn(|| watch.take_raised()).map(|alarm| alarm.cause).collect()
        }
        for each in [raised::<4>(), raised::<7>(), raised::<33>(), raised::<64>(), raised::<65>()] {
            assert_eq!(each, [Cause::AllRefusals, Cause::Refusals]);
        }
    }

    /// A meter against a model that keeps every event: for random rates, gaps and numbers, the same events are too many.
    #[test]
    fn a_meter_is_a_leaky_bucket() {
        let mut random = 1_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let (mut full, mut fit) = (0, 0);
        for _ in 0..200 {
            let limit = Limit::new(next(6) as u32, next(120) as u32);
            let (mut meter, mut model) = (Meter(0), 0.0_f64);
            for _ in 0..100 {
                let gap = next(2_000);
                meter = meter.after(gap, true, &limit);
                model = (model - gap as f64 * f64::from(limit.per_minute) / 60_000.0).max(0.0);
                let fits = model + 1.0 <= f64::from(limit.burst) + 1e-9;
                assert_eq!(meter.takes(ONE, &limit), fits, "{limit:?} at {model}");
                meter.add(ONE, &limit);
                model = (model + 1.0).min(f64::from(limit.burst));
                full += usize::from(!fits);
                fit += usize::from(fits);
            }
        }
        assert!(full > 1000 && fit > 1000, "{full} {fit}");
    }
}
