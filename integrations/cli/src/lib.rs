//! The program `symbolon`: protects the personal data in files and pipes, and reveals it to its owners. All of it is here, so that what reads
//! files can be fuzzed; `main.rs` calls [`run_from_args`], and nothing else is meant for others.

mod address;
mod appliance;
mod canary;
mod demo;
mod device;
mod erase;
mod error;
mod file_store;
#[doc(hidden)]
pub mod fuzzing;
mod grant;
mod grant_file;
mod index;
mod inspect;
mod keyfile;
mod keygen;
mod login;
mod output;
mod passphrase;
mod private_file;
mod progress;
mod protect;
mod provision;
mod relay;
mod reown;
mod residue;
mod reveal;
mod rewrap;
mod roles_file;
mod rotate;
mod scan;
mod scanner_key;
mod schema;
mod session_file;
mod state;
mod stop;
mod surrogate;
mod text;
mod trail;
mod where_keys;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Puts tokens in place of names, addresses and card numbers. A token opens for its owner's session, and for nobody else.
#[derive(Debug, Parser)]
#[command(name = "symbolon", version, max_term_width = 110, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Cli {
    /// Take the passphrase of a keyring or backup from this file's first line instead of the terminal.
    /// The variable SYMBOLON_PASSPHRASE_FILE does the same
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a keyring: the secret that protects everything. Or set an appliance up, which keeps it
    Keygen(keygen::KeygenArgs),
    /// Put tokens in place of the values in a file
    Protect(protect::Args),
    /// Make a session for one person, member of staff or service, as a log-in service would
    Login(login::LoginArgs),
    /// Show a file with the values that belong to one session, or that a grant opens for it
    Reveal(reveal::Args),
    /// Let somebody else open some of an owner's values, for a purpose and a time
    Grant(grant::GrantArgs),
    /// Take a grant back, or all of an owner's
    Revoke(grant::RevokeArgs),
    /// Record that an address is an owner's: messages open for it alone
    ConfirmAddress(address::ConfirmArgs),
    /// Make a guest's tokens in a file the account's
    Reown(reown::ReownArgs),
    /// End a session before its time
    Logout(login::LogoutArgs),
    /// Destroy what opens an owner's values, for good
    Erase(erase::EraseArgs),
    /// Add a root key to a keyring, or retire an old one
    Rotate(rotate::RotateArgs),
    /// Seal the tokens of a table anew under the newest root key; nothing is shown
    Rewrap(rewrap::RewrapArgs),
    /// Make what a search by a protected value needs, or search with it
    Index(index::IndexArgs),
    /// Put 16 digits in place of tokens, for columns that are too narrow; and back
    Surrogate(surrogate::SurrogateArgs),
    /// Say what can be told of tokens without any key
    Inspect(inspect::InspectArgs),
    /// Make the key that tells one tenant's tokens from all others, and opens none
    ScannerKey(scanner_key::ScannerKeyArgs),
    /// Find a tenant's tokens in what leaked: files, archives, mail, dumps
    Scan(scan::ScanArgs),
    /// Find protected values that still lie about in clear
    Residue(residue::ResidueArgs),
    /// Copy a keyring, under a passphrase, to be kept elsewhere
    Backup(keygen::BackupArgs),
    /// Make a keyring file from a backup
    Restore(keygen::RestoreArgs),
    /// Verify the audit trail, and answer from it
    Trail(trail::TrailArgs),
    /// Put tokens among the others that nobody has a reason to open: whoever does is noticed
    Canary(canary::CanaryArgs),
    /// Stop everything at once
    Stop(stop::StopArgs),
    /// Let go on what was stopped
    Release(stop::StopArgs),
    /// Look after an appliance: its state, backups, root keys, its end
    Device(device::DeviceArgs),
    /// Carry requests from a port to an appliance, knowing no key
    Relay(relay::RelayArgs),
    /// See all of it at work on sample data, in one minute
    Demo(demo::DemoArgs),
}

/// Runs the command line that the program was started with, prints what went wrong, and says how to exit.
#[must_use]
pub fn run_from_args() -> ExitCode {
    let cli = Cli::parse();
    passphrase::set_file(cli.passphrase_file);
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Keygen(args) => keygen::keygen(args),
        Command::Protect(args) => protect::run(args),
        Command::Login(args) => login::login(args),
        Command::Reveal(args) => reveal::run(args),
        Command::Grant(args) => grant::grant(args),
        Command::Revoke(args) => grant::revoke(args),
        Command::ConfirmAddress(args) => address::confirm(args),
        Command::Reown(args) => reown::run(args),
        Command::Erase(args) => erase::run(args),
        Command::Rotate(args) => rotate::run(args),
        Command::Rewrap(args) => rewrap::run(args),
        Command::Index(args) => index::run(args),
        Command::Surrogate(args) => surrogate::run(args),
        Command::Logout(args) => login::logout(args),
        Command::Inspect(args) => inspect::run(args),
        Command::ScannerKey(args) => scanner_key::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Residue(args) => residue::run(args),
        Command::Backup(args) => keygen::backup(args),
        Command::Restore(args) => keygen::restore(args),
        Command::Trail(args) => trail::run(args),
        Command::Canary(args) => canary::run(args),
        Command::Stop(args) => stop::stop(args),
        Command::Release(args) => stop::release(args),
        Command::Device(args) => device::run(args),
        Command::Relay(args) => relay::run(args),
        Command::Demo(args) => demo::run(args),
    }
}

/// Runs a command line of this program, `symbolon` itself left out: what the demo shows is what it does.
fn run_line(line: &[String]) -> Result<()> {
    let cli = Cli::try_parse_from(std::iter::once("symbolon".into()).chain(line.iter().cloned()))?;
    run(&cli.command)
}

const AFTER_HELP: &str = "\
The usual order:
  symbolon keygen shop.keyring
  symbolon protect customers.csv --schema customers.schema.toml --keyring shop.keyring -o protected.csv
  symbolon login --keyring shop.keyring --tenant shop-17 --person alice -o alice.session
  symbolon reveal protected.csv --keyring shop.keyring --session alice.session
With an appliance that keeps the keys: symbolon keygen shop.roles --device ADDRESS, and --device ADDRESS in place of --keyring.
New here? `symbolon demo` does all of this on sample data.

Exit codes:
  0  done
  1  another error
  2  wrong usage
  3  refused: wrong passphrase or role key, a session that is over, logged out or of another keyring, or an appliance that is locked or
     not blank
  4  unavailable: lock, disk, clock or audit trail, or an appliance that is not there or blank; nothing was opened, try again later
  5  the input is not what it must be
  6  done in part: something was left as it is, and the messages say what";
