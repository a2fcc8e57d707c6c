//! `symbolon rotate`: a new root key for what comes, and the end of an old one.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use symbolon::Keyring;

use crate::{
    error::Failure,
    keyfile::{self, Opened},
    state::{self, State},
};

/// symbolon rotate
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon rotate --keyring shop.keyring
  symbolon rotate --keyring shop.keyring --retire 1 --yes

The first adds a root key. What is sealed from then on is under the new epoch; what was sealed before opens as ever, \
and sessions and grants go on. The file is replaced whole or not at all, with every older root key in it, and keeps \
its passphrase.

The second removes an old root key for good. Before it: rewrap every file and table, until `symbolon inspect` counts \
no token of that epoch any more, backups of the data included.")]
pub(crate) struct RotateArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// Remove the root key of this epoch, instead of adding one
    #[arg(long, value_name = "EPOCH")]
    retire: Option<u16>,
    /// It is really meant: with --retire
    #[arg(long, requires = "retire")]
    yes: bool,
}

/// Adds an epoch, or retires one.
pub(crate) fn run(args: &RotateArgs) -> Result<()> {
    if !args.keyring.exists() {
        return Err(Failure::Input.because(format!("there is no keyring at {}", args.keyring.display())));
    }
    // Held to the end: two at a time would each write the keyring without the other's root.
    let lock = state::lock(&args.keyring)?;
    let opened = keyfile::open(&args.keyring)?;
    let keyring = match args.retire {
        Some(epoch) => retire(args, epoch, opened),
        None => add(args, opened),
    }?;
    drop(lock);
    // The trail is to say at once which keys there are from now on.
    let recorded = State::resume(&args.keyring, state::vault_of(keyring)?);
    recorded
        .map(drop)
        .context("the keyring is changed; only the audit trail doesn't say so yet, and the next command will make it")
}

fn add(args: &RotateArgs, Opened { mut keyring, passphrase }: Opened) -> Result<Keyring> {
    let name = args.keyring.display();
    let before = keyring.newest();
    let epochs = keyring.epochs().collect::<Vec<_>>();
    if epochs.len() >= Keyring::MAX_EPOCHS {
        let what = format!(
            "{name} has {} epochs, the most there can be ({}): rewrap what is left of the oldest, then retire it with --retire",
            epochs.len(),
            list(&epochs)
        );
        return Err(Failure::Input.because(what));
    }
    let epoch = keyring.add_epoch(&mut state::rng()?)?;
    keyfile::replace(&args.keyring, &keyring, passphrase)?;
    eprintln!(
        "\
{name} has epoch {epoch}: what is sealed from now on is under its new root key. Epoch {before} opens as ever.
Next:
  1. symbolon backup {name} -o FILE: no older backup can open what is sealed from now on.
  2. Give the new file to every server that has this keyring, and start it again.
  3. symbolon rewrap: moves files that were protected before to epoch {epoch}.
  4. symbolon rotate --keyring {name} --retire {oldest}: when nothing of epoch {oldest} is left (symbolon inspect FILE counts).",
        oldest = epochs.first().copied().unwrap_or(before),
    );
    Ok(keyring)
}

fn retire(args: &RotateArgs, epoch: u16, Opened { mut keyring, passphrase }: Opened) -> Result<Keyring> {
    let name = args.keyring.display();
    let epochs = keyring.epochs().collect::<Vec<_>>();
    let refuse = |what: String| Err(Failure::Input.because(what));
    if !epochs.contains(&epoch) {
        return refuse(format!("{name} has no epoch {epoch}; it has {}", list(&epochs)));
    }
    if epoch == keyring.newest() {
        return refuse(format!(
            "epoch {epoch} is the newest of {name}, under which all is sealed now: symbolon rotate adds another"
        ));
    }
    if !args.yes {
        return refuse(format!(
            "this destroys the root key of epoch {epoch} in {name}. What was sealed under it and is not rewrapped is lost for good, as \
             far as no backup of the keyring is left: tokens, also in backups of the data; surrogates and index rows; and grants, \
             sessions and verified addresses from then stop working. `symbolon inspect FILE` counts tokens by epoch. Nothing was done \
             yet. If it is meant, say --yes"
        ));
    }
    keyring.retire(epoch)?;
    keyfile::replace(&args.keyring, &keyring, passphrase)?;
    let left = keyring.epochs().collect::<Vec<_>>();
    eprintln!(
        "\
Epoch {epoch} of {name} is retired: nothing that is under it opens any more. Left: {}.
Older backups of the keyring still have its root key: if it was retired because it may be known to others, destroy them and make a
new one (symbolon backup). Servers that have this keyring go on with the old one until they get the new file.",
        list(&left)
    );
    Ok(keyring)
}

fn list(epochs: &[u16]) -> String {
    let epochs: Vec<_> = epochs.iter().map(u16::to_string).collect();
    format!("epoch{} {}", if epochs.len() == 1 { "" } else { "s" }, epochs.join(", "))
}

#[cfg(test)]
mod tests {
    use symbolon::Keyring;

    use super::*;

    #[test]
    fn epochs_are_listed() {
        let mut keyring = Keyring::generate(&mut state::rng().unwrap()).unwrap();
        assert_eq!(list(&keyring.epochs().collect::<Vec<_>>()), "epoch 1");
        for _ in 0..3 {
            keyring.add_epoch(&mut state::rng().unwrap()).unwrap();
        }
        keyring.retire(2).unwrap();
        assert_eq!(list(&keyring.epochs().collect::<Vec<_>>()), "epochs 1, 3, 4");
    }
}
