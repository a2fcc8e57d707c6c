//! `symbolon trail`: what an auditor does with the audit trail.

mod checkpoint;
pub(crate) mod fetch;
mod fetched;
pub(crate) mod inputs;
mod people;
mod report;
mod show;
mod verify;
mod who_saw;

use anyhow::Result;
use clap::{Args, Subcommand};

/// symbolon trail
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon trail verify --audit-key shop.keyring.audit
  symbolon trail who-saw --audit-key shop.keyring.audit --keyring shop.keyring --tenant shop-17 --person alice
  symbolon trail report --audit-key shop.keyring.audit --tenant shop-17 --caller person:bob --html -o bob.html
  symbolon trail fetch --device /dev/ttyACM0 --roles shop.roles

The trail is read with the audit key, away from the keyring if need be: copy shop.keyring.state/trail.log and say --log. Only what \
asks whose a refused token was takes the keyring, too.")]
pub(crate) struct TrailArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether the trail is whole, and if not, what is wrong and where
    Verify(verify::VerifyArgs),
    /// Answer one person: who saw what is hers, when and why, and whether that is all
    WhoSaw(who_saw::WhoSawArgs),
    /// Count what an incident's report asks for: people, records and fields
    Report(report::ReportArgs),
    /// Fetch an appliance's trail, and make room for more there
    Fetch(fetch::FetchArgs),
    /// Say how far this trail has come, to be kept elsewhere
    Checkpoint(checkpoint::CheckpointArgs),
    /// Put how far another node's trail had come into this one
    Witness(checkpoint::WitnessArgs),
    /// Print the entries, a line each
    Show(show::ShowArgs),
}

/// Does it.
pub(crate) fn run(args: &TrailArgs) -> Result<()> {
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::WhoSaw(args) => who_saw::run(args),
        Command::Report(args) => report::run(args),
        Command::Fetch(args) => fetch::run(args),
        Command::Checkpoint(args) => checkpoint::checkpoint(args),
        Command::Witness(args) => checkpoint::witness(args),
        Command::Show(args) => show::run(args),
    }
}
