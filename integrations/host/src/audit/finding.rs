//! What is wrong with a log, where, and what that means, in words.

use std::fmt;

use symbolon::Checkpoint;

use super::{log::RECORD, words::utc};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Damage {
    /// The record in this place is not the entry that was made there: it was altered, or something else was put in its place.
    Altered,
    /// Numbers that have no record: deleted, or skipped by a restart whose entry is damaged, too.
    Missing,
    /// The entry can't be verified, for that takes the one before it, which is damaged or missing. What follows says that its tag is
    /// right; what is in it can't be read.
    Unproven,
    /// A second copy of an entry that stands elsewhere.
    Duplicate,
    /// A genuine entry that stands in another place than it was made in.
    Moved,
    /// A record that was not made with this trail's key, or not for this log.
    Inserted,
    /// A long stretch in which nothing can be read.
    Unreadable,
    /// None of the records is this trail's.
    OtherTrail,
    /// The log ends within an entry.
    Torn,
    /// The log ends before a place that a checkpoint says it had come to: its tail was cut off, or an old copy put back.
    Cut,
    /// The log comes to the checkpoint's place and says something else: an old copy was put back and written on, or all was made anew; or the checkpoint is false, or of another
    /// trail.
    Contradicted,
    /// A checkpoint whose place is in a damaged stretch.
    Unchecked,
    /// A node of which others say that it has a trail, and whose log was not given.
    LogMissing,
}

/// Who says how far a trail had come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The auditor, when this log was last verified.
    Memory,
    /// A checkpoint that was kept elsewhere, by the name that it was given.
    Given(String),
    /// Another node's trail, in its entry of this number.
    Witness {
        /// The node whose trail has it.
        node: u32,
        /// The number of the entry there.
        sequence: u64,
    },
}

/// Something that is wrong with a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whose log.
    pub node: u32,
    /// What.
    pub damage: Damage,
    /// The first record that it is about, or before which something is missing, counted from 0. Its first byte is at 110 times that.
    pub record: u64,
    /// How many records it is about; 0 where it is about none.
    pub records: u64,
    /// The first and the last sequence number that it is about, as far as that can be told.
    pub sequence: Option<(u64, u64)>,
    /// The other place: of a duplicate the entry's own, of a moved entry the record before which it belongs.
    pub other: Option<u64>,
    /// The checkpoint that says so, and where it was found.
    pub checkpoint: Option<(Checkpoint, Source)>,
}

impl Finding {
    pub(super) const fn new(node: u32, damage: Damage, record: u64, records: u64) -> Self {
        Self { node, damage, record, records, sequence: None, other: None, checkpoint: None }
    }

    pub(super) fn numbered(self, first: u64, last: u64) -> Self {
        Self { sequence: Some((first, last)), ..self }
    }

    /// The first byte that it is about.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.record.saturating_mul(RECORD)
    }

    /// True where it is about this record, or about this sequence number.
    #[must_use]
    pub fn is_about(&self, record: u64, sequence: u64) -> bool {
        let of_record = (self.record..self.record.saturating_add(self.records)).contains(&record);
        of_record || self.sequence.is_some_and(|(first, last)| (first..=last).contains(&sequence))
    }

    /// Takes in the next finding, where both are one stretch of the same damage.
    pub(super) fn absorb(&mut self, next: &Self) -> bool {
        let one_kind = self.damage == next.damage && self.node == next.node && self.checkpoint.is_none();
        let joins = self.records > 0 && next.records > 0 && self.record.saturating_add(self.records) == next.record;
        let sequence = match (self.sequence, next.sequence) {
            (Some((first, last)), Some((second, end))) if last.saturating_add(1) == second => Some((first, end)),
            _ => None,
        };
        let steps = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => self.damage == Damage::Moved || one.saturating_add(self.records) == other,
            (None, None) => true,
            _ => false,
        };
        if !(one_kind && joins && sequence.is_some() && steps(self.other, next.other)) {
            return false;
        }
        (self.sequence, self.records) = (sequence, self.records.saturating_add(next.records));
        true
    }
}

/// One sentence or two, for a person who has to do something about it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Records(self.record, self.records);
        let numbers = Numbers(self.sequence);
        let other = self.other.unwrap_or_default();
        write!(f, "node {}, ", self.node)?;
        match self.damage {
            Damage::Altered => write!(f, "{place}: altered or replaced; {numbers} belongs here"),
            Damage::Missing => write!(
                f,
                "before record {} (byte {}): no record of {numbers}: deleted, or skipped by a restart whose entry is damaged as well",
                self.record,
                self.offset()
            ),
            Damage::Unproven => write!(
                f,
                "{place}: {numbers} can't be verified or read, for the entry before it is missing or damaged, or it is damaged itself"
            ),
            Damage::Duplicate => write!(f, "{place}: a copy of {numbers}, which stands at record {other}"),
            Damage::Moved => write!(f, "{place}: {numbers} is genuine and was moved; it belongs before record {other}"),
            Damage::Inserted => {
                write!(f, "{place}: put in from elsewhere, not made with this trail's key ({numbers} by its own word)")
            }
            Damage::Unreadable => write!(f, "{place}: nothing here can be read; {numbers} would belong here"),
            Damage::OtherTrail => write!(
                f,
                "{place}: no record is this trail's: the log of another node or keyring, the wrong audit key, or all of it was replaced"
            ),
            Damage::Torn => write!(
                f,
                "behind record {}: the log ends in the middle of an entry (byte {}): cut, or a write that was interrupted",
                self.record,
                self.offset()
            ),
            Damage::Cut => write!(
                f,
                "the log ends at record {} (byte {}), and {}: the tail was cut off, or an old copy put back",
                self.record,
                self.offset(),
                Said(self)
            ),
            Damage::Contradicted => write!(
                f,
                "the log says something else than {}: an old copy was put back and written on, or it was made anew; or that checkpoint is false or another trail's",
                Said(self)
            ),
            Damage::Unchecked => write!(f, "a damaged stretch is where {}: that can't be checked", Said(self)),
            Damage::LogMissing => write!(f, "no log was given, but {}", Said(self)),
        }
    }
}

/// Records in words.
struct Records(u64, u64);

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, count) = (self.0, self.1);
        let byte = first.saturating_mul(RECORD);
        match count {
            0 | 1 => write!(f, "record {first} (byte {byte})"),
            _ => write!(f, "records {first} to {} (from byte {byte})", first.saturating_add(count).saturating_sub(1)),
        }
    }
}

/// Sequence numbers in words.
struct Numbers(Option<(u64, u64)>);

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("an unknown entry"),
            Some((first, last)) if first == last => write!(f, "entry {first}"),
            Some((first, last)) => write!(f, "entries {first} to {last}"),
        }
    }
}

/// What a checkpoint says, and where it was found.
struct Said<'f>(&'f Finding);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((checkpoint, source)) = &self.0.checkpoint else { return f.write_str("a checkpoint says otherwise") };
        write!(f, "{source} says that on {} the trail had come to number {}", utc(checkpoint.time()), checkpoint.next())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("the last verification"),
            Self::Given(name) => write!(f, "the checkpoint {name}"),
            Self::Witness { node, sequence } => write!(f, "entry {sequence} of node {node}'s trail"),
        }
    }
}
