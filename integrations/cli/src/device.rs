//! `symbolon device`: what is done with an appliance itself.

mod backup_file;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use symbolon::{
    Time,
    appliance::{Role, SELF_TEST, Status},
};
use symbolon_device::Address;

use crate::{
    appliance::{Appliance, During, Remote},
    error::Failure,
    private_file,
    progress::Count,
    provision::{Roots, Wanted, provision},
    roles_file::{Roles, name_of},
    text::utc,
};

/// symbolon device
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon device status --device /dev/ttyACM0
  symbolon device backup --device /dev/ttyACM0 --roles shop.roles -o shop.backup
  symbolon device restore shop.backup other.roles --device tcp:host:7017 --transport-of shop.roles --node 1

symbolon keygen --device sets an appliance up.")]
pub(crate) struct DeviceArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how the appliance is
    Status(Which),
    /// Have the appliance test itself
    SelfTest(Which),
    /// Take its root keys out, wrapped under the transport key of the roles file
    Backup(BackupArgs),
    /// Set a blank appliance up with the root keys of a backup
    Restore(RestoreArgs),
    /// Add a root key, or retire an old one
    Rotate(RotateArgs),
    /// Close the way out: no backup leaves it any more, and its role keys stay what they are
    Lock(Administered),
    /// Give a role a new key, and its attempts back
    NewKey(NewKeyArgs),
    /// Destroy everything that it keeps
    Zeroise(ZeroiseArgs),
}

#[derive(Debug, Args)]
struct Which {
    /// The appliance: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    device: Address,
}

#[derive(Debug, Args)]
struct Administered {
    #[command(flatten)]
    which: Which,
    /// The roles file with the officer's key
    #[arg(long, value_name = "FILE")]
    roles: PathBuf,
}

/// symbolon device backup
#[derive(Debug, Args)]
struct BackupArgs {
    #[command(flatten)]
    at: Administered,
    /// Where to write the backup
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// symbolon device restore
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon device restore shop.backup other.roles --device tcp:host:7017 --transport-of shop.roles --node 1

The appliance gets new role keys in other.roles, and the old transport key, so that backups go to and fro. A trail of its own begins; \
give each appliance with the same root keys another number, by which the trails are told apart. Where it is interrupted, the same command goes on.")]
struct RestoreArgs {
    /// The backup
    backup: PathBuf,
    /// Where to write the roles file of the appliance that is set up
    #[arg(value_name = "ROLES")]
    new_roles: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The roles file with the transport key that the backup is under
    #[arg(long, value_name = "FILE")]
    transport_of: PathBuf,
    /// The appliance's number: another for each one with the same root keys
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    node: u32,
}

/// symbolon device rotate
#[derive(Debug, Args)]
struct RotateArgs {
    #[command(flatten)]
    at: Administered,
    /// Remove the root key of this epoch for good, instead of adding one: what is sealed under it never opens again
    #[arg(long, value_name = "EPOCH", requires = "yes")]
    retire: Option<u16>,
    /// It is really meant: with --retire
    #[arg(long, requires = "retire")]
    yes: bool,
}

/// symbolon device new-key
#[derive(Debug, Args)]
struct NewKeyArgs {
    #[command(flatten)]
    at: Administered,
    /// Whose
    #[arg(long, value_enum)]
    role: RoleName,
    /// Where to write the roles file that has the new key, and nothing else
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// symbolon device zeroise
#[derive(Debug, Args)]
struct ZeroiseArgs {
    #[command(flatten)]
    at: Administered,
    /// It is really meant: without a backup all that it protects is lost
    #[arg(long, required = true)]
    yes_zeroise: bool,
}

/// The roles by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Sets the appliance up, and ends it
    Officer,
    /// Makes sessions
    Issuer,
    /// Reads the trail
    Auditor,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Officer => Self::Officer,
            RoleName::Issuer => Self::Issuer,
            RoleName::Auditor => Self::Auditor,
        }
    }
}

impl Which {
    fn connect(&self) -> Result<Appliance> {
        Appliance::connect(Remote { address: &self.device, roles: None })
    }
}

impl Administered {
    fn connect(&self) -> Result<Appliance> {
        Appliance::connect(Remote { address: &self.which.device, roles: Some(&self.roles) })
    }
}

/// Does it.
pub(crate) fn run(args: &DeviceArgs) -> Result<()> {
    match &args.command {
        Command::Status(which) => status(which),
        Command::SelfTest(which) => self_test(which),
        Command::Backup(args) => backup(args),
        Command::Restore(args) => restore(args),
        Command::Rotate(args) => rotate(args),
        Command::Lock(at) => lock(at),
        Command::NewKey(args) => new_key(args),
        Command::Zeroise(args) => zeroise(args),
    }
}

fn status(which: &Which) -> Result<()> {
    let appliance = which.connect()?;
    let mut out = io::stdout().lock();
    for line in in_words(appliance.device.last_status()) {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// What a status says, a line each.
fn in_words(status: &Status) -> Vec<String> {
    let stage = match status.stage {
        0 => "blank: symbolon keygen FILE --device ADDRESS sets it up",
        1 => "has role keys, and no root keys yet: run symbolon keygen again to bring it to its end",
        _ => "set up, with root keys",
    };
    let health =
        if status.healthy { "healthy" } else { "NOT HEALTHY: it does nothing any more (symbolon device self-test)" };
    let time = status.time.map_or_else(|| "NONE: it opens nothing without".into(), |time| utc(Time::from_millis(time)));
    let mut lines = vec![format!("state:     {stage}"), format!("health:    {health}"), format!("clock:     {time}")];
    if status.stage == 0 {
        return lines;
    }
    let yes = |yes, words: &str| if yes { words.to_owned() } else { "no".to_owned() };
    let attempts = Role::ALL.iter().zip(status.attempts).map(|(role, left)| format!("{} {left}", name_of(*role)));
    lines.extend([
        format!("number:    {}", status.node),
        format!("epoch:     {}", status.epoch),
        format!("locked:    {}", yes(status.locked, "yes: no backup leaves it")),
        format!("stopped:   {}", yes(status.stopped, "YES: nothing opens")),
        format!("trail:     next number {}, room for {} entries", status.next_entry, Count(status.room.into())),
        format!("alarms:    {} since its start", status.alarms),
        format!("attempts:  {} left", attempts.collect::<Vec<_>>().join(", ")),
    ]);
    lines
}

fn self_test(which: &Which) -> Result<()> {
    let mut appliance = which.connect()?;
    let passed =
        appliance.device.self_test().map_err(|error| appliance.explain(During::Connect, error.into()))? & SELF_TEST;
    let parts = [(1, "PRF"), (2, "encryption"), (4, "random numbers"), (8, "store")];
    let mut out = io::stdout().lock();
    for (bit, name) in parts {
        writeln!(out, "{name}: {}", if passed & bit == 0 { "FAILED" } else { "passed" })?;
    }
    out.flush()?;
    if passed == SELF_TEST {
        return Ok(());
    }
    Err(Failure::Unavailable
        .because("the appliance failed its self-test: switch it off and on, and replace it if it fails again"))
}

fn backup(args: &BackupArgs) -> Result<()> {
    private_file::refuse_existing(&args.output)?;
    let mut appliance = args.at.connect()?;
    let wrapped = appliance.officer(|officer| Ok(officer.backup()?))?;
    backup_file::write(&args.output, &wrapped)?;
    let (output, roles) = (args.output.display(), args.at.roles.display());
    eprintln!("{output} is written. It opens with the transport key of {roles}: keep the two apart.");
    Ok(())
}

fn restore(args: &RestoreArgs) -> Result<()> {
    let wrapped = backup_file::read(&args.backup)?;
    let transport = Roles::read(&args.transport_of)?.transport()?.clone();
    // Before anything is changed: a backup that doesn't open would leave an appliance without roots.
    symbolon::appliance::TransportKey::new(*transport).unwrap(&wrapped).map_err(|_| {
        let (backup, roles) = (args.backup.display(), args.transport_of.display());
        Failure::Denied
            .because(format!("{backup} does not open with the transport key of {roles}: another's, or damaged"))
    })?;
    let roots = Roots::Wrapped(wrapped, transport);
    provision(&Wanted { roles: &args.new_roles, address: &args.which.device, node: args.node, roots })
}

fn rotate(args: &RotateArgs) -> Result<()> {
    let mut appliance = args.at.connect()?;
    if let Some(epoch) = args.retire {
        let newest = appliance.officer(|officer| Ok(officer.retire(epoch)?))?;
        eprintln!("Epoch {epoch} is retired: what is sealed under it never opens again. The newest is {newest}.");
        return Ok(());
    }
    let epoch = appliance.officer(|officer| Ok(officer.rotate()?))?;
    eprintln!(
        "The appliance has epoch {epoch}: what is sealed from now on is under its new root key, and all else opens as ever."
    );
    if appliance.device.last_status().locked {
        eprintln!("It is locked, so the new root key is in this appliance alone: no backup can have it.");
    } else {
        eprintln!("No older backup can open what is sealed from now on: symbolon device backup.");
    }
    Ok(())
}

fn lock(at: &Administered) -> Result<()> {
    at.connect()?.officer(|officer| Ok(officer.lock()?))?;
    eprintln!(
        "The appliance is locked: no backup leaves it, and its role keys stay what they are. Only zeroising undoes that."
    );
    Ok(())
}

fn new_key(args: &NewKeyArgs) -> Result<()> {
    let role = Role::from(args.role);
    let mut appliance = args.at.connect()?;
    let new = Roles::of_one(&args.output, role)?;
    // First on the disk: a key that is set and not written would be nobody's.
    new.write_new()?;
    let key = new.key(role)?;
    appliance.officer(|officer| Ok(officer.set_role(role, key)?)).with_context(|| {
        format!("the {} keeps the key that it has, and {} is of no use", name_of(role), args.output.display())
    })?;
    eprintln!(
        "The {name} has a new key, in {new}, and all attempts again. The {name} key in other files is no longer good, and each try with it counts: \
         take it out there.",
        name = name_of(role),
        new = args.output.display()
    );
    Ok(())
}

fn zeroise(args: &ZeroiseArgs) -> Result<()> {
    let mut appliance = args.at.connect()?;
    appliance.officer(|officer| Ok(officer.zeroise()?))?;
    let roles = args.at.roles.display();
    eprintln!(
        "Everything that the appliance kept is destroyed, and it is blank. {roles} is of no use for it any more."
    );
    Ok(())
}
