//! `symbolon erase`: what was protected for somebody, and can be erased, opens for nobody any more.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use symbolon::{Environment, Held, Kind, Principal, Rights, Store, Vault};

use crate::{
    error::Failure,
    grant,
    progress::Count,
    session_file::Caller,
    state::{CliHost, State, state_dir},
    text,
};

/// symbolon erase
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon erase --keyring shop.keyring --tenant shop-17 --person alice --yes >> erasures.txt

There is no way back. What was protected with --erasable can't be opened by anybody any more, all root keys in hand; \
whatever else is the owner's is refused from then on. Grants and verified addresses of the owner go, too.

A receipt for each owner is printed: when, and which entry of the audit trail has it. Keep it. Who is erased already \
is said to be, and that is no error: a list that broke off can be given again.")]
pub(crate) struct EraseArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// The owners' tenant
    #[arg(short, long)]
    tenant: String,
    #[command(flatten)]
    who: Whom,
    /// It is really meant
    #[arg(long)]
    yes: bool,
}

/// At least one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Whom {
    /// A customer or member, named as in the data's owner column. Several may follow
    #[arg(short, long, value_name = "ID", num_args = 1..)]
    person: Vec<String>,
    /// Somebody who works for the tenant
    #[arg(long, value_name = "ID", num_args = 1..)]
    staff: Vec<String>,
    /// A program
    #[arg(long, value_name = "ID", num_args = 1..)]
    service: Vec<String>,
    /// A file of customers or members, one on each line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Erases the owners.
pub(crate) fn run(args: &EraseArgs) -> Result<()> {
    let owners = args.who.principals(args.tenant.as_bytes())?;
    if !args.yes {
        return Err(Failure::Input.because(are_you_sure(&owners, &args.tenant)));
    }
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let mut program = Caller::program(&args.tenant, Rights::MAINTAIN, vault, host)?;
    let mut done = 0;
    let mut last_time = String::new();
    for some in owners.chunks(AT_ONCE) {
        let receipts = erase(some, &mut program, vault, host).with_context(|| broken_off(done))?;
        let mut out = io::stdout().lock();
        for receipt in receipts {
            done += u64::from(receipt.entry.is_some());
            writeln!(out, "{}", receipt.line(&args.tenant))?;
            last_time = receipt.time;
        }
        out.flush()?;
    }
    if done > 0 {
        // An erased secret stays in the database's old pages until then: only now are they erased.
        host.environment().store().registry().scrub().context(
            "the erased owners' secrets may still be in the registry's file: run any command on this keyring when the cause is gone",
        )?;
        let state = state_dir(&args.keyring);
        write!(io::stdout().lock(), "{}", what_remains(&state, &last_time))?;
    }
    Ok(())
}

/// What is left of an owner.
struct Receipt {
    owner: Principal,
    /// RFC 3339, UTC.
    time: String,
    /// The entry of the trail; none where the owner was erased before.
    entry: Option<u64>,
}

/// Erases these owners in one commit, those left out who are erased already.
fn erase(owners: &[Principal], program: &mut Caller<'_>, vault: &Vault, host: &mut CliHost) -> Result<Vec<Receipt>> {
    let session = program.lasting(host)?;
    let mut held: Vec<(&Principal, Option<Held<()>>)> = Vec::new();
    for owner in owners {
        let erased_before = vault.is_erased(owner, host)?;
        held.push((owner, if erased_before { None } else { Some(session.erase_held(owner, host)?) }));
    }
    let commit = host.commit(vault)?;
    let last = host.environment().store().last_entry()?.context("the audit trail is empty")?;
    let time = text::utc(last.time());
    let receipt = |(owner, held): (&Principal, Option<Held<()>>)| {
        let entry = held.as_ref().map(Held::entry);
        if let Some(held) = held {
            held.release(&commit).with_context(|| format!("{} could not be erased", grant::name(owner)))?;
        }
        Ok(Receipt { owner: owner.clone(), time: time.clone(), entry })
    };
    held.into_iter().map(receipt).collect()
}

impl Receipt {
    fn line(&self, tenant: &str) -> String {
        let owner = grant::name(&self.owner);
        match self.entry {
            None => format!("{}  {owner} of {tenant} was erased before: nothing to do", self.time),
            Some(entry) => format!("{}  trail entry {entry}  {owner} of {tenant} is erased", self.time),
        }
    }
}

impl Whom {
    /// All that were named, each once.
    fn principals(&self, tenant: &[u8]) -> Result<Vec<Principal>> {
        let mut owners = Vec::new();
        for (kind, names) in [(Kind::Person, &self.person), (Kind::Staff, &self.staff), (Kind::Service, &self.service)]
        {
            for name in names {
                owners.push(owner(tenant, kind, name, "")?);
            }
        }
        if let Some(path) = &self.from {
            owners.append(&mut from_file(tenant, path)?);
        }
        let mut seen = std::collections::HashSet::new();
        owners.retain(|owner| seen.insert((owner.kind() as u8, owner.subject().to_vec())));
        Ok(owners)
    }
}

/// One name on each line; empty lines are nothing.
fn from_file(tenant: &[u8], path: &Path) -> Result<Vec<Principal>> {
    let name = path.display();
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Input.because(format!("there is no file {name}")),
        _ => anyhow::Error::new(error).context(format!("can't read {name}")),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::Input.because(format!("{name} is not UTF-8 text")))?;
    let mut owners = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if !line.is_empty() {
            owners.push(owner(tenant, Kind::Person, line, &format!("{name}, line {number}: "))?);
        }
    }
    if owners.is_empty() {
        return Err(Failure::Input.because(format!("{name} has no name in it")));
    }
    Ok(owners)
}

/// An owner who can be meant.
fn owner(tenant: &[u8], kind: Kind, name: &str, place: &str) -> Result<Principal> {
    if name.trim() != name {
        return Err(Failure::Input.because(format!("{place}there is white space around the owner's name")));
    }
    Principal::new(tenant, kind, name.as_bytes())
        .map_err(|_| Failure::Input.because(format!("{place}tenant and owner have 1 to 64 bytes each")))
}

fn are_you_sure(owners: &[Principal], tenant: &str) -> String {
    let first = owners.first().map(grant::name).unwrap_or_default();
    let others = owners.len().saturating_sub(1);
    let more = if others > 0 { format!(" and {} more", Count(others as u64)) } else { String::new() };
    format!(
        "this erases {first}{more} of {tenant} for good: nothing of theirs will open again, for anybody, and there is no way back. \
         Nothing was done yet. If it is meant, say --yes"
    )
}

fn broken_off(done: u64) -> String {
    format!("{} were erased, then it broke off; give the same list again when the cause is gone", Count(done))
}

/// What no program can do.
fn what_remains(state: &Path, time: &str) -> String {
    let state = state.display();
    format!(
        "\
What remains to be done by you:
- Backups and snapshots of {state} from before {time} still hold what opens the erasable tokens, together with the
  keyring: destroy them, or write down by when they run out. Never put {state} back to an earlier state.
- Tokens that are not erasable are refused here, but open for whoever has the keyring without {state}: delete them.
- Delete these owners' rows in your own tables; the registry's index rows and surrogates are gone. Values that were
  revealed and kept elsewhere are not reached.
"
    )
}

/// Owners that are erased with one commit.
const AT_ONCE: usize = 256;
