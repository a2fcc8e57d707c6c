//! Sorts what waited: which record is damaged, which number is missing, and where the chain goes on.

use std::{collections::VecDeque, io};

use symbolon::{SealedEntry, TrailReader};

use super::{
    finding::{Damage, Finding},
    log::Log,
    strays::Gap,
    verifier::{NEAR, Verifier},
};

type Waiting = (u64, SealedEntry);

impl Verifier {
    /// The chain goes on without what waits: none of it belongs where it stands.
    pub(super) fn settle_extras(&mut self, log: &mut impl Log) -> io::Result<()> {
        if let Some((first, count)) = self.flood.take() {
            self.findings.note(Finding::new(self.node, Damage::Unreadable, first, count));
        }
        for (index, record) in std::mem::take(&mut self.waiting) {
            self.settle_stray(index, record, None, log)?;
        }
        Ok(())
    }

    /// Reads the record as the one behind the record before it, which is taken as it stands, under the numbers that are likely for that.
    pub(super) fn resume_behind_damage(&mut self, record: &SealedEntry, log: &mut impl Log) -> io::Result<bool> {
        let Some((_, last)) = self.waiting.back() else { return Ok(false) };
        let (last, claimed) = (last.clone(), record.sequence());
        let by_place = self.reader.next().saturating_add(self.waiting_len()).saturating_sub(1);
        let mut tried = Vec::with_capacity(3);
        for number in [claimed.checked_sub(1), Some(by_place), Some(last.sequence())].into_iter().flatten() {
            let possible = number >= self.reader.next() && number < claimed && !tried.contains(&number);
            if !possible || !self.is_worth_it(number, claimed, &last, log)? {
                continue;
            }
            tried.push(number);
            let Some(mut reader) = self.reader_behind(number, &last) else { continue };
            let jump = claimed.saturating_sub(number);
            match reader.read(record) {
                Ok(recorded) => {
                    self.bridge(number, reader, log)?;
                    self.deliver(self.at, record, recorded, false);
                    return Ok(true);
                }
                Err(_) if jump > NEAR => self.patience = self.patience.saturating_sub(jump),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    /// Numbers nearby always; farther ones where both neighbours say so, or the one behind, and there is patience left.
    fn is_worth_it(&self, number: u64, claimed: u64, last: &SealedEntry, log: &mut impl Log) -> io::Result<bool> {
        let (ahead, jump) = (number.saturating_sub(self.reader.next()), claimed.saturating_sub(number));
        if ahead > NEAR && (number != last.sequence() || ahead > FAR || self.patience == 0) {
            return Ok(false);
        }
        // Behind a damaged record a restart may have skipped some.
        Ok(jump <= NEAR || self.patience > 0 && self.is_backed(claimed, log)?)
    }

    /// A reader that stands behind this record as if it had this number.
    fn reader_behind(&mut self, number: u64, last: &SealedEntry) -> Option<TrailReader> {
        let start = self.probe.as_ref().filter(|probe| probe.next() <= number).unwrap_or(&self.reader);
        let mut reader = start.fork();
        let cost = number.saturating_sub(reader.next());
        if cost > NEAR {
            self.patience = self.patience.saturating_sub(cost);
        }
        while reader.next() < number {
            let step = number.saturating_sub(1).min(reader.next().saturating_add(STEP));
            reader.pass(step, last).ok()?;
        }
        self.probe = Some(reader.fork());
        reader.pass(number, last).ok()?;
        Some(reader)
    }

    /// Goes on with this reader, which stands behind the last of what waits under this number; sorts what waits.
    fn bridge(&mut self, number: u64, reader: TrailReader, log: &mut impl Log) -> io::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if let Some((first, count)) = self.flood.take() {
            let records = count.saturating_add(u64::try_from(waiting.len()).unwrap_or(u64::MAX));
            let finding = Finding::new(self.node, Damage::Unreadable, first, records);
            self.findings.note(finding.numbered(self.reader.next(), number));
            self.gaps_push(Gap::new(self.reader.fork(), number, first));
        } else {
            self.read_whole_ones(&mut waiting, number);
            if self.reader.next() > number {
                // The last was whole after all, and nothing is broken.
                for (index, record) in waiting {
                    self.settle_stray(index, record, None, log)?;
                }
                self.reader = reader;
                return Ok(());
            }
            if let Some(last) = waiting.pop_back() {
                self.sort(waiting, last, number, log)?;
            }
        }
        self.is_broken = true;
        self.reader = reader;
        self.check_expected();
        Ok(())
    }

    /// Entries that waited only because their numbers are far ahead.
    fn read_whole_ones(&mut self, waiting: &mut VecDeque<Waiting>, number: u64) {
        let mut rest = VecDeque::new();
        for (index, record) in std::mem::take(waiting) {
            let ahead = record.sequence().checked_sub(self.reader.next()).filter(|_| record.sequence() <= number);
            let tried = ahead.filter(|ahead| *ahead <= NEAR || rest.is_empty()).map(|_| self.reader.read(&record));
            match tried {
                Some(Ok(recorded)) => self.deliver(index, &record, recorded, false),
                _ => rest.push_back((index, record)),
            }
        }
        *waiting = rest;
    }

    /// Says which of the records is damaged and which numbers are missing, up to the last record, which has this number.
    fn sort(&mut self, waiting: VecDeque<Waiting>, last: Waiting, number: u64, log: &mut impl Log) -> io::Result<()> {
        let first = self.reader.next();
        let mut gap = Gap::new(self.reader.fork(), number, waiting.front().unwrap_or(&last).0);
        let mut strays = Vec::new();
        let mut next = first;
        // Numbers that have no record, at least.
        let mut spare = number.saturating_sub(first).saturating_sub(u64::try_from(waiting.len()).unwrap_or(u64::MAX));
        for (at, (index, record)) in waiting.iter().enumerate() {
            let claimed = record.sequence();
            let is_its_own = (next..number).contains(&claimed) && claimed.saturating_sub(next) <= spare;
            let later = waiting.iter().skip(at.saturating_add(1));
            let claimants = later.filter(|(_, record)| (next..number).contains(&record.sequence())).count();
            let left = number.saturating_sub(next);
            if !is_its_own && left <= u64::try_from(claimants).unwrap_or(u64::MAX) {
                strays.push((*index, record.clone(), None));
                continue;
            }
            let place = if is_its_own { claimed } else { next };
            if place > next {
                spare = spare.saturating_sub(place.saturating_sub(next));
                gap.missing.push(self.missing(*index, next, place.saturating_sub(1)));
            }
            let altered =
                self.findings.note(Finding::new(self.node, Damage::Altered, *index, 1).numbered(place, place));
            if claimed != place {
                strays.push((*index, record.clone(), Some((place, altered))));
            }
            next = place.saturating_add(1);
        }
        let (index, record) = last;
        if next < number {
            gap.missing.push(self.missing(index, next, number.saturating_sub(1)));
        }
        let damage = if number == first || record.sequence() != number { Damage::Altered } else { Damage::Unproven };
        let finding = self.findings.note(Finding::new(self.node, damage, index, 1).numbered(number, number));
        if damage == Damage::Unproven {
            gap.unproven = Some((index, record, finding));
        }
        self.gaps_push(gap);
        for (index, record, stands_for) in strays {
            self.settle_stray(index, record, stands_for, log)?;
        }
        self.narrow_gap(self.gaps.len().saturating_sub(1));
        Ok(())
    }

    fn missing(&mut self, before: u64, first: u64, last: u64) -> Option<usize> {
        self.findings.note(Finding::new(self.node, Damage::Missing, before, 0).numbered(first, last))
    }

    fn gaps_push(&mut self, gap: Gap) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(gap);
        }
    }

    /// The log is over: sorts what still waits, and what was expected and didn't come.
    pub(super) fn end(&mut self, log: &mut impl Log) -> io::Result<()> {
        while self.take_from_pool() {}
        self.end_at_checkpoint(log)?;
        self.end_without_witness(log)?;
        while self.take_from_pool() {}
        if log.torn() > 0 {
            let mut torn = Finding::new(self.node, Damage::Torn, log.count(), 0);
            torn.sequence = Some((self.reader.next(), self.reader.next()));
            self.findings.note(torn);
        }
        let expected = std::mem::take(&mut self.expected);
        let mut farthest = None;
        for (checkpoint, source) in expected.into_values().flatten() {
            if checkpoint.next() > self.reader.next() {
                farthest = Some((checkpoint, source));
            } else if self.gaps.iter().any(|gap| gap.covers(checkpoint.next())) {
                self.note_checkpoint(Damage::Unchecked, checkpoint, source);
            } else {
                self.note_checkpoint(Damage::Contradicted, checkpoint, source);
            }
        }
        // Where one tail is missing, one finding says so: that of the checkpoint which reaches farthest.
        if let Some((checkpoint, source)) = farthest {
            self.note_checkpoint(Damage::Cut, checkpoint, source);
        }
        if self.entries_read() == 0 && log.count() >= ENOUGH {
            self.findings.forget_records();
            self.findings.note(Finding::new(self.node, Damage::OtherTrail, 0, log.count()));
        }
        Ok(())
    }

    /// A checkpoint behind the last record does what another record would do.
    fn end_at_checkpoint(&mut self, log: &mut impl Log) -> io::Result<()> {
        let Some((_, last)) = self.waiting.back() else { return Ok(()) };
        let last = last.clone();
        let farther: Vec<u64> =
            self.expected.range(self.reader.next().saturating_add(1)..).map(|(next, _)| *next).collect();
        for next in farther {
            let number = next.saturating_sub(1);
            if number.saturating_sub(self.reader.next()) > FAR {
                break;
            }
            let Some(reader) = self.reader_behind(number, &last) else { continue };
            let confirmed =
                self.expected.get(&next).is_some_and(|here| here.iter().any(|(said, _)| reader.confirms(said)));
            if confirmed {
                return self.bridge(number, reader, log);
            }
        }
        Ok(())
    }

    /// What waits at the log's end, with nothing behind it: its own numbers have to do.
    fn end_without_witness(&mut self, log: &mut impl Log) -> io::Result<()> {
        if let Some((first, count)) = self.flood.take() {
            let next = self.reader.next();
            self.findings.note(Finding::new(self.node, Damage::Unreadable, first, count).numbered(next, next));
        }
        let mut next = self.reader.next();
        for (index, record) in std::mem::take(&mut self.waiting) {
            let claimed = record.sequence();
            if claimed < next {
                // No copy, and no entry from elsewhere: rather the next one with another number on it.
                if self.recognise_last(index, &record, log)? {
                    continue;
                }
            } else if claimed > next && claimed.saturating_sub(next) <= NEAR {
                self.missing(index, next, claimed.saturating_sub(1));
                let unproven = Finding::new(self.node, Damage::Unproven, index, 1).numbered(claimed, claimed);
                self.findings.note(unproven);
                next = claimed.saturating_add(1);
                continue;
            }
            self.findings.note(Finding::new(self.node, Damage::Altered, index, 1).numbered(next, next));
            next = next.saturating_add(1);
        }
        Ok(())
    }

    /// How many records wait, those that were too many included.
    fn waiting_len(&self) -> u64 {
        let flood = self.flood.map_or(0, |(_, count)| count);
        flood.saturating_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX))
    }

    /// Too many to be told apart: they become one stretch, but for the last, behind which the chain may go on.
    pub(super) fn limit_waiting(&mut self) {
        if self.waiting.len() <= MAX_WAITING {
            return;
        }
        let (first, count) = self.flood.unwrap_or((self.waiting.front().map_or(self.at, |(first, _)| *first), 0));
        let gone = self.waiting.len().saturating_sub(1);
        self.waiting.drain(..gone);
        self.flood = Some((first, count.saturating_add(u64::try_from(gone).unwrap_or(u64::MAX))));
    }
}

/// The farthest that a deleted stretch is looked across: seconds of work.
const FAR: u64 = 1 << 24;

/// The most that a reader passes at once.
const STEP: u64 = 1 << 20;

const MAX_WAITING: usize = 1024;

const MAX_GAPS: usize = 4096;

/// So many records and not one entry: that is no damage.
const ENOUGH: u64 = 8;
