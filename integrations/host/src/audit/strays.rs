//! What stands where it doesn't belong, and the places where something is missing: so that one is found for the other.

use std::{collections::BTreeMap, io};

use symbolon::{Recorded, SealedEntry, TrailReader};

use super::{
    finding::{Damage, Finding},
    log::Log,
    verifier::{NEAR, Verifier},
};

/// Records that belong nowhere so far, by the number that they claim.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    by_number: BTreeMap<u64, Vec<Stray>>,
    len: usize,
}

/// A record that belongs nowhere so far.
#[derive(Clone, Debug)]
pub(super) struct Stray {
    index: u64,
    record: SealedEntry,
    finding: Option<usize>,
    /// The number that belongs in its place, which is missing where this turns out to be another entry.
    stands_for: Option<u64>,
}

impl Pool {
    fn put(&mut self, stray: Stray) {
        // Beyond, it stays what it was found to be: put in from elsewhere.
        if self.len < MAX_POOL {
            self.by_number.entry(stray.record.sequence()).or_default().push(stray);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Takes out the copies of an entry.
    fn copies_of(&mut self, record: &SealedEntry) -> Vec<Stray> {
        let Some(strays) = self.by_number.get_mut(&record.sequence()) else { return Vec::new() };
        let copies: Vec<_> = strays.extract_if(.., |stray| stray.record == *record).collect();
        self.len = self.len.saturating_sub(copies.len());
        copies
    }

    /// Takes out the first that `wanted` can use, of those that claim one of these numbers.
    fn take<T>(
        &mut self,
        first: u64,
        last: u64,
        mut wanted: impl FnMut(&SealedEntry) -> Option<T>,
    ) -> Option<(Stray, T)> {
        // A range that ends before it begins is a panic.
        if first > last {
            return None;
        }
        for strays in self.by_number.range_mut(first..=last).map(|(_, strays)| strays).take(MAX_TRIED) {
            for place in 0..strays.len() {
                if let Some(found) = strays.get(place).and_then(|stray| wanted(&stray.record)) {
                    self.len = self.len.saturating_sub(1);
                    return Some((strays.remove(place), found));
                }
            }
        }
        None
    }
}

/// Where numbers are missing, and a reader that stands there.
#[derive(Debug)]
pub(super) struct Gap {
    reader: TrailReader,
    /// The last number of the stretch, which the chain went on from as it stands.
    pub(super) last: u64,
    /// The record before which the missing entries belong.
    before: u64,
    /// The record of the last number, where it could not be verified, and its finding.
    pub(super) unproven: Option<(u64, SealedEntry, Option<usize>)>,
    /// The findings of numbers in it that have no record.
    pub(super) missing: Vec<Option<usize>>,
    first: u64,
}

impl Gap {
    pub(super) fn new(reader: TrailReader, last: u64, before: u64) -> Self {
        let first = reader.next();
        Self { reader, last, before, unproven: None, missing: Vec::new(), first }
    }

    pub(super) fn fork(&self) -> Self {
        let (unproven, missing) = (self.unproven.clone(), self.missing.clone());
        Self { reader: self.reader.fork(), unproven, missing, ..*self }
    }

    /// True where a checkpoint at this place can't be checked.
    pub(super) const fn covers(&self, next: u64) -> bool {
        self.first < next && next <= self.last.saturating_add(1)
    }
}

/// Which record has which number: runs of both, so that a whole log is one of them and each restart begins another.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    runs: BTreeMap<u64, (u64, u64)>,
}

impl Places {
    pub(super) fn note(&mut self, number: u64, index: u64) {
        if let Some((first, (place, len))) = self.runs.range_mut(..=number).next_back()
            && first.saturating_add(*len) == number
            && place.saturating_add(*len) == index
        {
            *len = len.saturating_add(1);
            return;
        }
        self.runs.insert(number, (index, 1));
    }

    fn of(&self, number: u64) -> Option<u64> {
        let (first, (place, len)) = self.runs.range(..=number).next_back()?;
        let within = number.saturating_sub(*first);
        (within < *len).then(|| place.saturating_add(within))
    }
}

impl Verifier {
    /// Reads on with an entry that stood earlier, where it didn't belong.
    pub(super) fn take_from_pool(&mut self) -> bool {
        let next = self.reader.next();
        let reader = &mut self.reader;
        let found = self.pool.take(next, next.saturating_add(NEAR), |record| reader.read(record).ok());
        let Some((stray, recorded)) = found else { return false };
        let belongs_before = self.waiting.front().map_or(self.at, |(first, _)| *first);
        self.deliver_moved(&stray, recorded, belongs_before);
        true
    }

    /// A record that doesn't belong where it stands: a copy, an entry from elsewhere, or none at all. Where it is known which number belongs
    /// there, a finding says so already.
    pub(super) fn settle_stray(
        &mut self,
        index: u64,
        record: SealedEntry,
        stands_for: Option<(u64, Option<usize>)>,
        log: &mut impl Log,
    ) -> io::Result<()> {
        let claimed = record.sequence();
        let finding = match stands_for {
            Some((_, finding)) => finding,
            None => self.findings.note(Finding::new(self.node, Damage::Inserted, index, 1).numbered(claimed, claimed)),
        };
        let stray = Stray { index, record, finding, stands_for: stands_for.map(|(number, _)| number) };
        if !self.recognise(&stray, log)? && self.places.of(claimed).is_none() {
            self.pool.put(stray);
        }
        Ok(())
    }

    /// True where it is an entry that was missing, or a copy of one that was read.
    fn recognise(&mut self, stray: &Stray, log: &mut impl Log) -> io::Result<bool> {
        if self.fill_gap(stray) {
            return Ok(true);
        }
        let Some(place) = self.places.of(stray.record.sequence()) else { return Ok(false) };
        let is_copy = log.record(place)?.as_ref() == Some(&stray.record);
        if is_copy {
            self.is_copy(stray, place);
        }
        Ok(is_copy)
    }

    /// What waits at the log's end and claims a number that is past: true where it is a known entry.
    pub(super) fn recognise_last(&mut self, index: u64, record: &SealedEntry, log: &mut impl Log) -> io::Result<bool> {
        let finding = self.findings.note(Finding::new(self.node, Damage::Inserted, index, 1));
        let stray = Stray { index, record: record.clone(), finding, stands_for: None };
        let known = self.recognise(&stray, log)?;
        if !known {
            self.findings.withdraw(finding);
        }
        Ok(known)
    }

    /// What stood earlier and is a copy of this entry.
    pub(super) fn recognise_copies(&mut self, place: u64, record: &SealedEntry) {
        for copy in self.pool.copies_of(record) {
            self.is_copy(&copy, place);
        }
    }

    fn is_copy(&mut self, stray: &Stray, place: u64) {
        let number = stray.record.sequence();
        self.findings.change(stray.finding, |finding| {
            (finding.damage, finding.other) = (Damage::Duplicate, Some(place));
            finding.sequence = Some((number, number));
        });
        self.now_missing(stray);
    }

    fn deliver_moved(&mut self, stray: &Stray, recorded: Recorded, before: u64) {
        let number = recorded.sequence;
        self.findings.change(stray.finding, |finding| {
            (finding.damage, finding.other) = (Damage::Moved, Some(before));
            finding.sequence = Some((number, number));
        });
        self.now_missing(stray);
        self.deliver(stray.index, &stray.record, recorded, true);
    }

    /// The record in this place is another entry: the one that belongs there is missing, unless it was found elsewhere.
    fn now_missing(&mut self, stray: &Stray) {
        let Some(number) = stray.stands_for else { return };
        let gap = self.gaps.iter_mut().find(|gap| gap.first <= number && number <= gap.last);
        if gap.as_ref().is_some_and(|gap| gap.reader.next() > number) {
            return;
        }
        let finding = Finding::new(self.node, Damage::Missing, stray.index, 0).numbered(number, number);
        let finding = self.findings.note(finding);
        if let Some(gap) = gap {
            gap.missing.push(finding);
        }
    }

    /// True where the record is an entry that was missing.
    fn fill_gap(&mut self, stray: &Stray) -> bool {
        let claimed = stray.record.sequence();
        for place in 0..self.gaps.len() {
            let Some(gap) = self.gaps.get_mut(place) else { break };
            if claimed < gap.reader.next() || claimed > gap.last {
                continue;
            }
            if let Ok(recorded) = gap.reader.read(&stray.record) {
                let before = gap.before;
                self.deliver_moved(stray, recorded, before);
                self.narrow_gap(place);
                return true;
            }
        }
        false
    }

    /// Goes on in a gap with what else is known, and says what is still missing there.
    pub(super) fn narrow_gap(&mut self, place: usize) {
        while let Some(gap) = self.gaps.get_mut(place) {
            let (next, last, before) = (gap.reader.next(), gap.last, gap.before);
            let reader = &mut gap.reader;
            let found = self.pool.take(next, last, |record| reader.read(record).ok());
            if let Some((stray, recorded)) = found {
                self.deliver_moved(&stray, recorded, before);
                continue;
            }
            let proven = gap.unproven.take_if(|(_, record, _)| record.sequence() >= next);
            let Some((index, record, finding)) = proven else { break };
            match gap.reader.read(&record) {
                Ok(recorded) => {
                    self.findings.withdraw(finding);
                    self.deliver(index, &record, recorded, false);
                }
                Err(_) => {
                    gap.unproven = Some((index, record, finding));
                    break;
                }
            }
        }
        let Some(gap) = self.gaps.get(place) else { return };
        let next = gap.reader.next();
        for finding in &gap.missing {
            self.findings.trim(*finding, next);
        }
    }
}

/// Records that are kept to be recognised later: some megabytes.
const MAX_POOL: usize = 1 << 16;

/// Numbers of the pool that are tried for one place.
const MAX_TRIED: usize = 8;
