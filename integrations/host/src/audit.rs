//! The auditor's half: verifies the audit trail's logs, answers owners, and counts what an incident's report asks for.
//!
//! It works with the audit keys and the logs alone, away from the vault's host. A log is read once from front to back (twice where there are
//! several nodes) and never held in memory.
//!
//! - [`verify`]: reads the logs of all nodes, hands out every entry that is genuine, and says of everything else what it is and where: see
//!   [`Damage`]. [`Verifier`] is the same for one log, entry by entry.
//! - [`WhoSaw`]: an owner's answer, [`Answer`].
//! - [`Incident`]: the figures of an incident, [`Report`].
//!
//! What a chain alone can't show is that its end is missing. For that there are checkpoints: those that the auditor kept from the last
//! time ([`NodeReport::memory`]), that others kept, or that the nodes have witnessed for one another.

mod answer;
mod chains;
mod finding;
mod html;
mod incident;
mod log;
mod people;
mod report;
mod settle;
mod strays;
mod verifier;
pub mod words;

pub use self::{
    answer::{Answer, At, Change, GrantSeen, NobodyElse, Opening, Person, Refusal, SeenBy, WhoSaw},
    chains::{NodeLog, Verification, verify},
    finding::{Damage, Finding, Source},
    incident::{Incident, Scope},
    log::{Log, LogFile},
    people::{Basis, Confirmed, Names, NodeBasis, Place, Who},
    report::{Affected, AlarmSeen, ByCaller, ByField, ByReason, LawPoint, LookUps, Notify, Report, ScopeSaid, Shown},
    verifier::{NodeReport, Reading, Standing, Verifier},
};
