//! `symbolon trail show`: the entries, a line each.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Result;
use clap::Args;
use symbolon::{Entry, Event};
use symbolon_host::audit::{Names, Reading, Standing, words};

use super::{inputs::TrailInputs, people};
use crate::error::Failure;

/// symbolon trail show
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon trail show --audit-key shop.keyring.audit --known people.csv | less

Prints what verifies, oldest first. Where something is wrong with the trail, symbolon trail verify says what.")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    trails: TrailInputs,
    /// CSV with the columns tenant, kind, subject: names for the tags in the trail
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
}

/// Prints them.
pub(super) fn run(args: &ShowArgs) -> Result<()> {
    let mut trails = args.trails.open()?;
    let names = people::names(args.known.as_deref(), trails.key()?)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut failed = None;
    let verification = trails.read(|reading| {
        if failed.is_none() {
            failed = writeln!(out, "{}", line(reading, &names)).err();
        }
    })?;
    match failed {
        Some(error) => Err(error)?,
        None => out.flush()?,
    }
    if verification.is_sound() {
        return Ok(());
    }
    Err(Failure::Input.because("the audit trail is not whole: symbolon trail verify says what is wrong"))
}

fn line(reading: &Reading, names: &Names) -> String {
    let Reading { node, recorded, standing, .. } = reading;
    let entry = &recorded.entry;
    let mark = match standing {
        Standing::Whole => "",
        Standing::BehindBreak => " (behind a break)",
        Standing::Moved => " (moved)",
    };
    let mut line = format!(
        "{} [node {node} entry {}{mark}] {}: {}",
        words::utc(recorded.time),
        recorded.sequence,
        words::event(entry.event),
        words::reason(entry.reason)
    );
    if entry.caller_kind != 0 {
        line.push_str(&format!(", {}", names.who(&entry.caller, entry.caller_kind).words()));
    }
    line.push_str(&details(entry));
    if entry.session != [0; 8] && entry.event != Event::Witness {
        line.push_str(&format!(", session {}", words::hex(&entry.session)));
    }
    line
}

/// What an entry of this event has besides.
fn details(entry: &Entry) -> String {
    let mut details = match entry.event {
        Event::Started | Event::Keyring => {
            let epochs = entry.epochs().into_iter().flatten().filter(|epoch| *epoch != 0);
            let epochs: Vec<_> = epochs.map(|epoch| epoch.to_string()).collect();
            return format!(", epochs {}", epochs.join(" "));
        }
        Event::Witness => {
            let said = entry.checkpoint();
            return said
                .map_or_else(String::new, |said| format!(", node {} had come to number {}", said.node(), said.next()));
        }
        Event::Alarm => return format!(", {}, {} so far", words::cause(entry.view), entry.count),
        Event::ForeignTokens | Event::Unrecorded | Event::MakeIndex => format!(", {} of them", entry.count),
        Event::GrantReason => {
            let given = entry.reason_given().unwrap_or([0; 34]);
            let given = given.split(|byte| *byte == 0).next().unwrap_or_default();
            return format!(", {:?}", String::from_utf8_lossy(given));
        }
        _ => String::new(),
    };
    if entry.field != 0 {
        details.push_str(&format!(", {}", words::field(entry.field)));
    }
    if entry.is_about_a_token() || entry.event == Event::Grant {
        details.push_str(&format!(", for {}, {}", words::purpose(entry.purpose), words::view(entry.view)));
    }
    details
}
