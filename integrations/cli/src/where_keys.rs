//! Where the keys are: in a keyring file, or in an appliance.

use std::path::{Path, PathBuf};

use clap::Args;
use symbolon_device::Address;

use crate::appliance::Remote;

/// The options of commands that work with either.
#[derive(Debug, Args)]
pub(crate) struct WhereKeys {
    #[command(flatten)]
    keys: Keys,
    /// The file with the appliance's role keys, which symbolon keygen --device wrote
    #[arg(long, value_name = "FILE", requires = "device", conflicts_with = "keyring")]
    roles: Option<PathBuf>,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Keys {
    /// The keyring file
    #[arg(short, long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// The appliance that has the keys: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    device: Option<Address>,
}

/// Where the keys are.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    /// In this file.
    Keyring(&'p Path),
    /// In an appliance.
    Appliance(Remote<'p>),
}

impl WhereKeys {
    /// The one that was given: clap has made sure of it.
    pub(crate) fn place(&self) -> Place<'_> {
        let keyring = self.keys.keyring.as_deref().unwrap_or(Path::new(""));
        Place::of(Some(keyring), self.keys.device.as_ref(), self.roles.as_deref()).unwrap_or(Place::Keyring(keyring))
    }
}

impl<'p> Place<'p> {
    /// The appliance where one was given, the keyring otherwise.
    pub(crate) fn of(keyring: Option<&'p Path>, device: Option<&'p Address>, roles: Option<&'p Path>) -> Option<Self> {
        let remote = device.map(|address| Self::Appliance(Remote { address, roles }));
        remote.or(keyring.map(Self::Keyring))
    }
}
