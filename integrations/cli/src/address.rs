//! `symbolon confirm-address`: records to which address messages to somebody may go.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use symbolon::{Field, Principal, Rights};

use crate::{error::Failure, login::Who, session_file::Caller, state::State};

/// symbolon confirm-address
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon confirm-address --keyring shop.keyring --tenant shop-17 --person alice \\
      --email alice@example.com

Call it once the owner has shown that the address is theirs (a link in a mail, a code in a message). From then on \
what is opened for the purpose message opens for this address only: `symbolon reveal --purpose message --to-email \
alice@example.com`. The address is not kept, only what tells whether another is the same, letter for letter: write \
it in one way always.")]
pub(crate) struct ConfirmArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// The owner's tenant
    #[arg(short, long)]
    tenant: String,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    what: What,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The e-mail address that was confirmed; it takes the place of an earlier one
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The telephone number that was confirmed; it takes the place of an earlier one
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Forget the address: no message opens until another is confirmed
    #[arg(long, value_enum)]
    withdraw: Option<Withdrawn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Withdrawn {
    /// The e-mail address
    Email,
    /// The telephone number
    Phone,
}

/// Records the address.
pub(crate) fn confirm(args: &ConfirmArgs) -> Result<()> {
    let (kind, kind_name, subject) = args.who.one();
    let owner = Principal::new(args.tenant.as_bytes(), kind, subject.as_bytes())?;
    let (field, address) = match &args.what {
        What { email: Some(address), .. } => (Field::EMAIL, address.as_str()),
        What { phone: Some(number), .. } => (Field::PHONE, number.as_str()),
        What { withdraw: Some(Withdrawn::Phone), .. } => (Field::PHONE, ""),
        What { .. } => (Field::EMAIL, ""),
    };
    let withdraws = args.what.withdraw.is_some();
    if !withdraws {
        check(field, address)?;
    }
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let mut program = Caller::program(&args.tenant, Rights::CONFIRM_ADDRESS, vault, host)?;
    let held = program.lasting(host)?.confirm_address_held(&owner, field, address.as_bytes(), host)?;
    host.settle(vault, held).with_context(|| {
        format!("the address of {kind_name} {subject} could not be recorded: was the owner erased? The audit trail has the reason")
    })?;
    let now = if withdraws { "has no verified address of that field any more" } else { "has a new verified address" };
    eprintln!("{kind_name} {subject} of {} {now} ({field}).", args.tenant);
    Ok(())
}

/// Refuses what can't be an address, without showing it.
pub(crate) fn check(field: Field, address: &str) -> Result<()> {
    if address.trim() != address {
        return Err(Failure::Input.because("the address has white space around it: it is compared letter for letter"));
    }
    field
        .check(address.as_bytes())
        .map_err(|_| Failure::Input.because(format!("what was given as the address is none. {}", field.requirement())))
}
