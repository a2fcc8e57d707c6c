//! `symbolon trail report`: the figures of an incident.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use symbolon::{Principal, Time};
use symbolon_host::audit::{Incident, Scope, words::unhex};

use super::{
    inputs::TrailInputs,
    people::{self, kind_of},
    who_saw::Keys,
};
use crate::{
    error::Failure,
    grant::when,
    output::{Output, Readers},
    session_file::SessionFile,
    state,
};

/// symbolon trail report
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon trail report --audit-key shop.keyring.audit --tenant shop-17 --caller person:bob --html -o bob.html
  symbolon trail report --audit-key shop.keyring.audit --keyring shop.keyring --subjects customers.csv \\
      --from 2026-11-20 --to 2026-11-23T12:00Z --json -o incident.json

Counts the people, records and fields that were shown or refused, and says which figure answers what articles 33 and 34 of the \
GDPR and rule 8 of Japan's APPI ask for. With --subjects it lists whom to notify; with --keyring also those of whom \
tokens were only refused.")]
pub(super) struct ReportArgs {
    #[command(flatten)]
    trails: TrailInputs,
    /// The caller's tenant: with --caller
    #[arg(short, long)]
    tenant: Option<String>,
    /// Only what this caller did, such as person:bob, staff:sue or service:yamato
    #[arg(long, value_name = "KIND:NAME", requires = "tenant")]
    caller: Option<String>,
    /// Only this session: a session file, or the 16 digits that other output has for it
    #[arg(long, value_name = "FILE | DIGITS")]
    session: Option<String>,
    /// Not before: a day such as 2026-11-20, or a time such as 2026-11-20T09:30Z
    #[arg(long, value_name = "TIME", value_parser = parse_from)]
    from: Option<Time>,
    /// Before: a time, or a day, which still belongs to it
    #[arg(long, value_name = "TIME", value_parser = when::parse_date)]
    to: Option<Time>,
    /// CSV with the columns tenant, kind, subject: the people who may be affected
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
    /// CSV likewise: names for the callers' tags in the trail
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
    /// Where to write; standard output if absent or "-"
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Write a page to read and print
    #[arg(long)]
    html: bool,
}

/// Makes the report.
pub(super) fn run(args: &ReportArgs) -> Result<()> {
    let scope = args.scope()?;
    let mut trails = args.trails.open()?;
    let mut names = people::names(args.known.as_deref(), trails.key()?)?;
    if let Some(caller) = &scope.caller {
        names.add(trails.key()?, caller);
    }
    let subjects = args.subjects.as_deref().map(people::read).transpose()?.unwrap_or_default();
    let keys = args.trails.keyring.as_deref().map(Keys::open).transpose()?;
    let mut output = Output::create(args.output.as_deref(), &trails.first_log, args.force, Readers::OnlyTheUser)?;
    let mut incident = Incident::new(scope, trails.key()?);
    let verification = trails.read(|reading| incident.observe(reading))?;
    for subject in &subjects {
        let attribution = keys.as_ref().map(|keys| keys.of(subject)).transpose()?;
        incident.test(subject, trails.key()?, attribution.as_ref());
        names.add(trails.key()?, subject);
    }
    let report = incident.finish(&verification, &names, state::now()?);
    let text = if args.form.html { report.html() } else { serde_json::to_string_pretty(&report)? + "\n" };
    output.write(text.as_bytes())?;
    output.finish()?;
    if !report.basis.sound {
        eprintln!(
            "symbolon: the audit trail is not whole, and the report says so: symbolon trail verify has the details"
        );
    }
    Ok(())
}

impl ReportArgs {
    fn scope(&self) -> Result<Scope> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            return Err(Failure::Input.because("--to is not behind --from: nothing lies between them"));
        }
        let caller =
            self.caller.as_deref().map(|caller| parse_caller(caller, self.tenant.as_deref().unwrap_or_default()));
        let session = self.session.as_deref().map(parse_session).transpose()?;
        Ok(Scope { caller: caller.transpose()?, session, from: self.from, to: self.to })
    }
}

fn parse_caller(caller: &str, tenant: &str) -> Result<Principal> {
    let parts = caller.split_once(':').and_then(|(kind, name)| Some((kind_of(kind)?, name)));
    let wrong = || Failure::Input.because("--caller takes person:NAME, staff:NAME or service:NAME");
    let (kind, name) = parts.ok_or_else(wrong)?;
    Ok(Principal::new(tenant.as_bytes(), kind, name.as_bytes())?)
}

/// 16 digits, or the file of a session.
fn parse_session(text: &str) -> Result<[u8; 8]> {
    if let Some(id) = unhex(text).and_then(|bytes| bytes.try_into().ok()) {
        return Ok(id);
    }
    let path = Path::new(text);
    if !path.exists() {
        let what = "--session takes a session file, or the 16 hexadecimal digits that the trail has for a session";
        return Err(Failure::Input.because(what));
    }
    let id = SessionFile::read(path)?.credential.session_unverified();
    Ok(id.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// A day begins with its beginning.
fn parse_from(text: &str) -> Result<Time, String> {
    let time = when::parse_date(text)?;
    Ok(if text.contains('T') { time } else { Time::from_millis(time.as_millis().saturating_sub(86_400_000)) })
}
