//! Who stands behind a tag; and what is said of the trails that an answer or a report comes from.

use std::collections::HashMap;

use serde::Serialize;
use symbolon::{AuditKey, Principal};

use super::{
    chains::Verification,
    finding::Finding,
    verifier::NodeReport,
    words::{hex, kind, utc},
};

/// Names for tags: those of the principals that the auditor was told of. A trail itself names nobody.
#[derive(Clone, Default)]
pub struct Names {
    by_tag: HashMap<[u8; 16], String>,
}

impl Names {
    /// Knows this principal from now on.
    pub fn add(&mut self, key: &AuditKey, principal: &Principal) {
        self.by_tag.insert(key.tag_of(principal), subject_of(principal));
    }

    /// Whoever has this tag.
    #[must_use]
    pub fn who(&self, tag: &[u8; 16], kind_code: u8) -> Who {
        Who { kind: kind(kind_code).into(), name: self.by_tag.get(tag).cloned(), tag: hex(tag) }
    }
}

/// How many, and nobody's name.
impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("known", &self.by_tag.len()).finish_non_exhaustive()
    }
}

/// Somebody in a trail.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Who {
    /// `person`, `staff`, `service`, or that nobody was verified.
    pub kind: String,
    /// By name, where that is known.
    pub name: Option<String>,
    /// The tag, in hexadecimal.
    pub tag: String,
}

impl Who {
    /// Kind and name, or tag.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{} {name}", self.kind),
            None if self.tag.bytes().all(|digit| digit == b'0') => "nobody in particular".into(),
            None => format!("{} with the tag {}", self.kind, self.tag),
        }
    }
}

/// A principal's subject; bytes that are no text in hexadecimal.
pub(super) fn subject_of(principal: &Principal) -> String {
    std::str::from_utf8(principal.subject()).map_or_else(|_| format!("0x{}", hex(principal.subject())), Into::into)
}

/// A principal's tenant, likewise.
pub(super) fn tenant_of(principal: &Principal) -> String {
    std::str::from_utf8(principal.tenant()).map_or_else(|_| format!("0x{}", hex(principal.tenant())), Into::into)
}

/// What an answer or a report rests on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Basis {
    /// True where nothing is wrong with any of the trails, and none is missing.
    pub sound: bool,
    /// The trails.
    pub nodes: Vec<NodeBasis>,
    /// What is wrong, in words, with the place.
    pub findings: Vec<String>,
}

/// One node's trail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NodeBasis {
    /// The node.
    pub node: u32,
    /// Entries that verified.
    pub entries: u64,
    /// Those among them behind a break.
    pub behind_break: u64,
    /// The last entry's number and time.
    pub last: Option<Place>,
    /// How far a checkpoint confirms it.
    pub confirmed: Option<Confirmed>,
    /// How many things are wrong with it.
    pub findings: u64,
}

/// A place in a trail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// The entry's number.
    pub entry: u64,
    /// When it was made.
    pub time: String,
}

/// A checkpoint that the trail confirms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Confirmed {
    /// All entries below this number were there then.
    pub below_entry: u64,
    /// When it was made.
    pub time: String,
    /// Where it was found.
    pub by: String,
}

impl Basis {
    /// What a verification says.
    #[must_use]
    pub fn of(verification: &Verification) -> Self {
        Self {
            sound: verification.is_sound(),
            nodes: verification.nodes.iter().map(node_basis).collect(),
            findings: verification.findings().take(MAX_WORDS).map(Finding::to_string).collect(),
        }
    }

    /// Up to where the trails go, and who confirms that, in words.
    #[must_use]
    pub fn extent(&self) -> String {
        let node = |node: &NodeBasis| {
            let end = match &node.last {
                Some(last) => format!("node {} up to entry {} of {}", node.node, last.entry, last.time),
                None => format!("node {}, whose trail is empty", node.node),
            };
            let confirmed = match &node.confirmed {
                Some(confirmed) => format!(
                    "{} confirms it below entry {}, as of {}",
                    confirmed.by, confirmed.below_entry, confirmed.time
                ),
                None => "no checkpoint confirms that this is its end".into(),
            };
            format!("{end} ({confirmed})")
        };
        self.nodes.iter().map(node).collect::<Vec<_>>().join("; ")
    }
}

fn node_basis(report: &NodeReport) -> NodeBasis {
    let last = report.last_time.map(|time| Place { entry: report.next.saturating_sub(1), time: utc(time) });
    let confirmed = report.confirmed.as_ref().map(|(checkpoint, source)| Confirmed {
        below_entry: checkpoint.next(),
        time: utc(checkpoint.time()),
        by: source.to_string(),
    });
    let listed = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    NodeBasis {
        node: report.node,
        entries: report.entries,
        behind_break: report.behind_break,
        last,
        confirmed,
        findings: listed.saturating_add(report.more_findings),
    }
}

/// Findings that are told in an answer; a verification tells all.
const MAX_WORDS: usize = 100;
