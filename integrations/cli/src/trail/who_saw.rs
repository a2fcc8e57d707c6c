//! `symbolon trail who-saw`: one person's answer.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use symbolon::{Attribution, Principal};
use symbolon_host::audit::{Answer, At, WhoSaw};

use super::{inputs::TrailInputs, people};
use crate::{
    file_store::FileStore,
    login::Who,
    output::{Output, Readers},
    state::{self, state_dir},
};

/// symbolon trail who-saw
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon trail who-saw --audit-key shop.keyring.audit --keyring shop.keyring \\
      --tenant shop-17 --person alice --known people.csv -o alice.txt

The trail names nobody; it has a tag for everybody. --known says who may stand behind one: CSV with the columns tenant, \
kind and subject. With --keyring the answer also has the tokens of hers that were presented and did not open.

The answer works after the person was erased, too, except for refused tokens that were erasable: make it before.")]
pub(super) struct WhoSawArgs {
    #[command(flatten)]
    trails: TrailInputs,
    /// The person's tenant
    #[arg(short, long)]
    tenant: String,
    #[command(flatten)]
    who: Who,
    /// CSV with the columns tenant, kind, subject: names for the tags in the trail
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Where to write; standard output if absent or "-"
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// Makes the answer.
pub(super) fn run(args: &WhoSawArgs) -> Result<()> {
    let (kind, _, subject) = args.who.one();
    let person = Principal::new(args.tenant.as_bytes(), kind, subject.as_bytes())?;
    let mut trails = args.trails.open()?;
    let key = trails.key()?;
    let mut names = people::names(args.known.as_deref(), key)?;
    names.add(key, &person);
    names.add(key, &Principal::service(&args.tenant, "symbolon-cli")?);
    let keys = args.trails.keyring.as_deref().map(Keys::open).transpose()?;
    let attribution = keys.as_ref().map(|keys| keys.of(&person)).transpose()?;
    let mut answer = WhoSaw::new(&person, key, attribution);
    let mut output = Output::create(args.output.as_deref(), &trails.first_log, args.force, Readers::OnlyTheUser)?;
    let verification = trails.read(|reading| answer.observe(reading))?;
    let answer = answer.finish(&verification, &names, state::now()?);
    let text = if args.json { serde_json::to_string_pretty(&answer)? + "\n" } else { plain(&answer) };
    output.write(text.as_bytes())?;
    output.finish()
}

/// What tells whose a refused token was: the vault, and the registry with the owners' secrets. Nothing is recorded, and nothing opens.
pub(super) struct Keys {
    vault: symbolon::Vault,
    store: FileStore,
}

impl Keys {
    /// Those of a keyring.
    pub(super) fn open(keyring: &Path) -> Result<Self> {
        Ok(Self { vault: state::open_vault(keyring)?, store: FileStore::open(&state_dir(keyring))? })
    }

    /// Those of one owner.
    pub(super) fn of(&self, owner: &Principal) -> Result<Attribution> {
        Ok(self.vault.attribution(owner, &self.store)?)
    }
}

/// The answer for a person to read.
fn plain(answer: &Answer) -> String {
    let mut out = String::new();
    let _infallible = write_plain(&mut out, answer);
    out
}

fn write_plain(out: &mut String, answer: &Answer) -> std::fmt::Result {
    let person = &answer.person;
    writeln!(
        out,
        "Who saw what is {} {}'s of {} (made {})\n",
        person.kind, person.subject, person.tenant, answer.made
    )?;
    if answer.openings.is_empty() {
        writeln!(out, "Nothing was opened.")?;
    } else {
        writeln!(out, "Opened, in all:")?;
        for seen in &answer.seen_by {
            let who = if seen.own { "she herself".into() } else { seen.who.words() };
            writeln!(out, "  {who}: {} ({}), {} times", seen.field, seen.shown, seen.times)?;
        }
        writeln!(out, "\nOne by one:")?;
    }
    for opening in &answer.openings {
        let who = if opening.own { "she herself".into() } else { opening.by.words() };
        let grant = opening.grant.as_ref().map_or_else(String::new, |grant| format!(" under grant {grant}"));
        let (field, shown, purpose, session) = (&opening.field, &opening.shown, &opening.purpose, &opening.session);
        writeln!(
            out,
            "  {}  {who} saw the {shown} of {field} for {purpose}{grant} (session {session})",
            Place(&opening.at)
        )?;
    }
    writeln!(out, "\nPresented, and refused:")?;
    for refusal in answer.refusals.iter().flatten() {
        let (who, field, reason, session) = (refusal.by.words(), &refusal.field, &refusal.reason, &refusal.session);
        writeln!(
            out,
            "  {}  {who} asked for {field} and saw nothing: {reason} (session {session})",
            Place(&refusal.at)
        )?;
    }
    if answer.refusals.as_ref().is_some_and(Vec::is_empty) {
        writeln!(out, "  Nothing.")?;
    }
    writeln!(out, "  {}", answer.refusals_note)?;
    writeln!(out, "\nGrants and changes:")?;
    for grant in &answer.grants {
        let uses = grant.uses.map_or_else(String::new, |uses| format!(", {uses} uses"));
        let reason = grant.reason.as_ref().map_or_else(String::new, |reason| format!(", for the reason {reason:?}"));
        let until = grant.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        let (id, shows, fields, purpose) = (&grant.grant, &grant.shows, grant.fields.join(", "), &grant.purpose);
        let (from, to) = (grant.grantor.words(), grant.grantee.words());
        writeln!(
            out,
            "  {}  grant {id} from {from} to {to}: {shows} of {fields} for {purpose}{until}{uses}{reason}",
            Place(&grant.at)
        )?;
    }
    for change in &answer.changes {
        let field = change.field.as_ref().map_or_else(String::new, |field| format!(" ({field})"));
        writeln!(out, "  {}  {}{field} by {}: {}", Place(&change.at), change.what, change.by.words(), change.outcome)?;
    }
    writeln!(out, "\nIs that all? {}", answer.nobody_else.words)
}

/// When, and where in the trail.
struct Place<'a>(&'a At);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let At { time, node, entry, in_whole_chain } = self.0;
        let mark = if *in_whole_chain { "" } else { ", behind a break" };
        write!(f, "{time} [node {node} entry {entry}{mark}]")
    }
}
