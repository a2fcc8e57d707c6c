//! The incident report: its figures, and which of them answer what the law asks.
//!
//! # JSON
//! Version 1 of `symbolon-incident-report` is what [`Report`] serialises to, field by field. Times are RFC 3339 in UTC, tags and sessions
//! hexadecimal; what isn't known is `null`. A later version with another meaning has another number.

use serde::Serialize;

use super::{
    answer::{At, Person},
    people::{Basis, Who},
};

/// An incident in figures. [`html`](Self::html) is the same as a page to print.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `symbolon-incident-report`.
    pub format: &'static str,
    /// 1.
    pub version: u32,
    /// When the report was made.
    pub made: String,
    /// What it is about.
    pub scope: ScopeSaid,
    /// What it rests on.
    pub basis: Basis,
    /// The first entry that counts.
    pub first: Option<String>,
    /// The last one.
    pub last: Option<String>,
    /// How many.
    pub affected: Affected,
    /// By field, purpose, and what came of it.
    pub by_field: Vec<ByField>,
    /// Refusals, by reason.
    pub by_reason: Vec<ByReason>,
    /// By who asked.
    pub by_caller: Vec<ByCaller>,
    /// Look-ups in blind indexes, which tell their caller whether somebody is there.
    pub look_ups: Vec<LookUps>,
    /// Log-ins that were accepted.
    pub log_ins: u64,
    /// Log-ins that were refused. They name nobody, so there are none where the scope is a caller or a session.
    pub log_ins_refused: u64,
    /// Alarms in the window of time, whoever caused them.
    pub alarms: Vec<AlarmSeen>,
    /// Of the people who were tested, those of whom something was shown or refused.
    pub notify: Vec<Notify>,
    /// Which figure answers what.
    pub law: Vec<LawPoint>,
}

/// What a report is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScopeSaid {
    /// This caller; `null`: all.
    pub caller: Option<Person>,
    /// The session whose id begins so.
    pub session: Option<String>,
    /// Not before.
    pub from: Option<String>,
    /// Before.
    pub to: Option<String>,
}

/// How many people, records and fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Affected {
    /// Entries that were counted.
    pub entries: u64,
    /// Different owners of whom something was shown.
    pub people_shown: u64,
    /// Different tokens that were shown.
    pub records_shown: u64,
    /// How often a whole value was shown.
    pub values_shown: u64,
    /// How often a mask was shown.
    pub masks_shown: u64,
    /// Different tokens that were refused, and never shown by that refusal.
    pub records_refused: u64,
    /// How often a token was refused.
    pub attempts_refused: u64,
    /// Tokens of other tenants that were only counted, beyond the first four of a request.
    pub foreign_tokens_beyond: u64,
    /// How many people were tested by name.
    pub people_tested: u64,
    /// Of them, those of whom tokens were refused and nothing shown; `null` without the keyring.
    pub people_only_refused: Option<u64>,
    /// Owners of whom something was shown and who are not among those tested; `null` where nobody was.
    pub people_shown_unnamed: Option<u64>,
    /// Refused tokens that belong to none of those tested (canaries and forgeries included); `null` without the keyring.
    pub refused_of_nobody_tested: Option<u64>,
}

/// One field, purpose and outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ByField {
    /// The field that was asked for.
    pub field: String,
    /// What for.
    pub purpose: String,
    /// `value`, `mask` or `refused`.
    pub outcome: String,
    /// How often.
    pub times: u64,
    /// Different tokens.
    pub records: u64,
    /// Different owners; `null` for refusals, whose owners are found by testing people.
    pub people: Option<u64>,
}

/// Refusals of one reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ByReason {
    /// The reason.
    pub reason: String,
    /// How often.
    pub times: u64,
    /// Different tokens.
    pub records: u64,
}

/// One caller's part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ByCaller {
    /// Who.
    pub caller: Who,
    /// In how many sessions.
    pub sessions: u64,
    /// Openings.
    pub shown: u64,
    /// Refusals.
    pub refused: u64,
    /// Different owners of whom something was shown to this caller.
    pub people: u64,
}

/// Look-ups in blind indexes of one field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LookUps {
    /// The field.
    pub field: String,
    /// How many were done.
    pub done: u64,
    /// How many were refused.
    pub refused: u64,
}

/// An alarm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AlarmSeen {
    /// Where it is recorded.
    #[serde(flatten)]
    pub at: At,
    /// Why it was raised.
    pub cause: String,
    /// How many of that cause there were, since the host was started.
    pub count: u32,
    /// Who caused it.
    pub caller: Who,
    /// In which session.
    pub session: Option<String>,
}

/// Somebody who is affected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notify {
    /// Who.
    pub person: Person,
    /// What of hers was shown.
    pub shown: Vec<Shown>,
    /// Fields as which tokens of hers were asked for and refused.
    pub refused: Vec<String>,
    /// How often.
    pub refused_attempts: u64,
}

/// A field that was shown, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Shown {
    /// The field.
    pub field: String,
    /// `value` or `mask`.
    pub shown: String,
}

/// A point of the law, and what this report has to say on it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LawPoint {
    /// The rule.
    pub rule: String,
    /// What it asks for.
    pub asks: String,
    /// The figure, or that there is none.
    pub figure: String,
    /// What the figure is not.
    pub note: String,
}

/// GDPR article 33 and 34; Japan's Act on the Protection of Personal Information (APPI), article 26, and its Enforcement Rules, article 8.
pub(super) fn law(affected: &Affected) -> Vec<LawPoint> {
    let people = format!("{} people shown", affected.people_shown);
    let mut points = gdpr(affected, &people);
    points.extend(appi(affected, &people));
    points
}

/// Regulation (EU) 2016/679.
fn gdpr(affected: &Affected, people: &str) -> Vec<LawPoint> {
    let Affected { records_shown, values_shown, masks_shown, .. } = affected;
    let records = format!("{records_shown} records shown ({values_shown} times values, {masks_shown} times masks)");
    let rows: [[&str; 4]; 6] = [
        [
            "GDPR 33(3)(a)",
            "categories and approximate number of data subjects",
            people,
            "what the vault opened within the scope; which categories they are is not in a trail",
        ],
        [
            "GDPR 33(3)(a)",
            "categories and approximate number of personal data records",
            &records,
            "the categories are the fields: “By field”",
        ],
        ["GDPR 33(3)(b) to (d)", "contact point, likely consequences, measures", NONE, YOURS],
        [
            "GDPR 33(4)",
            "information in phases, where it can't all be given at once",
            "“Made”",
            "the report can be made again as the scope becomes clearer",
        ],
        [
            "GDPR 33(5)",
            "documentation of the facts, effects and remedial action",
            "“What it rests on”",
            "the facts, as far as they are in the trail",
        ],
        [
            "GDPR 34(1)",
            "communication to the data subjects, where the risk is high",
            "“To notify”",
            "only of the people who were tested; whether the risk is high is not decided here",
        ],
    ];
    rows.map(point).into()
}

/// Japan.
fn appi(affected: &Affected, people: &str) -> Vec<LawPoint> {
    let records = affected.records_refused;
    let refused = affected.people_only_refused.map_or_else(
        || format!("{records} records refused"),
        |only| format!("{only} people of whom tokens were refused only, {records} records refused"),
    );
    let rows: [[&str; 4]; 8] = [
        ["APPI Enforcement Rules 8(1)(i)", "summary", "“Scope, first and last entry”", "the figures of it only"],
        [
            "APPI Enforcement Rules 8(1)(ii)",
            "items of personal data",
            "“By field”",
            "what was opened; what was taken in another way is not in a trail",
        ],
        ["APPI Enforcement Rules 8(1)(iii)", "number of principals", people, "what the vault opened within the scope"],
        [
            "APPI Enforcement Rules 8(1)(iv)",
            "cause",
            "“By caller”, “Refusals by reason”, “Alarms”",
            "who and how; not why it came to that",
        ],
        ["APPI Enforcement Rules 8(1)(v), (vii), (viii)", "secondary damage, publication, prevention", NONE, YOURS],
        [
            "APPI Enforcement Rules 8(1)(vi); APPI 26(2)",
            "response to the principals",
            "“To notify”",
            "whom it concerns; not what they were told",
        ],
        [
            "APPI Enforcement Rules 8(1)(ix)",
            "other matters of reference",
            &refused,
            "a refused token showed nothing through this vault",
        ],
        [
            "APPI Enforcement Rules 8(1) and 8(2)",
            "promptly (速報), and within 30 days, 60 in the case of rule 7(iii) (確報)",
            "“Made”",
            "both reports have the same items: make this one for each",
        ],
    ];
    rows.map(point).into()
}

fn point([rule, asks, figure, note]: [&str; 4]) -> LawPoint {
    LawPoint { rule: rule.into(), asks: asks.into(), figure: figure.into(), note: note.into() }
}

const NONE: &str = "none here";

const YOURS: &str = "yours to write";
