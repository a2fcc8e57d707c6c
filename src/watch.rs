//! Counts what passes through the host, and says when it is unusual: all in fixed memory. SPEC.md section 16.

use heapless::Deque;

use crate::{
    Alarm, Cause, Kind, Limit, Limits, Reaction, Time,
    entry::{Entry, Event, Reason},
    time::MINUTE,
};

/// Watches over everything and over up to `N / 4` principals at a time, for a host that remembers `N` proofs of a minute.
///
/// A principal's tag says which bucket of up to eight slots is its own (tags are pseudo-random). Where all are taken, the one that was
/// idle the longest gives way: its counts are lost, those over all are not.
pub(crate) struct Watch<const N: usize> {
    /// A slot takes four of them: 16 bytes a proof.
    cells: [[u64; 2]; N],
    all_refusals: Meter,
    log_ins: Meter,
    at: Time,
    /// Makes it unpredictable which tokens look alike to the estimate of how many were different.
    salt: u64,
    /// Alarms that the host hasn't taken yet.
    raised: Deque<Alarm, QUEUE>,
    counts: [u32; CAUSES],
}

/// What is counted of one principal.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The first 8 bytes of the principal's tag; 0: free.
    caller: u64,
    /// When the meters were read last.
    at: u64,
    openings: Meter,
    tokens: Meter,
    refusals: Meter,
    /// Which of 128 cells the tokens fell in that were opened lately.
    seen: [u64; 2],
}

impl Slot {
    const fn read(cells: &Cells) -> Self {
        let [[caller, at], [openings, tokens], [refusals, spare], seen] = *cells;
        let _ = spare;
        Self { caller, at, openings: Meter(openings), tokens: Meter(tokens), refusals: Meter(refusals), seen }
    }

    const fn write(self, cells: &mut Cells) {
        *cells = [[self.caller, self.at], [self.openings.0, self.tokens.0], [self.refusals.0, 0], self.seen];
    }

    /// The same at this time, its meters drained.
    fn at(self, limits: &OfKind, now: Time) -> Self {
        let elapsed = now.as_millis().saturating_sub(self.at);
        Self {
            at: now.as_millis(),
            openings: self.openings.after(elapsed, &limits.openings),
            tokens: self.tokens.after(elapsed, &limits.tokens),
            refusals: self.refusals.after(elapsed, &limits.refusals),
            ..self
        }
    }
}

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

impl<const N: usize> Watch<N> {
    const SLOTS: usize = N / 4;
    const WAYS: usize = if Self::SLOTS < 8 { Self::SLOTS } else { 8 };

    pub(crate) const fn new(salt: [u8; 8]) -> Self {
        Self {
            cells: [[0; 2]; N],
            all_refusals: Meter(0),
            log_ins: Meter(0),
            at: Time::from_millis(0),
            salt: u64::from_le_bytes(salt) | 1,
            raised: Deque::new(),
            counts: [0; CAUSES],
        }
    }

    /// Whether this principal may open one more now.
    pub(crate) fn may_open(&self, limits: &Limits, caller: &[u8; 16], kind: Kind, now: Time) -> bool {
        let limits = OfKind::new(limits, kind);
        let slots = self.cells.as_chunks().0.get(Self::bucket(caller)).unwrap_or_default();
        let known = slots.iter().map(Slot::read).find(|slot| slot.caller == name(caller));
        known.is_none_or(|slot| slot.at(&limits, now).openings.takes(ONE, &limits.openings))
    }

    /// Counts what this entry says, and raises the alarm where it is too much: what is to be done besides.
    pub(crate) fn observe(&mut self, limits: &Limits, entry: &Entry, now: Time) -> Reaction {
        let mut raised = [
            (entry.reason == Reason::Canary).then_some((Cause::Canary, limits.canary)),
            self.observe_all(limits, entry, now),
            None,
            None,
            None,
        ];
        if let (Some(kind), [_, _, of_one @ ..]) = (Kind::from_code(entry.caller_kind), &mut raised) {
            *of_one = self.observe_one(&OfKind::new(limits, kind), entry, now);
        }
        let nobody = Entry::new(entry.event, entry.reason);
        let each = raised.into_iter().flatten().map(|(cause, then)| {
            let about = if matches!(cause, Cause::AllRefusals | Cause::LogIns) { &nobody } else { entry };
            self.raise(cause, then, about, now)
        });
        each.max().unwrap_or(Reaction::Record)
    }

    /// What is counted over all.
    fn observe_all(&mut self, limits: &Limits, entry: &Entry, now: Time) -> Option<(Cause, Reaction)> {
        let elapsed = now.as_millis().saturating_sub(self.at.as_millis());
        self.at = now;
        self.log_ins = self.log_ins.after(elapsed, &limits.log_ins);
        self.all_refusals = self.all_refusals.after(elapsed, &limits.all_refusals);
        let refused_log_in = entry.event == Event::Authenticate && entry.reason != Reason::Done;
        if refused_log_in && self.log_ins.add(ONE, &limits.log_ins) {
            return Some((Cause::LogIns, limits.log_ins.then));
        }
        let too_many = is_not_ones_own(entry.reason) && self.all_refusals.add(ONE, &limits.all_refusals);
        too_many.then_some((Cause::AllRefusals, limits.all_refusals.then))
    }

    /// What is counted of the caller.
    fn observe_one(&mut self, limits: &OfKind, entry: &Entry, now: Time) -> [Option<(Cause, Reaction)>; 3] {
        let opened = matches!(entry.event, Event::Detokenize | Event::Reveal) && entry.reason == Reason::Done;
        let looked_up = entry.event == Event::LookUp && entry.reason == Reason::Done;
        let spends = opened || looked_up || entry.reason == Reason::Limited;
        let cell = self.cell(entry);
        let Some(cells) = self.slot(&entry.caller) else { return [None; 3] };
        let mut slot = Slot::read(cells).at(limits, now);
        slot.caller = name(&entry.caller);
        let many_openings = spends && slot.openings.add(ONE, &limits.openings);
        let many_tokens = opened && slot.open(cell, &limits.tokens);
        let many_refusals = is_not_ones_own(entry.reason) && slot.refusals.add(ONE, &limits.refusals);
        slot.write(cells);
        [
            many_openings.then_some((Cause::ManyOpenings, limits.openings.then)),
            many_tokens.then_some((Cause::ManyTokens, limits.tokens.then)),
            many_refusals.then_some((Cause::Refusals, limits.refusals.then)),
        ]
    }

    /// Raises an alarm. One that finds no place in the queue is counted.
    pub(crate) fn raise(&mut self, cause: Cause, reaction: Reaction, entry: &Entry, now: Time) -> Reaction {
        let mut count = 0;
        if let Some(counted) = self.counts.get_mut(usize::from(cause.code()).saturating_sub(1)) {
            *counted = counted.saturating_add(1);
            count = *counted;
        }
        let about_nobody = entry.session == [0; 8];
        let reaction = if about_nobody && reaction == Reaction::EndSession { Reaction::Record } else { reaction };
        let alarm = Alarm {
            cause,
            time: now,
            caller: entry.caller,
            kind: Kind::from_code(entry.caller_kind),
            session: entry.session,
            count,
            reaction,
        };
        // The oldest say how it began, and stay.
        let _full_is_a_state = self.raised.push_back(alarm);
        reaction
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

    /// The caller's slot, or the one that gives way to it, empty.
    fn slot(&mut self, caller: &[u8; 16]) -> Option<&mut Cells> {
        let bucket = self.cells.as_chunks_mut().0.get_mut(Self::bucket(caller))?;
        let slots = || bucket.iter().map(Slot::read).enumerate();
        let known = slots().find(|(_, slot)| slot.caller == name(caller));
        match known {
            Some((at, _)) => bucket.get_mut(at),
            None => {
                let (at, _) = slots().min_by_key(|(_, slot)| slot.at)?;
                let cells = bucket.get_mut(at)?;
                Slot::default().write(cells);
                Some(cells)
            }
        }
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
    fn open(&mut self, cell: u32, limit: &Limit) -> bool {
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
            return false;
        }
        *half |= bit;
        let free = u64::from(CELLS.saturating_sub(taken));
        let weight = ONE.saturating_mul(u64::from(CELLS)).checked_div(free).unwrap_or(ONE);
        self.tokens.add(weight, limit)
    }
}

/// A principal's short name.
fn name(caller: &[u8; 16]) -> u64 {
    u64::from_le_bytes(caller.first_chunk().copied().unwrap_or_default())
}

/// Reasons that say: this is not yours. Those that are about the session or the time are everybody's.
const fn is_not_ones_own(reason: Reason) -> bool {
    matches!(
        reason,
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

/// A leaky bucket, used as a meter (the generic cell rate algorithm's other form: ITU-T I.371): how full it is, in parts of which
/// [`ONE`] is an event. The top bit says that it overflowed and has not been half empty since: there was an alarm already.
#[derive(Clone, Copy, Default)]
struct Meter(u64);

impl Meter {
    const fn level(self) -> u64 {
        self.0 & !TOLD
    }

    const fn is_told(self) -> bool {
        self.0 & TOLD != 0
    }

    fn capacity(limit: &Limit) -> u64 {
        u64::from(limit.burst).saturating_mul(ONE)
    }

    /// What is left in it after so many milliseconds.
    fn after(self, elapsed: u64, limit: &Limit) -> Self {
        let level = self.level().saturating_sub(elapsed.saturating_mul(u64::from(limit.per_minute)));
        let told = self.is_told() && level > Self::capacity(limit) / 2;
        Self(level | if told { TOLD } else { 0 })
    }

    /// Whether this much more fits.
    fn takes(self, weight: u64, limit: &Limit) -> bool {
        limit.burst == u32::MAX || self.level().saturating_add(weight) <= Self::capacity(limit)
    }

    /// Adds this much: true where it is the first that doesn't fit. What doesn't fit flows over, so that a meter recovers in the same time
    /// however long it was full.
    fn add(&mut self, weight: u64, limit: &Limit) -> bool {
        if limit.burst == u32::MAX {
            return false;
        }
        let fits = self.takes(weight, limit);
        let level = self.level().saturating_add(weight).min(Self::capacity(limit));
        let was_told = self.is_told();
        self.0 = level | if was_told || !fits { TOLD } else { 0 };
        !fits && !was_told
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

    /// More principals than there are slots: who was idle the longest gives way, who is busy is not forgotten.
    #[test]
    fn the_idle_give_way() {
        let limits = of_persons(Limit::NONE, Limit::NONE, Limit::new(5, 0));
        let mut watch = Watch::<32>::new([7; 8]);
        let mut raised = 0;
        for round in 0..6 {
            watch.observe(&limits, &entry(1, 0, Reason::DoesNotOpen), NOW.plus(round * 10));
            raised += usize::from(watch.take_raised().is_some());
            // Seven others each time, always new ones, in the eight slots that there are.
            for other in 0..7 {
                let other = entry(100 + round * 7 + other, 0, Reason::DoesNotOpen);
                watch.observe(&limits, &other, NOW.plus(round * 10 + 1));
            }
        }
        assert_eq!(raised, 1);
    }

    /// Hosts of any size: with fewer than four proofs nobody is watched by name, and all are watched together.
    #[test]
    fn every_size_of_host() {
        fn raised<const N: usize>() -> Vec<Cause> {
            let limits =
                Limits { all_refusals: Limit::new(2, 0), ..of_persons(Limit::NONE, Limit::NONE, Limit::new(1, 0)) };
            let mut watch = Watch::<N>::new([7; 8]);
            for _ in 0..3 {
                watch.observe(&limits, &entry(1, 0, Reason::DoesNotOpen), NOW);
                assert!(watch.may_open(&limits, &entry(1, 0, Reason::Done).caller, Kind::Person, NOW));
            }
            std::iter::from_fn(|| watch.take_raised()).map(|alarm| alarm.cause).collect()
        }
        assert_eq!(raised::<1>(), [Cause::AllRefusals]);
        assert_eq!(raised::<3>(), [Cause::AllRefusals]);
        for each in [raised::<4>(), raised::<7>(), raised::<33>(), raised::<64>(), raised::<65>()] {
            assert_eq!(each, [Cause::Refusals, Cause::AllRefusals]);
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
                meter = meter.after(gap, &limit);
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
