//! Making, backing up and restoring a keyring.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use symbolon::{AuditKey, Keyring, Vault};
use symbolon_device::Address;
use zeroize::Zeroizing;

use crate::{
    error::Failure,
    file_store::FileStore,
    keyfile,
    passphrase::{self, Passphrase},
    private_file,
    provision::{Roots, Wanted, provision},
    state::{self, State, audit_file, state_dir},
};

/// symbolon keygen
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon keygen shop.keyring
  symbolon keygen shop.roles --device /dev/ttyACM0

The first makes three things, for your eyes only:
  shop.keyring        the root keys. Whoever has this file can open every token; whoever loses it has lost the data.
  shop.keyring.state  the audit trail and what belongs to it.
  shop.keyring.audit  the key to read the trail with, for the auditor. Hand it over, then delete it here.

The second sets a blank appliance up, which keeps the root keys: they never leave it but as a backup (symbolon device backup). It makes
  shop.roles        the keys of its officer, issuer and auditor, and the one that backups are under. Written before the appliance has them.
  shop.roles.audit  the key to read its trail with, once symbolon trail fetch has fetched it.
Where it is interrupted, the same command goes on. Commands that take --keyring shop.keyring then take --device ADDRESS, and \
--roles shop.roles where one of the roles is needed. A copy of shop.roles with one role's line alone is for who has that role.")]
pub(crate) struct KeygenArgs {
    /// Where to write the keyring; with --device, the roles file
    #[arg(value_name = "FILE")]
    keyring: PathBuf,
    /// Keep the keyring under a passphrase, which every later command will ask for
    #[arg(long, conflicts_with = "device")]
    passphrase: bool,
    /// Set the blank appliance up that is there, instead of making a keyring: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    device: Option<Address>,
    /// Give the appliance the root keys of this keyring, instead of having it make its own
    #[arg(long, value_name = "KEYRING", requires = "device")]
    import: Option<PathBuf>,
    /// The appliance's number: another for each one with the same root keys
    #[arg(long, value_name = "NUMBER", requires = "device", default_value_t = 0)]
    node: u32,
}

/// symbolon backup
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon backup shop.keyring -o shop.backup

The backup is always under a passphrase: that of the keyring where it has one, otherwise a new one that is asked for.
Keep the two apart, and away from this machine. Without the keyring or a backup all protected data is lost.")]
pub(crate) struct BackupArgs {
    /// The keyring to copy
    keyring: PathBuf,
    /// Where to write the backup
    #[arg(short, long)]
    output: PathBuf,
}

/// symbolon restore
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon restore shop.backup shop.keyring

Where no audit trail is left beside the keyring's place, a new one begins, with a new audit key for the auditor.")]
pub(crate) struct RestoreArgs {
    /// The backup
    backup: PathBuf,
    /// Where to write the keyring
    keyring: PathBuf,
    /// Keep the keyring under the backup's passphrase, too
    #[arg(long)]
    passphrase: bool,
}

/// Makes a keyring, its trail, and the auditor's key.
pub(crate) fn keygen(args: &KeygenArgs) -> Result<()> {
    let path = &args.keyring;
    if let Some(address) = &args.device {
        let keyring = args.import.as_deref().map(keyfile::read).transpose()?;
        let roots = keyring.map_or(Roots::Fresh, |keyring| Roots::Of(Box::new(keyring)));
        return provision(&Wanted { roles: path, address, node: args.node, roots });
    }
    private_file::refuse_existing(path)?;
    let name = path.display().to_string();
    let wanted = args.passphrase || passphrase::is_given();
    let passphrase = wanted.then(|| Passphrase::choose(&name)).transpose()?;
    let mut rng = state::rng()?;
    let keyring = Keyring::generate(&mut rng)?;
    let file = keyfile::encode(&keyring, passphrase.as_ref(), &mut rng)?;
    let vault = state::vault_of(keyring)?;
    let trail = begin_trail(path, &vault)?;
    // The keyring comes last: one that is there is one that works.
    if let Err(error) = private_file::write(path, &file, false) {
        trail.undo();
        return Err(error);
    }
    eprintln!("{name} is made. Only you may read it; keep a copy elsewhere: symbolon backup {name} -o FILE");
    say_where_the_audit_key_is(path);
    Ok(())
}

/// Copies a keyring under a passphrase.
pub(crate) fn backup(args: &BackupArgs) -> Result<()> {
    private_file::refuse_existing(&args.output)?;
    let opened = keyfile::open(&args.keyring)?;
    let passphrase = match opened.passphrase {
        Some(passphrase) => passphrase,
        None => Passphrase::choose(&args.output.display().to_string())?,
    };
    let file = keyfile::encode(&opened.keyring, Some(&passphrase), &mut state::rng()?)?;
    let again = keyfile::decode(&file, || Ok(passphrase)).context("the backup does not open again")?;
    if again.keyring.newest() != opened.keyring.newest() {
        bail!("the backup does not open again");
    }
    private_file::write(&args.output, &file, false)?;
    eprintln!("{} is written. Without its passphrase it is worth nothing, to you as well.", args.output.display());
    Ok(())
}

/// Makes a keyring file from a backup, and a trail where there is none.
pub(crate) fn restore(args: &RestoreArgs) -> Result<()> {
    let path = &args.keyring;
    private_file::refuse_existing(path)?;
    let opened = keyfile::open(&args.backup)?;
    let passphrase = opened.passphrase.filter(|_| args.passphrase);
    if args.passphrase && passphrase.is_none() {
        return Err(Failure::Input.because("this backup has no passphrase: leave --passphrase away"));
    }
    let file = keyfile::encode(&opened.keyring, passphrase.as_ref(), &mut state::rng()?)?;
    let vault = state::vault_of(opened.keyring)?;
    let trail = match state_dir(path).try_exists()? {
        true => {
            drop(State::resume(path, vault).context("the audit trail that is there does not go with this backup")?);
            None
        }
        false => Some(begin_trail(path, &vault)?),
    };
    if let Err(error) = private_file::write(path, &file, false) {
        if let Some(trail) = trail {
            trail.undo();
        }
        return Err(error);
    }
    eprintln!("{} is restored.", path.display());
    match trail {
        Some(_) => say_where_the_audit_key_is(path),
        None => eprintln!("Its audit trail goes on in {}.", state_dir(path).display()),
    }
    Ok(())
}

/// What was made for a trail, in case that the keyring can't be written.
struct NewTrail {
    state: PathBuf,
    audit: PathBuf,
}

impl NewTrail {
    /// Removes what was made, as far as that goes: the error that led here is the one to tell.
    fn undo(self) {
        let _removed = fs::remove_dir_all(self.state);
        let _removed = fs::remove_file(self.audit);
    }
}

/// Makes the state directory with a trail in it, and hands the audit key out.
fn begin_trail(keyring: &Path, vault: &Vault) -> Result<NewTrail> {
    let made = NewTrail { state: state_dir(keyring), audit: audit_file(keyring) };
    private_file::refuse_existing(&made.state)?;
    private_file::refuse_existing(&made.audit)?;
    let mut store = FileStore::create(&made.state)?;
    match hand_out(&mut store, vault, &made.audit) {
        Ok(()) => Ok(made),
        Err(error) => {
            made.undo();
            Err(error)
        }
    }
}

/// Draws the trail's first key.
fn hand_out(store: &mut FileStore, vault: &Vault, audit_file: &Path) -> Result<()> {
    let audit = AuditKey::create(vault, store, &mut state::rng()?)?;
    private_file::write(audit_file, &audit_text(&audit)?, false)
}

/// A line that says what it is, and the key in base64.
pub(crate) fn audit_text(audit: &AuditKey) -> Result<Zeroizing<Vec<u8>>> {
    use base64ct::{Base64, Encoding};
    let secret = audit.write_secret();
    let mut text = Zeroizing::new(vec![b'\n'; AUDIT_TITLE.len() + Base64::encoded_len(secret.as_slice()) + 1]);
    let (title, rest) = text.split_at_mut(AUDIT_TITLE.len());
    title.copy_from_slice(AUDIT_TITLE.as_bytes());
    Base64::encode(secret.as_slice(), rest).map_err(|_| anyhow::anyhow!("the audit key can't be written as text"))?;
    Ok(text)
}

fn say_where_the_audit_key_is(keyring: &Path) {
    eprintln!(
        "{} reads the audit trail: give it to your auditor, then delete it here. It is handed out only once.",
        audit_file(keyring).display()
    );
}

const AUDIT_TITLE: &str =
    "symbolon audit key 1 - SECRET: reads the whole audit trail. For the auditor; not to be kept beside the keyring.\n";
