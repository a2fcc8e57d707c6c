//! The book: which entries must stand in the trail, in which order; and the trail, read with the audit key as it becomes durable.

use std::collections::VecDeque;

use symbolon::{
    Alarm, AuditKey, Entry, Event, Principal, Reason, Recorded, SealedEntry, SessionId, TokenBuf, TokenHead,
    TrailReader,
};

use super::{
    Tally, Wrong,
    cast::{COUNT, Who, address_field, field, kind},
    ideal::{AccessFacts, GrantFacts, Judged, Keys, Place, SessionFacts},
};

/// An entry that must come, with one of these reasons.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    entry: Entry,
    reasons: Vec<Reason>,
    time: u64,
    keys: Keys,
}

/// What the host may say by itself, and how much of it.
#[derive(Default)]
pub(super) struct OwnWords {
    /// How often the clock fell behind: at least, and at most, for a call doesn't always come so far as to look at it.
    pub(super) clock_back: (u32, u32),
    /// Calls that found no room: at least, and at most, for it isn't always the only thing that they didn't find.
    pub(super) unrecorded: (u32, u32),
    pub(super) alarms: VecDeque<Alarm>,
    /// How often an alarm stopped everything.
    pub(super) stops: u32,
    /// There was so little room that it may have been silent.
    pub(super) tight: bool,
}

impl OwnWords {
    /// What came after it, before any of it was said.
    pub(super) fn add(&mut self, later: Self) {
        let add = |(least, most): (u32, u32), (more, at_most): (u32, u32)| (least + more, most + at_most);
        self.clock_back = add(self.clock_back, later.clock_back);
        self.unrecorded = add(self.unrecorded, later.unrecorded);
        self.alarms.extend(later.alarms);
        self.stops += later.stops;
        self.tight |= later.tight;
    }
}

pub(super) struct Book {
    tags: [[u8; 16]; COUNT],
    audit: AuditKey,
    reader: TrailReader,
    pending: VecDeque<Expected>,
    pub(super) own: OwnWords,
    /// The keys that the trail says last.
    said: Option<Keys>,
    /// All that was read, for the end.
    read: Vec<Recorded>,
    wrong: Option<Wrong>,
}

/// The names that entries of one session bear.
pub(super) struct Signed<'a> {
    pub(super) facts: &'a SessionFacts,
    pub(super) id: SessionId,
}

impl Book {
    pub(super) fn new(audit: AuditKey, people: &[Principal; COUNT], wrong: Option<Wrong>) -> Self {
        let tags = std::array::from_fn(|who| audit.tag_of(&people[who]));
        let (reader, pending) = (audit.reader(), VecDeque::new());
        Self { tags, audit, reader, pending, own: OwnWords::default(), said: None, read: Vec::new(), wrong }
    }

    pub(super) fn tag(&self, who: Who) -> [u8; 16] {
        self.tags[who]
    }

    /// Somebody whom the model knows.
    pub(super) fn knows(&self, tag: &[u8; 16]) -> bool {
        self.tags.contains(tag)
    }

    /// Entries that wait to become durable.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// This entry must come next.
    pub(super) fn expect(&mut self, entry: Entry, reasons: &[Reason], time: u64, keys: &Keys) {
        assert!(!reasons.is_empty(), "the model has no reason for {entry:?}");
        if self.wrong == Some(Wrong::EntryDropped) && entry.event == Event::Reveal {
            return;
        }
        self.pending.push_back(Expected { entry, reasons: reasons.to_vec(), time, keys: keys.clone() });
    }

    /// The power is gone, and with it what was not durable.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.own = OwnWords::default();
    }

    /// An entry of a session about nothing in particular.
    pub(super) fn by(&self, signed: &Signed<'_>, event: Event) -> Entry {
        Entry {
            caller: self.tags[signed.facts.who],
            caller_kind: kind(signed.facts.who).code(),
            session: first8(signed.id.as_bytes()),
            ..nobody(event)
        }
    }

    /// SPEC.md section 8: what stands in the entry of an opening.
    pub(super) fn opening(
        &self,
        entry: Entry,
        access: &AccessFacts,
        place: Place,
        token: &TokenBuf,
        judged: &Judged,
        grant: [u8; 8],
    ) -> Entry {
        let (bytes, opened) = (token.as_token().as_bytes().to_vec(), judged.reason == Reason::Done);
        let view = match (opened, entry.event) {
            (false, _) => 0,
            (_, Event::Rewrap | Event::Reown) => 3,
            _ => 1 + u8::from(access.masked),
        };
        let owner = if opened { self.tags[judged.owner] } else { part(&bytes, 22) };
        Entry {
            field: field(place.field).code(),
            purpose: access.purpose.into(),
            view,
            token: TokenHead { header: part(&bytes, 0), nonce: part(&bytes, 10) },
            owner_or_commitment: owner,
            grant: if judged.grant.is_some() { grant } else { [0; 8] },
            ..entry
        }
    }

    /// An entry that names an owner, and a field of an address.
    pub(super) fn naming(&self, mut entry: Entry, owner: Who, address: Option<usize>) -> Entry {
        entry.owner_or_commitment = self.tags[owner];
        entry.field = address.map_or(0, |number| address_field(number).code());
        entry
    }

    /// The two or three entries of a grant; the grant's own name is known only when it is handed out.
    pub(super) fn granting(&self, entry: Entry, grant: &GrantFacts, fields: &[u16], words: Option<&str>) -> Vec<Entry> {
        let first = Entry {
            field: fields[0],
            purpose: grant.purpose.into(),
            view: grant.view,
            count: grant.uses,
            token: head(&self.tags[grant.grantee]),
            owner_or_commitment: self.tags[grant.owner],
            ..entry.clone()
        };
        let times = [grant.begins.to_le_bytes(), grant.expires.to_le_bytes()].concat();
        let mut codes: Vec<u8> = fields.iter().flat_map(|code| code.to_le_bytes()).collect();
        codes.resize(16, 0);
        let scope = Entry {
            event: Event::GrantScope,
            token: head(&times),
            owner_or_commitment: part(&codes, 0),
            ..entry.clone()
        };
        let mut all = vec![first, scope];
        if let Some(words) = words {
            let mut padded = words.as_bytes().to_vec();
            padded.resize(34, 0);
            let token = TokenHead { header: part(&padded, 0), nonce: part(&padded, 6) };
            all.push(Entry { event: Event::GrantReason, token, owner_or_commitment: part(&padded, 18), ..entry });
        }
        all
    }

    /// Reads what became durable, and compares: all that was expected must be there, and nothing else.
    pub(super) fn read(&mut self, entries: &[SealedEntry], stopped: bool, tally: &mut Tally) {
        for sealed in entries {
            let recorded = self.reader.read(sealed).expect("the chain is whole");
            tally.entry(&recorded.entry);
            self.compare(&recorded, stopped);
            self.read.push(recorded);
        }
    }

    /// All that was staged is durable, but for so many entries that were staged later: nothing is missing.
    pub(super) fn all_is_there(&mut self, later: usize) {
        assert_eq!(self.pending.len(), later, "missing in the trail, of these the first: {:?}", self.pending);
        let own = &mut self.own;
        if !own.tight {
            assert_eq!(own.clock_back.0, 0, "the clock fell behind, and it is not in the trail");
            assert!(own.alarms.is_empty(), "alarms that are not in the trail: {:?}", own.alarms);
            assert_eq!(own.stops, 0, "an alarm's stop is not in the trail");
            assert_eq!(own.unrecorded.0, 0, "calls that were not recorded, and no entry counts them");
            own.unrecorded = (0, 0);
        }
        // What was told without room is not told again.
        own.alarms.clear();
        own.clock_back = (0, 0);
        own.tight = false;
    }

    fn compare(&mut self, recorded: &Recorded, stopped: bool) {
        let entry = &recorded.entry;
        if self.is_own(entry, stopped) {
            return;
        }
        let Some(expected) = self.pending.pop_front() else { panic!("an entry that nobody asked for: {entry:?}") };
        let mut as_expected = Entry { reason: entry.reason, ..expected.entry.clone() };
        if matches!(entry.event, Event::Grant | Event::GrantScope) && entry.reason == Reason::Done {
            // Its name is compared when it is handed out.
            as_expected.grant = entry.grant;
        }
        assert_eq!(*entry, as_expected, "an entry (left) is not what was expected, with {:?}", expected.reasons);
        assert!(expected.reasons.contains(&entry.reason), "the reason of {entry:?} is none of {:?}", expected.reasons);
        assert_eq!(recorded.time.as_millis(), expected.time, "the time of {entry:?}");
        assert_eq!(self.said.as_ref(), Some(&expected.keys), "the keys that the trail names before {entry:?}");
    }

    /// What the host says by itself, each only where it has a reason to.
    fn is_own(&mut self, entry: &Entry, stopped: bool) -> bool {
        let own = &mut self.own;
        let plain = |event| Entry { count: entry.count, ..nobody(event) };
        match entry.event {
            Event::Started | Event::Keyring => {
                let epochs = entry.epochs().expect("it names them");
                let keys = Keys {
                    epochs: epochs.into_iter().filter(|epoch| *epoch != 0).collect(),
                    token_floor: entry.field,
                    credential_floor: entry.purpose,
                };
                assert!(entry.event == Event::Started || self.said.as_ref() != Some(&keys), "a vain entry of keys");
                let says_stopped = entry.view == 1;
                assert!(entry.event != Event::Started || says_stopped == stopped, "it started stopped: {says_stopped}");
                self.said = Some(keys);
            }
            Event::ClockBack => {
                let (least, most) = own.clock_back;
                assert!(most > 0, "the clock did not fall behind");
                own.clock_back = (least.saturating_sub(1), most - 1);
                assert_eq!(*entry, plain(Event::ClockBack));
            }
            Event::Unrecorded => {
                // After a commit that failed there may be two.
                let (least, most) = own.unrecorded;
                assert!((1..=most).contains(&entry.count), "{} unrecorded, not {least} to {most}", entry.count);
                own.unrecorded = (least.saturating_sub(entry.count), most - entry.count);
                assert_eq!(*entry, plain(Event::Unrecorded));
            }
            Event::Alarm => {
                let alarm = loop {
                    let alarm = own.alarms.pop_front().expect("an alarm that was not handed out");
                    if alarm.cause.code() == entry.view && alarm.count == entry.count || !own.tight {
                        break alarm;
                    }
                };
                let said = (entry.view, entry.count, entry.caller, entry.session);
                assert_eq!(said, (alarm.cause.code(), alarm.count, alarm.caller, alarm.session));
            }
            Event::Stop if entry.caller == [0; 16] => {
                assert!(own.stops > 0, "no alarm stopped anything");
                own.stops -= 1;
                assert_eq!(*entry, plain(Event::Stop));
            }
            _ => return false,
        }
        true
    }

    /// The grant that was handed out is the one that the trail names last.
    pub(super) fn names(&self, grant: [u8; 8]) -> bool {
        self.read.iter().rev().any(|recorded| recorded.entry.event == Event::Grant && recorded.entry.grant == grant)
    }

    /// The whole trail once more, as an auditor reads it: the same entries.
    pub(super) fn audit(&self, archive: &[SealedEntry]) {
        let mut reader = self.audit.reader();
        let again: Vec<Recorded> = archive.iter().map(|sealed| reader.read(sealed).expect("a whole chain")).collect();
        assert!(again == self.read, "the trail reads otherwise from its beginning");
    }
}

/// An entry without caller.
pub(super) fn nobody(event: Event) -> Entry {
    Entry {
        event,
        reason: Reason::Done,
        field: 0,
        purpose: 0,
        view: 0,
        caller_kind: 0,
        count: 1,
        caller: [0; 16],
        token: TokenHead::default(),
        owner_or_commitment: [0; 16],
        session: [0; 8],
        grant: [0; 8],
    }
}

fn head(bytes: &[u8]) -> TokenHead {
    let mut all = bytes.to_vec();
    all.resize(18, 0);
    TokenHead { header: part(&all, 0), nonce: part(&all, 6) }
}

pub(super) fn first8(id: &[u8; 16]) -> [u8; 8] {
    part(id, 0)
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("so many bytes")
}
