//! `symbolon trail fetch`: brings an appliance's trail to where the other trail commands read it, and makes room there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use symbolon::{Checkpoint, appliance::Fault};
use symbolon_device::{Address, Auditor, Error};
use symbolon_host::audit::words::checkpoint_text;

use super::{
    fetched::FetchedLog,
    inputs::{CHECKPOINT, TRAIL},
};
use crate::{
    appliance::{Appliance, Remote},
    private_file,
    progress::Count,
    state::{audit_file, state_dir},
};

/// symbolon trail fetch
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon trail fetch --device /dev/ttyACM0 --roles shop.roles
  symbolon trail verify --audit-key shop.roles.audit

Appends what the appliance has recorded to shop.roles.state/trail.log, and only when the disk has it the appliance is told to forget it. \
Run it as often as you like, and before its memory is full (symbolon device status): what it can't record, it doesn't do. Beside the log \
stands how far the trail had come by the appliance's own word, which symbolon trail verify asks the log to confirm.

The roles file takes the auditor's key only. Fetch into one place: each entry is handed out until one fetch has it.")]
pub(super) struct FetchArgs {
    /// The appliance: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    device: Address,
    /// The file with the auditor's key
    #[arg(long, value_name = "FILE")]
    roles: PathBuf,
}

/// Fetches all there is.
pub(super) fn run(args: &FetchArgs) -> Result<()> {
    let dir = state_dir(&args.roles);
    let mut appliance = Appliance::connect(Remote { address: &args.device, roles: Some(&args.roles) })?;
    // Asked for before anything is made: the file may lack it.
    appliance.roles()?.key(symbolon::appliance::Role::Auditor)?;
    let fetched = fetch(&mut appliance, &dir)?;
    let room = appliance.status()?.room;
    eprintln!(
        "{} entries fetched to {}; the appliance has room for {}.",
        Count(fetched),
        dir.join(TRAIL).display(),
        Count(room.into())
    );
    let key = audit_file(&args.roles);
    if key.exists() {
        eprintln!("symbolon trail verify --audit-key {} says whether the trail is whole.", key.display());
    }
    Ok(())
}

/// Brings all there is to this directory, and what the appliance says of how far its trail has come: how many entries were new.
pub(crate) fn fetch(appliance: &mut Appliance, dir: &Path) -> Result<u64> {
    let mut log = FetchedLog::open(dir)?;
    let (fetched, checkpoint) = appliance.auditor(|auditor| {
        let fetched = drain(auditor, &mut log)?;
        let checkpoint = match auditor.checkpoint() {
            // The entries are safe, and the next run may hear it.
            Err(Error::Fault(Fault::Unavailable | Fault::Stage)) => None,
            checkpoint => Some(checkpoint?),
        };
        // What had come in before it was made: the log must not end before it.
        Ok((fetched + drain(auditor, &mut log)?, checkpoint))
    })?;
    note(checkpoint.as_ref(), &dir.join(CHECKPOINT))?;
    Ok(fetched)
}

/// Reads, keeps and acknowledges until there is nothing left: how many entries were new.
fn drain(auditor: &mut Auditor<'_>, log: &mut FetchedLog) -> Result<u64> {
    let mut fetched = 0;
    loop {
        let entries = auditor.read()?;
        let Some(last) = entries.last() else { return Ok(fetched) };
        fetched += log.keep(&entries)?;
        auditor.acknowledge(last.sequence())?;
    }
}

fn note(checkpoint: Option<&Checkpoint>, path: &Path) -> Result<()> {
    let Some(checkpoint) = checkpoint else {
        eprintln!("symbolon: the appliance could not say how far its trail has come");
        return Ok(());
    };
    let line = checkpoint_text(checkpoint) + "\n";
    private_file::write(path, line.as_bytes(), true)
        .context("the entries are safe, but how far the trail has come can't be kept")
}
