//! What is counted, and what comes of it: SPEC.md section 16 and the documentation of [`Limits`], with everything remembered that there is room for
//! in a computer. Nothing here calls the core.

use std::collections::BTreeMap;

use symbolon::{Cause, Kind, Limit, Limits, Reaction, Reason};

use super::Wrong;

/// An alarm that waits for the host, and who caused it in which session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Raised {
    pub(super) cause: Cause,
    pub(super) time: u64,
    pub(super) by: Option<Caller>,
    pub(super) count: u32,
    pub(super) reaction: Reaction,
}

/// Who presents something.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Caller {
    pub(super) who: usize,
    pub(super) kind: Kind,
    pub(super) session: [u8; 8],
}

/// A leaky bucket, in 60,000ths of an event: a limit of one a minute loses one of those a millisecond.
#[derive(Clone, Copy, Default)]
struct Bucket {
    level: u64,
    at: u64,
    told: Option<u64>,
}

const EVENT: u64 = 60_000;

pub(super) struct Ideal {
    limits: Limits,
    wrong: Option<Wrong>,
    openings: BTreeMap<usize, Bucket>,
    refusals: BTreeMap<usize, Bucket>,
    all_refusals: Bucket,
    log_ins: Bucket,
    counts: BTreeMap<u8, u32>,
    pub(super) raised: Vec<Raised>,
    pub(super) stopped: bool,
    /// The sessions that are over before their time.
    pub(super) over: Vec<[u8; 8]>,
}

impl Ideal {
    pub(super) const fn new(limits: Limits, wrong: Option<Wrong>) -> Self {
        Self {
            limits,
            wrong,
            openings: BTreeMap::new(),
            refusals: BTreeMap::new(),
            all_refusals: Bucket { level: 0, at: 0, told: None },
            log_ins: Bucket { level: 0, at: 0, told: None },
            counts: BTreeMap::new(),
            raised: Vec::new(),
            stopped: false,
            over: Vec::new(),
        }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    /// What is said of a token that this caller presents, of which nothing but `reason` would be said without sessions that end, stops and limits.
    pub(super) fn reason(&mut self, by: Caller, reason: Reason, now: u64) -> Reason {
        let limit = of(&self.limits.openings, by.kind);
        let wrong = self.wrong;
        let bucket = self.openings.entry(by.who).or_default();
        bucket.drain(limit, now, wrong);
        let may_open = bucket.fits(EVENT, limit) || wrong == Some(Wrong::LimitIgnored);
        if reason == Reason::Canary {
            reason
        } else if self.over.contains(&by.session) {
            Reason::LoggedOut
        } else if self.stopped {
            Reason::Stopped
        } else if !may_open {
            Reason::Limited
        } else {
            reason
        }
    }

    /// An entry about this caller's tokens, of which there were so many.
    pub(super) fn entry(&mut self, by: Caller, reason: Reason, tokens: u32, now: u64) {
        let weight = if self.is(Wrong::OneAnEntry) { EVENT } else { EVENT * u64::from(tokens) };
        let refused =
            matches!(reason, Reason::DoesNotOpen | Reason::ForeignToken | Reason::WrongField | Reason::Canary);
        let (openings, refusals) = (of(&self.limits.openings, by.kind), of(&self.limits.refusals, by.kind));
        let (wrong, limits) = (self.wrong, self.limits);
        let mut found = Vec::new();
        if reason == Reason::Canary {
            found.push((Cause::Canary, limits.canary, true));
        }
        let spent = self.openings.entry(by.who).or_default();
        let too_many = match reason {
            Reason::Done => spent.add(EVENT, openings, now, wrong),
            Reason::Limited => Some(spent.is_news(now)),
            _ => None,
        };
        let one = self.refusals.entry(by.who).or_default();
        let too_often = if refused { one.add(weight, refusals, now, wrong) } else { None };
        if refused && (too_often.is_none() || wrong == Some(Wrong::OneMakesAllTheNoise)) {
            let all = self.all_refusals.add(weight, limits.all_refusals, now, wrong);
            found.extend(all.map(|news| (Cause::AllRefusals, limits.all_refusals.then, news)));
        }
        found.extend(too_many.map(|news| (Cause::ManyOpenings, openings.then, news)));
        found.extend(too_often.map(|news| (Cause::Refusals, refusals.then, news)));
        for (cause, reaction, news) in found {
            self.comes_of(cause, reaction, news, Some(by), now);
        }
    }

    /// A log-in was refused.
    pub(super) fn log_in_refused(&mut self, now: u64) {
        let limit = self.limits.log_ins;
        if let Some(news) = self.log_ins.add(EVENT, limit, now, self.wrong) {
            self.comes_of(Cause::LogIns, limit.then, news, None, now);
        }
    }

    /// Somebody who may lets it go on.
    pub(super) fn release(&mut self) {
        self.stopped = false;
        if !self.is(Wrong::ReleaseForgetsNothing) {
            self.openings.clear();
            self.refusals.clear();
            (self.all_refusals, self.log_ins) = (Bucket::default(), Bucket::default());
        }
    }

    fn comes_of(&mut self, cause: Cause, reaction: Reaction, news: bool, by: Option<Caller>, now: u64) {
        let by = by.filter(|_| cause != Cause::AllRefusals);
        let reaction = match (reaction, by) {
            (Reaction::EndSession, None) => Reaction::Record,
            (reaction, _) => reaction,
        };
        if reaction == Reaction::StopAll && !self.is(Wrong::NothingStops) {
            self.stopped = true;
        }
        if let (Reaction::EndSession, Some(by)) = (reaction, by) {
            self.over.push(by.session);
        }
        if !news {
            return;
        }
        let count = self.counts.entry(cause.code()).or_default();
        *count += 1;
        let count = *count;
        let same = |raised: &&mut Raised| (raised.cause, raised.by.map(|by| by.who)) == (cause, by.map(|by| by.who));
        if let Some(waiting) = self.raised.iter_mut().find(same) {
            (waiting.count, waiting.reaction) = (count, waiting.reaction.max(reaction));
        } else if self.raised.len() < WAITING {
            self.raised.push(Raised { cause, time: now, by, count, reaction });
        }
    }
}

/// Alarms that wait for the host; more are counted only.
const WAITING: usize = 8;

impl Bucket {
    fn drain(&mut self, limit: Limit, now: u64, wrong: Option<Wrong>) {
        let lost = (now - self.at) * u64::from(limit.per_minute);
        if wrong != Some(Wrong::NothingIsForgotten) && limit.burst != u32::MAX {
            self.level = self.level.saturating_sub(lost);
        }
        self.at = now;
    }

    fn fits(&self, weight: u64, limit: Limit) -> bool {
        limit.burst == u32::MAX || self.level + weight <= u64::from(limit.burst) * EVENT
    }

    /// Where it doesn't fit: whether that is news.
    fn add(&mut self, weight: u64, limit: Limit, now: u64, wrong: Option<Wrong>) -> Option<bool> {
        if limit.burst == u32::MAX {
            return None;
        }
        self.drain(limit, now, wrong);
        let fits = self.fits(weight, limit);
        self.level += weight;
        if wrong != Some(Wrong::NothingFlowsOver) {
            self.level = self.level.min(u64::from(limit.burst) * EVENT);
        }
        let told_each = wrong == Some(Wrong::EachIsNews);
        if fits { None } else { Some(self.is_news(now) || told_each) }
    }

    /// Once in a minute of the clock.
    fn is_news(&mut self, now: u64) -> bool {
        self.told.replace(now / EVENT) != Some(now / EVENT)
    }
}

fn of(limits: &[Limit; 3], kind: Kind) -> Limit {
    match kind {
        Kind::Person => limits[0],
        Kind::Staff => limits[1],
        Kind::Service => limits[2],
    }
}
