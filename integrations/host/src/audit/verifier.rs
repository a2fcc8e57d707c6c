//! Goes through one node's log, reads what is whole, and finds and locates what is not.
//!
//! The reader stands at the last entry that verified. A record that doesn't open there waits, and each one behind it is tried in two ways:
//! as the next entry (then what waits doesn't belong here), and as the one behind the record before it, taken as it stands (then what
//! waits is damaged, and the chain goes on behind it). Either way the reader moves on, and what waited is sorted: see [`settle`](super::settle).

use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use symbolon::{AuditKey, Checkpoint, Recorded, SealedEntry, Time, TrailReader};

use super::{
    finding::{Damage, Finding, Source},
    log::Log,
    strays::{Gap, Places, Pool},
};

/// An entry that verified, and how it stood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Whose trail.
    pub node: u32,
    /// Where in the log, counted from 0.
    pub record: u64,
    /// The entry.
    pub recorded: Recorded,
    /// How it stood.
    pub standing: Standing,
}

/// How an entry stood in its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In a chain that is whole from the trail's first entry to this one.
    Whole,
    /// Genuine, but something before it is damaged or missing.
    BehindBreak,
    /// Genuine, but in another place than it was made in.
    Moved,
}

/// Verifies one node's log from its first record on.
pub struct Verifier {
    pub(super) node: u32,
    /// Stands behind the last entry that verified.
    pub(super) reader: TrailReader,
    /// The record that is looked at next.
    pub(super) at: u64,
    /// Records that could not be read yet, up to the one before `at`.
    pub(super) waiting: VecDeque<(u64, SealedEntry)>,
    /// The first of those that were too many to wait, and how many.
    pub(super) flood: Option<(u64, u64)>,
    pub(super) pool: Pool,
    pub(super) gaps: Vec<Gap>,
    pub(super) places: Places,
    pub(super) ready: VecDeque<Reading>,
    pub(super) findings: Findings,
    pub(super) expected: BTreeMap<u64, Vec<(Checkpoint, Source)>>,
    pub(super) is_broken: bool,
    /// A reader somewhere ahead, with the keys of that place: what was computed for one attempt serves the next.
    pub(super) probe: Option<TrailReader>,
    /// How many keys may still be computed in vain.
    pub(super) patience: u64,
    read: u64,
    behind_break: u64,
    last_time: Option<Time>,
    confirmed: Option<(Checkpoint, Source)>,
    is_over: bool,
}

/// What is wrong, the first so many.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    list: Vec<Option<Finding>>,
    more: u64,
}

impl Findings {
    /// Notes it down: its place in the list, for a later change.
    pub(super) fn note(&mut self, finding: Finding) -> Option<usize> {
        if self.list.len() >= MAX_FINDINGS {
            self.more = self.more.saturating_add(1);
            return None;
        }
        self.list.push(Some(finding));
        self.list.len().checked_sub(1)
    }

    /// Says something better of what was noted down.
    pub(super) fn change(&mut self, place: Option<usize>, change: impl FnOnce(&mut Finding)) {
        if let Some(Some(finding)) = place.and_then(|place| self.list.get_mut(place)) {
            change(finding);
        }
    }

    /// It has turned out to be nothing.
    pub(super) fn withdraw(&mut self, place: Option<usize>) {
        if let Some(finding) = place.and_then(|place| self.list.get_mut(place)) {
            *finding = None;
        }
    }

    /// Of these missing numbers, those below `next` were found.
    pub(super) fn trim(&mut self, place: Option<usize>, next: u64) {
        if let Some(slot) = place.and_then(|place| self.list.get_mut(place))
            && let Some((first, last)) = slot.as_ref().and_then(|finding| finding.sequence)
        {
            if last < next {
                *slot = None;
            } else if let Some(finding) = slot {
                finding.sequence = Some((first.max(next), last));
            }
        }
    }

    /// Forgets what is about single records.
    pub(super) fn forget_records(&mut self) {
        self.list.retain(|finding| {
            finding.as_ref().is_some_and(|finding| finding.checkpoint.is_some() || finding.damage == Damage::Torn)
        });
        self.more = 0;
    }

    fn is_empty(&self) -> bool {
        self.more == 0 && self.list.iter().all(Option::is_none)
    }

    /// In the order of the log, neighbours of one kind together.
    fn finish(self) -> (Vec<Finding>, u64) {
        let mut all: Vec<Finding> = self.list.into_iter().flatten().collect();
        all.sort_by_key(|finding| (finding.record, finding.sequence, finding.damage));
        let mut joined: Vec<Finding> = Vec::new();
        for finding in all {
            if !joined.last_mut().is_some_and(|last| last.absorb(&finding)) {
                joined.push(finding);
            }
        }
        (joined, self.more)
    }
}

/// What is to be said of one node's log.
#[derive(Clone, Debug)]
pub struct NodeReport {
    /// The node.
    pub node: u32,
    /// Records in the log.
    pub records: u64,
    /// Entries that verified.
    pub entries: u64,
    /// Those among them that stand behind a break or were moved.
    pub behind_break: u64,
    /// The number of the entry that would come next.
    pub next: u64,
    /// When the last entry was made.
    pub last_time: Option<Time>,
    /// The checkpoint that reaches farthest of those that the log confirms.
    pub confirmed: Option<(Checkpoint, Source)>,
    /// What is wrong, in the order of the log.
    pub findings: Vec<Finding>,
    /// How many findings more there are than these.
    pub more_findings: u64,
    /// For the auditor to remember: how far the log has come. `None` where something is wrong: what was remembered before stays.
    pub memory: Option<Checkpoint>,
}

impl NodeReport {
    /// True where nothing is wrong with this log.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.more_findings == 0
    }
}

impl Verifier {
    /// Begins before the trail's first entry.
    #[must_use]
    pub fn new(key: &AuditKey) -> Self {
        Self {
            node: key.node(),
            reader: key.reader(),
            at: 0,
            waiting: VecDeque::new(),
            flood: None,
            pool: Pool::default(),
            gaps: Vec::new(),
            places: Places::default(),
            ready: VecDeque::new(),
            findings: Findings::default(),
            expected: BTreeMap::new(),
            is_broken: false,
            probe: None,
            patience: PATIENCE,
            read: 0,
            behind_break: 0,
            last_time: None,
            confirmed: None,
            is_over: false,
        }
    }

    /// Expects the log to confirm this checkpoint; one of another node is left out. To be said before anything is read.
    pub fn expect(&mut self, checkpoint: Checkpoint, source: Source) {
        if checkpoint.node() == self.node {
            self.expected.entry(checkpoint.next()).or_default().push((checkpoint, source));
        }
    }

    /// A second verifier that stands where this one does.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            node: self.node,
            reader: self.reader.fork(),
            at: self.at,
            waiting: self.waiting.clone(),
            flood: self.flood,
            pool: self.pool.clone(),
            gaps: self.gaps.iter().map(Gap::fork).collect(),
            places: self.places.clone(),
            ready: self.ready.clone(),
            findings: self.findings.clone(),
            expected: self.expected.clone(),
            is_broken: self.is_broken,
            probe: self.probe.as_ref().map(TrailReader::fork),
            patience: self.patience,
            read: self.read,
            behind_break: self.behind_break,
            last_time: self.last_time,
            confirmed: self.confirmed.clone(),
            is_over: self.is_over,
        }
    }

    /// The next entry that verifies; `None` at the log's end. Entries that were moved come when they are recognised.
    ///
    /// # Errors
    /// The log's.
    pub fn next(&mut self, log: &mut impl Log) -> io::Result<Option<Reading>> {
        if self.at == 0 && self.read == 0 {
            self.check_expected();
        }
        while self.ready.is_empty() && !self.is_over {
            match log.record(self.at)? {
                Some(record) => {
                    self.look_at(record, log)?;
                    self.at = self.at.saturating_add(1);
                }
                None => {
                    self.end(log)?;
                    self.is_over = true;
                }
            }
        }
        Ok(self.ready.pop_front())
    }

    /// The record that will be looked at next.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.at
    }

    /// True where nothing waits to be explained: from here on, an undamaged log reads as if nothing had been wrong before.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.flood.is_none()
    }

    /// What is to be said of the log, once [`next`](Self::next) has come to its end. `now` is the auditor's time.
    #[must_use]
    pub fn report(self, log: &impl Log, now: Time) -> NodeReport {
        let memory = self.findings.is_empty().then(|| self.reader.checkpoint(now));
        let (findings, more_findings) = self.findings.finish();
        NodeReport {
            node: self.node,
            records: log.count(),
            entries: self.read,
            behind_break: self.behind_break,
            next: self.reader.next(),
            last_time: self.last_time,
            confirmed: self.confirmed,
            findings,
            more_findings,
            memory,
        }
    }

    /// What was found up to here.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.clone().finish().0
    }

    fn look_at(&mut self, record: SealedEntry, log: &mut impl Log) -> io::Result<()> {
        loop {
            if let Some(recorded) = self.read_as_next(&record, log)? {
                // The chain goes on without them: what waits is too much.
                self.settle_extras(log)?;
                self.deliver(self.at, &record, recorded, false);
                return Ok(());
            }
            // What comes before it may have stood earlier, in a place where it didn't belong.
            if !self.take_from_pool() {
                break;
            }
        }
        if !self.resume_behind_damage(&record, log)? {
            self.waiting.push_back((self.at, record));
            self.limit_waiting();
        }
        Ok(())
    }

    /// Reads the record as the entry that comes next. A number far ahead is a restart's or damaged: the neighbours are looked at before
    /// keys are computed for it.
    fn read_as_next(&mut self, record: &SealedEntry, log: &mut impl Log) -> io::Result<Option<Recorded>> {
        let claimed = record.sequence();
        let Some(ahead) = claimed.checked_sub(self.reader.next()) else { return Ok(None) };
        if ahead > NEAR {
            let after_waiting =
                self.waiting.back().is_some_and(|(_, last)| last.sequence().checked_add(1) == Some(claimed));
            if after_waiting || self.patience == 0 || !self.is_backed(claimed, log)? {
                return Ok(None);
            }
        }
        let read = self.reader.read(record).ok();
        if read.is_none() && ahead > NEAR {
            self.patience = self.patience.saturating_sub(ahead);
        }
        Ok(read)
    }

    /// True where the record behind the one that is looked at goes on from this number, or there is none.
    pub(super) fn is_backed(&self, claimed: u64, log: &mut impl Log) -> io::Result<bool> {
        let behind = log.record(self.at.saturating_add(1))?;
        Ok(behind.is_none_or(|behind| behind.sequence() > claimed))
    }

    /// An entry that verified: hands it on, and looks at what is to be looked at there.
    pub(super) fn deliver(&mut self, index: u64, record: &SealedEntry, recorded: Recorded, was_moved: bool) {
        let standing = match (was_moved, self.is_broken) {
            (true, _) => Standing::Moved,
            (false, true) => Standing::BehindBreak,
            (false, false) => Standing::Whole,
        };
        self.places.note(recorded.sequence, index);
        self.read = self.read.saturating_add(1);
        self.behind_break = self.behind_break.saturating_add(u64::from(standing != Standing::Whole));
        self.last_time = self.last_time.max(Some(recorded.time));
        self.probe = None;
        self.ready.push_back(Reading { node: self.node, record: index, recorded, standing });
        if !was_moved {
            self.recognise_copies(index, record);
        }
        self.check_expected();
    }

    /// Whether the log confirms what is expected at the place where the reader stands.
    pub(super) fn check_expected(&mut self) {
        let Some(here) = self.expected.remove(&self.reader.next()) else { return };
        for (checkpoint, source) in here {
            if self.reader.confirms(&checkpoint) {
                self.confirmed = Some((checkpoint, source));
            } else {
                self.note_checkpoint(Damage::Contradicted, checkpoint, source);
            }
        }
    }

    pub(super) fn note_checkpoint(&mut self, damage: Damage, checkpoint: Checkpoint, source: Source) {
        let mut finding = Finding::new(self.node, damage, self.at, 0);
        finding.checkpoint = Some((checkpoint, source));
        self.findings.note(finding);
    }

    pub(super) const fn entries_read(&self) -> u64 {
        self.read
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("node", &self.node).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Numbers that are tried without hesitation: some microseconds each.
pub(super) const NEAR: u64 = 256;

/// Keys that may be computed in vain, over a whole log: a second or two; the last attempt may take
/// longer.
const PATIENCE: u64 = 1 << 22;

/// Findings beyond are counted.
const MAX_FINDINGS: usize = 10_000;
