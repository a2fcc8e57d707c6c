//! All nodes together: one chain each, and what they say of one another.

use std::io;

use symbolon::{AuditKey, Checkpoint, Time};

use super::{
    finding::{Damage, Finding, Source},
    log::Log,
    verifier::{NodeReport, Reading, Verifier},
};

/// One node's log, its key, and what is to be confirmed of it.
#[derive(Debug)]
pub struct NodeLog<L> {
    /// The key that reads it.
    pub key: AuditKey,
    /// The log.
    pub log: L,
}

/// What came of a verification.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The nodes whose logs were given.
    pub nodes: Vec<NodeReport>,
    /// Nodes that are spoken of and whose logs were not given; one finding each.
    pub absent: Vec<Finding>,
}

impl Verification {
    /// True where nothing at all is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.absent.is_empty() && self.nodes.iter().all(NodeReport::is_sound)
    }

    /// All that is wrong, node by node.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.nodes.iter().flat_map(|node| &node.findings).chain(&self.absent)
    }
}

/// Reads all logs and hands out every entry that verifies, node by node. Checkpoints of a node that another has witnessed must be confirmed, as
/// those that are given. Where there are several nodes, each log is read twice: first for what it says of the others.
///
/// `now` is the auditor's time, for what is to be remembered.
///
/// # Errors
/// A log's.
pub fn verify<L: Log>(
    nodes: &mut [NodeLog<L>],
    given: &[(Checkpoint, Source)],
    now: Time,
    sink: &mut dyn FnMut(&Reading),
) -> io::Result<Verification> {
    let mut said = given.to_vec();
    if nodes.len() > 1 {
        for NodeLog { key, log } in &mut *nodes {
            let mut verifier = Verifier::new(key);
            while let Some(reading) = verifier.next(log)? {
                said.extend(witnessed(&reading));
            }
        }
    }
    let mut reports = Vec::new();
    let several = nodes.len() > 1;
    for NodeLog { key, log } in &mut *nodes {
        let mut verifier = Verifier::new(key);
        for (checkpoint, source) in &said {
            verifier.expect(*checkpoint, source.clone());
        }
        let mut alone = Vec::new();
        while let Some(reading) = verifier.next(log)? {
            sink(&reading);
            alone.extend(witnessed(&reading));
        }
        reports.push(verifier.report(log, now));
        if !several {
            said.append(&mut alone);
        }
    }
    let absent = absent(&reports, said);
    Ok(Verification { nodes: reports, absent })
}

/// What an entry says of another node.
fn witnessed(reading: &Reading) -> Option<(Checkpoint, Source)> {
    let source = Source::Witness { node: reading.node, sequence: reading.recorded.sequence };
    reading.recorded.entry.checkpoint().map(|checkpoint| (checkpoint, source))
}

/// For each node without a log, what reaches farthest of that which is said of it.
fn absent(reports: &[NodeReport], said: Vec<(Checkpoint, Source)>) -> Vec<Finding> {
    let mut farthest = std::collections::BTreeMap::<u32, (Checkpoint, Source)>::new();
    for (checkpoint, source) in said {
        let node = checkpoint.node();
        let is_farther = farthest.get(&node).is_none_or(|(known, _)| known.next() < checkpoint.next());
        if is_farther && reports.iter().all(|report| report.node != node) {
            farthest.insert(node, (checkpoint, source));
        }
    }
    let finding = |(node, said)| Finding { checkpoint: Some(said), ..Finding::new(node, Damage::LogMissing, 0, 0) };
    farthest.into_iter().map(finding).collect()
}
