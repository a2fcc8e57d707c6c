//! `symbolon relay`: carries requests to an appliance that hangs on one machine's line.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;
use symbolon_device::{Address, Error, Relay};

use crate::{appliance, error::Failure};

/// symbolon relay
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon relay --device /dev/ttyACM0 --listen 127.0.0.1:7017
  symbolon reveal protected.csv --device tcp:127.0.0.1:7017 --session alice.session

It knows no key, and opens nothing. What `symbolon reveal` and the roles say and hear is noise to it; what is protected through it \
(symbolon protect) it carries as it is. Whoever reaches its port can ask the appliance, and no more: so listen where only those reach it \
who should, or everybody can use up the attempts of a role, and the appliance's time.

One line on standard output says where it listens; it runs until it is ended.")]
pub(crate) struct RelayArgs {
    /// The appliance: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    device: Address,
    /// Where to listen; port 0 takes one that is free
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
}

/// Runs it.
pub(crate) fn run(args: &RelayArgs) -> Result<()> {
    let of_relay = |error| match error {
        Error::Connect(place, cause) if place == args.listen => {
            Failure::Unavailable.because(format!("can't listen at {place}: {cause}"))
        }
        error => appliance::of_line(error, &args.device),
    };
    let relay = Relay::listen(&args.device, &args.listen).map_err(of_relay)?;
    let mut out = io::stdout().lock();
    writeln!(out, "symbolon relay: listening at {} for {}", relay.place().map_err(of_relay)?, args.device)?;
    out.flush()?;
    drop(out);
    relay.run();
    Ok(())
}
