//! `symbolon trail checkpoint` and `witness`: how far a trail has come, said where whoever keeps the trail can't reach it.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::Args;
use symbolon_host::audit::words::checkpoint_text;

use super::inputs::read_checkpoints;
use crate::{error::Failure, state::State};

/// symbolon trail checkpoint
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon trail checkpoint --keyring shop.keyring | mail -s checkpoint auditor@example.com

One line, such as:
  symbolon-checkpoint-1 node=0 next=57 time=2026-11-23T10:00:00Z 00000000…

It is no secret, and only the vault can make it. Kept elsewhere it shows later that the trail's end was cut off, or an old \
copy put back: symbolon trail verify --checkpoint FILE.")]
pub(super) struct CheckpointArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// Append the line to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// symbolon trail witness
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon trail witness --keyring shop.keyring other-node.checkpoint

Of each node in the file the checkpoint that reaches farthest is put into this trail. Whoever cuts that node's trail must then cut \
this one, too. It is not verified here: only the auditor can, with symbolon trail verify and the keys of both nodes.")]
pub(super) struct WitnessArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// Lines that symbolon trail checkpoint printed on another node
    file: PathBuf,
}

/// Says how far the trail has come.
pub(super) fn checkpoint(args: &CheckpointArgs) -> Result<()> {
    let state = State::open(&args.keyring)?;
    let line = checkpoint_text(&state.host.checkpoint().context("the trail can't say how far it has come")?) + "\n";
    let Some(path) = args.output.as_deref().filter(|path| path.as_os_str() != "-") else {
        return Ok(io::stdout().lock().write_all(line.as_bytes())?);
    };
    let cant = || format!("can't append to {}", path.display());
    let mut file = OpenOptions::new().append(true).create(true).open(path).with_context(cant)?;
    // One write of one line: another process that appends at the same time stays apart.
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).with_context(cant)
}

/// Puts other nodes' checkpoints into the trail.
pub(super) fn witness(args: &WitnessArgs) -> Result<()> {
    let mut farthest = BTreeMap::new();
    for checkpoint in read_checkpoints(&args.file, false)? {
        let kept = farthest.entry(checkpoint.node()).or_insert(checkpoint);
        if kept.next() < checkpoint.next() {
            *kept = checkpoint;
        }
    }
    if farthest.is_empty() {
        return Err(Failure::Input.because(format!("{} has no checkpoint in it", args.file.display())));
    }
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    for (node, checkpoint) in &farthest {
        host.witness(vault, checkpoint).map_err(|error| match error {
            symbolon::Error::Malformed => {
                let what = format!("the checkpoint of node {node} is this node's own: another node must witness it");
                Failure::Input.because(what)
            }
            error => error.into(),
        })?;
    }
    host.commit(vault)?;
    for (node, checkpoint) in &farthest {
        eprintln!("This trail says now that node {node}'s had come to number {}.", checkpoint.next());
    }
    Ok(())
}
