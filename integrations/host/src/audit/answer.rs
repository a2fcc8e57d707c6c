//! The owner's answer: who saw hers, when, what, and why; and whether that is all.
//!
//! # JSON
//! Version 1 of `symbolon-who-saw` is what [`Answer`] serialises to, field by field. Times are RFC 3339 in UTC, tags, sessions and grants
//! hexadecimal; what isn't known is `null`. A later version with another meaning has another number.

use std::collections::BTreeMap;

use serde::Serialize;
use symbolon::{Attribution, AuditKey, Entry, Event, Principal, Reason, Time};

use super::{
    chains::Verification,
    people::{Basis, Names, Who, subject_of, tenant_of},
    verifier::{Reading, Standing},
    words::{self, hex, utc},
};

/// Collects what a trail has of one owner's. Hand it every [`Reading`] of a verification.
#[derive(Debug)]
pub struct WhoSaw {
    person: Principal,
    tag: [u8; 16],
    attribution: Option<Attribution>,
    openings: Vec<Reading>,
    refusals: Vec<Reading>,
    changes: Vec<Reading>,
    grants: BTreeMap<[u8; 8], Minted>,
    /// Node, number and id of the grant whose reason may come next.
    last_grant: Option<(u32, u64, [u8; 8])>,
    was_erased: bool,
}

#[derive(Debug)]
struct Minted {
    reading: Reading,
    /// From when until when, and for which fields.
    scope: Option<(Time, Time, [u16; 8])>,
    reason: Option<String>,
}

/// The answer to "who saw mine?".
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// `symbolon-who-saw`.
    pub format: &'static str,
    /// 1.
    pub version: u32,
    /// When the answer was made.
    pub made: String,
    /// Who asks.
    pub person: Person,
    /// What it rests on.
    pub basis: Basis,
    /// Whether there is nobody else, in words.
    pub nobody_else: NobodyElse,
    /// Values and masks that were opened, oldest first.
    pub openings: Vec<Opening>,
    /// How many of each by whom.
    pub seen_by: Vec<SeenBy>,
    /// Tokens that were presented and did not open; `null` where that part was not made.
    pub refusals: Option<Vec<Refusal>>,
    /// What the part about refusals can't say.
    pub refusals_note: String,
    /// Grants, revocations, addresses, sealing, re-owning, erasure.
    pub changes: Vec<Change>,
    /// The grants that were minted, by their ids.
    pub grants: Vec<GrantSeen>,
}

/// Whose answer it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Person {
    /// The tenant.
    pub tenant: String,
    /// The kind.
    pub kind: String,
    /// The subject.
    pub subject: String,
    /// The tag, by which the trail has her.
    pub tag: String,
}

impl Person {
    /// With this tag.
    #[must_use]
    pub fn new(principal: &Principal, tag: &[u8; 16]) -> Self {
        let kind = words::kind(principal.kind().code()).into();
        Self { tenant: tenant_of(principal), kind, subject: subject_of(principal), tag: hex(tag) }
    }
}

/// Whether this is all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NobodyElse {
    /// True where all trails that were given are whole.
    pub proven: bool,
    /// Up to where, and who confirms it; or why it can't be said.
    pub words: String,
}

/// Where an entry stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct At {
    /// When.
    pub time: String,
    /// In whose trail.
    pub node: u32,
    /// Under which number.
    pub entry: u64,
    /// False where it stands behind a break, or was moved: it is genuine all the same.
    pub in_whole_chain: bool,
}

/// Something that was opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Opening {
    /// Where it is recorded.
    #[serde(flatten)]
    pub at: At,
    /// Who.
    pub by: Who,
    /// True where it was the owner herself.
    pub own: bool,
    /// The field.
    pub field: String,
    /// `value` or `mask`.
    pub shown: String,
    /// What for.
    pub purpose: String,
    /// `detokenize`: on the server; `reveal`: sealed to the client.
    pub way: String,
    /// The session's first 8 bytes.
    pub session: String,
    /// The grant's id.
    pub grant: Option<String>,
}

/// How much somebody saw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SeenBy {
    /// Who.
    pub who: Who,
    /// True where it was the owner herself.
    pub own: bool,
    /// The field.
    pub field: String,
    /// `value` or `mask`.
    pub shown: String,
    /// How often.
    pub times: u64,
}

/// Something that did not open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refusal {
    /// Where it is recorded.
    #[serde(flatten)]
    pub at: At,
    /// Who tried.
    pub by: Who,
    /// The field that was asked for.
    pub field: String,
    /// What for.
    pub purpose: String,
    /// Why it did not open.
    pub reason: String,
    /// What was tried.
    pub way: String,
    /// The session's first 8 bytes.
    pub session: String,
}

/// Something that was done to the owner's record, or in the owner's name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// Where it is recorded.
    #[serde(flatten)]
    pub at: At,
    /// What.
    pub what: String,
    /// `done`, or why it was refused.
    pub outcome: String,
    /// Who.
    pub by: Who,
    /// The field, where there is one.
    pub field: Option<String>,
    /// The grant's id.
    pub grant: Option<String>,
}

/// A grant as the trail has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GrantSeen {
    /// The id, as openings have it.
    pub grant: String,
    /// Where it is recorded.
    #[serde(flatten)]
    pub at: At,
    /// Who minted it: the owner, or a policy authority.
    pub grantor: Who,
    /// Who may open.
    pub grantee: Who,
    /// What for.
    pub purpose: String,
    /// `value`, `mask` or `sealed anew`.
    pub shows: String,
    /// For which fields.
    pub fields: Vec<String>,
    /// From when; `null` where the entry that says so can't be read.
    pub from: Option<String>,
    /// Until when, likewise.
    pub until: Option<String>,
    /// How many openings; `null`: not counted.
    pub uses: Option<u32>,
    /// The policy authority's words.
    pub reason: Option<String>,
}

impl WhoSaw {
    /// For this person. Without an [`Attribution`] ([`Vault::attribution`](symbolon::Vault::attribution), which takes the keyring) refused
    /// tokens can't be told to be hers.
    #[must_use]
    pub fn new(person: &Principal, key: &AuditKey, attribution: Option<Attribution>) -> Self {
        Self {
            person: person.clone(),
            tag: key.tag_of(person),
            attribution,
            openings: Vec::new(),
            refusals: Vec::new(),
            changes: Vec::new(),
            grants: BTreeMap::new(),
            last_grant: None,
            was_erased: false,
        }
    }

    /// Takes note of an entry, if it is about her.
    pub fn observe(&mut self, reading: &Reading) {
        let entry = &reading.recorded.entry;
        let (is_hers, is_done) = (entry.owner_or_commitment == self.tag, entry.reason == Reason::Done);
        match entry.event {
            Event::Detokenize | Event::Reveal if is_done && is_hers => self.openings.push(reading.clone()),
            // The new owner of a token is the caller.
            Event::Rewrap | Event::Reown
                if is_done && (is_hers || entry.event == Event::Reown && entry.caller == self.tag) =>
            {
                self.changes.push(reading.clone());
            }
            Event::Grant if is_hers => self.minted(reading),
            Event::GrantScope => self.scope_of_a_grant(reading),
            Event::GrantReason => self.reason_of_a_grant(reading),
            Event::Revoke | Event::RevokeAll | Event::Erase | Event::ConfirmAddress | Event::Tokenize if is_hers => {
                self.was_erased |= entry.event == Event::Erase && is_done;
                self.changes.push(reading.clone());
            }
            _ if self.attribution.as_ref().is_some_and(|keys| keys.was_refused(entry)) => {
                self.refusals.push(reading.clone());
            }
            _ => {}
        }
    }

    fn minted(&mut self, reading: &Reading) {
        let (recorded, id) = (&reading.recorded, reading.recorded.entry.grant);
        if recorded.entry.reason == Reason::Done {
            self.grants.insert(id, Minted { reading: reading.clone(), scope: None, reason: None });
            self.last_grant = Some((reading.node, recorded.sequence, id));
        }
        self.changes.push(reading.clone());
    }

    /// Fields and time follow the grant at once, and name it.
    fn scope_of_a_grant(&mut self, reading: &Reading) {
        let entry = &reading.recorded.entry;
        let Some(minted) = self.grants.get_mut(&entry.grant) else { return };
        minted.scope = entry.grant_scope();
        if let Some((node, number, _)) = &mut self.last_grant
            && (*node, number.saturating_add(1)) == (reading.node, reading.recorded.sequence)
        {
            *number = reading.recorded.sequence;
        }
    }

    /// The words follow at once, and name nothing.
    fn reason_of_a_grant(&mut self, reading: &Reading) {
        let Some((node, number, id)) = self.last_grant.take() else { return };
        if (node, number.saturating_add(1)) != (reading.node, reading.recorded.sequence) {
            return;
        }
        if let (Some(minted), Some(words)) = (self.grants.get_mut(&id), reading.recorded.entry.reason_given()) {
            let words = words.split(|byte| *byte == 0).next().unwrap_or_default();
            minted.reason = Some(String::from_utf8_lossy(words).into_owned());
        }
    }

    /// The answer, once all readings were observed.
    #[must_use]
    pub fn finish(mut self, verification: &Verification, names: &Names, now: Time) -> Answer {
        for list in [&mut self.openings, &mut self.refusals, &mut self.changes] {
            list.sort_by_key(|reading| (reading.recorded.time, reading.node, reading.recorded.sequence));
        }
        let basis = Basis::of(verification);
        let openings: Vec<Opening> = self.openings.iter().map(|reading| opening(reading, &self.tag, names)).collect();
        let refusals = self.refusals.iter().map(|reading| refusal(reading, names)).collect();
        let mut grants: Vec<&Minted> = self.grants.values().collect();
        grants.sort_by_key(|minted| {
            (minted.reading.recorded.time, minted.reading.node, minted.reading.recorded.sequence)
        });
        Answer {
            format: "symbolon-who-saw",
            version: 1,
            made: utc(now),
            person: Person::new(&self.person, &self.tag),
            nobody_else: nobody_else(&basis, !openings.is_empty()),
            seen_by: seen_by(&openings),
            openings,
            refusals: self.attribution.is_some().then_some(refusals),
            refusals_note: self.refusals_note().into(),
            changes: self.changes.iter().map(|reading| change(reading, names)).collect(),
            grants: grants.into_iter().map(|minted| grant(minted, names)).collect(),
            basis,
        }
    }

    const fn refusals_note(&self) -> &'static str {
        match (self.attribution.is_some(), self.was_erased) {
            (false, _) => {
                "This part was not made: whose a refused token was is found out with the keyring, and it was not given."
            }
            (true, true) => {
                "She was erased: refused tokens that were erasable can't be told to be hers any more, by anybody. An answer that was made before \
                 the erasure has them. Tokens of epochs whose root keys were retired can't be told either."
            }
            (true, false) => "Tokens of epochs whose root keys were retired can't be told to be hers any more.",
        }
    }
}

fn nobody_else(basis: &Basis, any: bool) -> NobodyElse {
    if !basis.sound || basis.nodes.is_empty() {
        let first = basis.findings.first().map_or("no trail was given", String::as_str);
        let total: u64 = basis.nodes.iter().map(|node| node.findings).sum();
        let more = if total > 1 { format!(" ({total} findings in all)") } else { String::new() };
        let words =
            format!("Whether anybody else saw something can't be said, for the trail is not whole: {first}{more}.");
        return NobodyElse { proven: false, words };
    }
    let nobody = if any { "Nobody else" } else { "Nobody" };
    let words = format!(
        "{nobody}: the chain of every trail that was given is unbroken, {}. This is about what went through these vaults: who has root \
         keys or copies of opened values is not in a trail.",
        basis.extent()
    );
    NobodyElse { proven: true, words }
}

pub(super) fn at(reading: &Reading) -> At {
    At {
        time: utc(reading.recorded.time),
        node: reading.node,
        entry: reading.recorded.sequence,
        in_whole_chain: reading.standing == Standing::Whole,
    }
}

fn by(entry: &Entry, names: &Names) -> Who {
    names.who(&entry.caller, entry.caller_kind)
}

fn grant_id(entry: &Entry) -> Option<String> {
    (entry.grant != [0; 8]).then(|| hex(&entry.grant))
}

fn opening(reading: &Reading, owner: &[u8; 16], names: &Names) -> Opening {
    let entry = &reading.recorded.entry;
    Opening {
        at: at(reading),
        by: by(entry, names),
        own: entry.caller == *owner,
        field: words::field(entry.field),
        shown: words::view(entry.view).into(),
        purpose: words::purpose(entry.purpose),
        way: words::event(entry.event),
        session: hex(&entry.session),
        grant: grant_id(entry),
    }
}

fn refusal(reading: &Reading, names: &Names) -> Refusal {
    let entry = &reading.recorded.entry;
    Refusal {
        at: at(reading),
        by: by(entry, names),
        field: words::field(entry.field),
        purpose: words::purpose(entry.purpose),
        reason: words::reason(entry.reason),
        way: words::event(entry.event),
        session: hex(&entry.session),
    }
}

fn change(reading: &Reading, names: &Names) -> Change {
    let entry = &reading.recorded.entry;
    Change {
        at: at(reading),
        what: words::event(entry.event),
        outcome: words::reason(entry.reason),
        by: by(entry, names),
        field: (entry.field != 0).then(|| words::field(entry.field)),
        grant: grant_id(entry),
    }
}

fn grant(minted: &Minted, names: &Names) -> GrantSeen {
    let entry = &minted.reading.recorded.entry;
    GrantSeen {
        grant: hex(&entry.grant),
        at: at(&minted.reading),
        grantor: by(entry, names),
        // The entry doesn't say of which kind the grantee is.
        grantee: Who { kind: "grantee".into(), ..names.who(&entry.grantee().unwrap_or_default(), 0) },
        purpose: words::purpose(entry.purpose),
        shows: words::view(entry.view).into(),
        // Without the entry that has them all, the lowest is known.
        fields: minted
            .scope
            .map_or([entry.field, 0, 0, 0, 0, 0, 0, 0], |(_, _, fields)| fields)
            .into_iter()
            .filter(|code| *code != 0)
            .map(words::field)
            .collect(),
        from: minted.scope.map(|(from, ..)| utc(from)),
        until: minted.scope.map(|(_, until, _)| utc(until)),
        uses: (entry.count != 0).then_some(entry.count),
        reason: minted.reason.clone(),
    }
}

fn seen_by(openings: &[Opening]) -> Vec<SeenBy> {
    let mut counts = BTreeMap::<(&Who, bool, &str, &str), u64>::new();
    for opening in openings {
        let count = counts.entry((&opening.by, opening.own, &opening.field, &opening.shown)).or_default();
        *count = count.saturating_add(1);
    }
    let line = |((who, own, field, shown), times): (_, _)| -> SeenBy {
        let (who, field, shown): (&Who, &str, &str) = (who, field, shown);
        SeenBy { who: who.clone(), own, field: field.into(), shown: shown.into(), times }
    };
    counts.into_iter().map(line).collect()
}
