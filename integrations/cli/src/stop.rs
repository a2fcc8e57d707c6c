//! `symbolon stop` and `symbolon release`: everything stops at once, and goes on when the right person says so.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    session_file::{Caller, SessionFile},
    state::State,
};

/// symbolon stop, symbolon release
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon login --keyring shop.keyring --tenant shop-17 --staff on-call --right operate -o on-call.session
  symbolon stop --keyring shop.keyring --session on-call.session
  symbolon release --keyring shop.keyring --session on-call.session

From stop to release nothing opens, is granted or looked up, by anybody, also after a restart. It holds for this keyring's state on this \
machine: other nodes are stopped by themselves.")]
pub(crate) struct StopArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// A session with the right operate
    #[arg(short, long, value_name = "FILE")]
    session: PathBuf,
}

/// Stops everything.
pub(crate) fn stop(args: &StopArgs) -> Result<()> {
    switch(args, true)?;
    eprintln!("Everything is stopped: nothing opens until symbolon release.");
    Ok(())
}

/// Lets it go on.
pub(crate) fn release(args: &StopArgs) -> Result<()> {
    switch(args, false)?;
    eprintln!("What was stopped goes on.");
    Ok(())
}

fn switch(args: &StopArgs, stop: bool) -> Result<()> {
    let session = SessionFile::read(&args.session)?;
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let mut caller = Caller::new(session, vault, host)?;
    let session = caller.lasting(host)?;
    let held = if stop { session.stop_held(host)? } else { session.release_held(host)? };
    host.settle(vault, held)
        .context("this session may not stop or release: symbolon login --staff NAME --right operate makes one that may")
}
