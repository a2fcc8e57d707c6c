//! `symbolon trail verify`: whether the trail is whole.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;
use symbolon_host::audit::{NodeReport, words::utc};

use super::inputs::TrailInputs;
use crate::{error::Failure, progress::Count};

/// symbolon trail verify
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon trail verify --audit-key shop.keyring.audit
  symbolon trail verify --audit-key node1.audit node2.audit --log node1.log node2.log --checkpoint mailbox.txt

Finds what was altered, deleted, moved, copied or put in, and goes on behind it. That the end was cut off, or an old copy \
put back, only a checkpoint shows: those given here, those that the nodes have witnessed for one another, and the one that this \
command keeps in shop.keyring.audit.seen whenever all is well. Keep that file with the audit key.

Exit code 0: all is well. 5: something was found; it is printed with its place.")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    trails: TrailInputs,
}

/// Verifies, says what was found, and remembers.
pub(super) fn run(args: &VerifyArgs) -> Result<()> {
    let mut trails = args.trails.open()?;
    let verification = trails.read(|_| {})?;
    let mut out = io::stdout().lock();
    for report in &verification.nodes {
        writeln!(out, "{}", summary(report))?;
        for finding in &report.findings {
            writeln!(out, "  {finding}")?;
        }
        if report.more_findings > 0 {
            writeln!(out, "  and {} more", Count(report.more_findings))?;
        }
    }
    for finding in &verification.absent {
        writeln!(out, "{finding}")?;
    }
    out.flush()?;
    trails.remember(&verification)?;
    if verification.is_sound() {
        return Ok(());
    }
    let more: u64 = verification.nodes.iter().map(|report| report.more_findings).sum();
    let found = verification.findings().count() as u64 + more;
    let what = format!(
        "{} {} wrong with the audit trail; the lines above say what and where. Keep the log as it is: it is evidence",
        Count(found),
        if found == 1 { "thing is" } else { "things are" }
    );
    Err(Failure::Input.because(what))
}

fn summary(report: &NodeReport) -> String {
    let NodeReport { node, entries, records, .. } = report;
    let verdict = if report.is_sound() { "whole" } else { "NOT WHOLE" };
    let read = if entries == records {
        format!("{} entries", Count(*entries))
    } else {
        format!("{} of {} entries verify", Count(*entries), Count(*records))
    };
    let behind = match report.behind_break {
        0 => String::new(),
        behind => format!(", {} of them behind a break", Count(behind)),
    };
    let last = report.last_time.map_or_else(String::new, |time| format!(", the last of {}", utc(time)));
    let confirmed = match &report.confirmed {
        Some((checkpoint, source)) => format!("{source} confirms it below number {}", checkpoint.next()),
        None => "no checkpoint says whether its end is missing".into(),
    };
    format!("node {node}: {verdict}: {read}{behind}{last}; {confirmed}")
}
