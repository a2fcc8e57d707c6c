//! The program `symbolon`: protects the personal data in files and pipes, and reveals it to its owners.

mod demo;
mod error;
mod file_store;
mod inspect;
mod keyfile;
mod keygen;
mod login;
mod output;
mod passphrase;
mod private_file;
mod progress;
mod protect;
mod reveal;
mod schema;
mod session_file;
mod state;
mod text;

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
    /// Make a keyring: the secret that protects everything
    Keygen(keygen::KeygenArgs),
    /// Put tokens in place of the values in a file
    Protect(protect::Args),
    /// Make a session for one person, as a log-in service would
    Login(login::LoginArgs),
    /// Show a file with the values that belong to one session
    Reveal(reveal::Args),
    /// End a session before its time
    Logout(login::LogoutArgs),
    /// Say what can be told of tokens without any key
    Inspect(inspect::InspectArgs),
    /// Copy a keyring, under a passphrase, to be kept elsewhere
    Backup(keygen::BackupArgs),
    /// Make a keyring file from a backup
    Restore(keygen::RestoreArgs),
    /// See all of it at work on sample data, in one minute
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
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
        Command::Logout(args) => login::logout(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Backup(args) => keygen::backup(args),
        Command::Restore(args) => keygen::restore(args),
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
New here? `symbolon demo` does all of this on sample data.

Exit codes:
  0  done
  1  another error
  2  wrong usage
  3  refused: wrong passphrase, or a session that is over, logged out or of another keyring
  4  unavailable: lock, disk, clock or audit trail; nothing was opened, try again later
  5  the input is not what it must be";
