//! Setting an appliance up: from blank to one that has roots, and whose audit key is in safe hands.
//!
//! Its keys are in the roles file, on the disk, before the appliance gets them. Whatever interrupts it, the same command goes on where it stopped: how
//! far it has come is asked of the appliance.

use std::path::Path;

use anyhow::{Context, Result};
use symbolon::{
    AuditKey, Keyring,
    appliance::{Fault, RoleKey, TransportKey},
};
use symbolon_device::{Address, Error};
use zeroize::Zeroizing;

use crate::{
    appliance::{Appliance, Remote},
    error::Failure,
    keygen::audit_text,
    private_file,
    roles_file::{Roles, Secret},
    state::{self, audit_file, state_dir},
    trail::inputs::read_audit_key,
};

/// What an appliance is to become.
pub(crate) struct Wanted<'w> {
    /// Its roles file, which is written here, or goes on.
    pub(crate) roles: &'w Path,
    /// Where it is.
    pub(crate) address: &'w Address,
    /// Its number among those with the same roots.
    pub(crate) node: u32,
    /// What it is to open and seal with.
    pub(crate) roots: Roots,
}

/// Where roots come from.
pub(crate) enum Roots {
    /// The appliance makes its own, which nobody sees.
    Fresh,
    /// A keyring file's.
    Of(Box<Keyring>),
    /// A backup's, and the key under which it is wrapped.
    Wrapped(Vec<u8>, Secret),
}

/// Sets the appliance up, or goes on with it.
pub(crate) fn provision(wanted: &Wanted<'_>) -> Result<()> {
    go_on(wanted).map_err(|error| {
        let may_go_on = crate::error::code(&error) == Failure::Unavailable.code() && wanted.roles.exists();
        if may_go_on { error.context(AGAIN) } else { error }
    })
}

fn go_on(wanted: &Wanted<'_>) -> Result<()> {
    let (path, address) = (wanted.roles, wanted.address);
    let mut appliance = Appliance::connect(Remote { address, roles: None })?;
    let goes_on = path.symlink_metadata().is_ok();
    let roles = if goes_on { Roles::read(path)? } else { new_roles(wanted, &appliance)? };
    roles.initial(wanted.node)?;
    appliance.with_roles(roles);
    if goes_on {
        eprintln!("{} is there already: going on with its keys.", path.display());
    }
    match appliance.device.last_status().stage {
        0 => initialise(wanted, &mut appliance)?,
        _ => refuse_other_node(wanted, &appliance)?,
    }
    match appliance.status()?.stage {
        1 => give_roots(wanted, &mut appliance)?,
        _ => confirm_roots(wanted, &mut appliance)?,
    }
    hand_out(path, &mut appliance)
}

/// Writes a new roles file for a blank appliance.
fn new_roles(wanted: &Wanted<'_>, appliance: &Appliance) -> Result<Roles> {
    let path = wanted.roles;
    if appliance.device.last_status().stage != 0 {
        return Err(Failure::Denied.because(format!(
            "the appliance at {} is not blank: nothing was changed. If its provisioning was interrupted, name the roles file that was written then; \
             if it is to begin anew, its officer zeroises it (symbolon device zeroise)",
            appliance.address
        )));
    }
    private_file::refuse_existing(&state_dir(path))?;
    private_file::refuse_existing(&audit_file(path))?;
    let transport = match &wanted.roots {
        Roots::Wrapped(_, transport) => Some(transport),
        Roots::Fresh | Roots::Of(_) => None,
    };
    let roles = Roles::generate(path, transport)?;
    roles.write_new()?;
    eprintln!("{} has the role keys. Only you may read it; keep a copy elsewhere.", path.display());
    Ok(roles)
}

fn initialise(wanted: &Wanted<'_>, appliance: &mut Appliance) -> Result<()> {
    let path = wanted.roles;
    // Whose audit key is here already was set up before: its trail would go on with another's.
    private_file::refuse_existing(&audit_file(path)).with_context(|| {
        format!("the appliance is blank, and {} is of one that was set up before: take another name", path.display())
    })?;
    private_file::refuse_existing(&state_dir(path))?;
    let roles = Roles::read(path)?;
    let initial = roles.initial(wanted.node)?;
    appliance.officer_with(&RoleKey::BLANK, |officer| Ok(officer.initialise(&initial)?))?;
    eprintln!("The appliance has its role keys; its number is {}.", wanted.node);
    Ok(())
}

/// Its number is given once.
fn refuse_other_node(wanted: &Wanted<'_>, appliance: &Appliance) -> Result<()> {
    let node = appliance.device.last_status().node;
    if node != wanted.node {
        let what = format!("the appliance at {} has the number {node} already: say --node {node}", appliance.address);
        return Err(Failure::Denied.because(what));
    }
    eprintln!("It has role keys already.");
    Ok(())
}

fn give_roots(wanted: &Wanted<'_>, appliance: &mut Appliance) -> Result<()> {
    let wrapped = match &wanted.roots {
        Roots::Fresh => None,
        Roots::Of(keyring) => Some(wrap(keyring, appliance.roles()?.transport()?)?),
        Roots::Wrapped(wrapped, _) => Some(wrapped.clone()),
    };
    let epoch = appliance.officer(|officer| match &wrapped {
        None => Ok(officer.generate()?),
        Some(wrapped) => Ok(officer.import(wrapped)?),
    })?;
    match wrapped {
        None => eprintln!("It has made its roots, which nobody has seen (epoch {epoch})."),
        Some(_) => eprintln!("It has the roots that were imported (epoch {epoch})."),
    }
    Ok(())
}

/// It has roots. Where it is asked for others, that can't be; so it is looked at.
fn confirm_roots(wanted: &Wanted<'_>, appliance: &mut Appliance) -> Result<()> {
    let expected = match &wanted.roots {
        Roots::Fresh => {
            eprintln!("It has its roots already.");
            return Ok(());
        }
        Roots::Of(keyring) => secret_of(keyring)?,
        Roots::Wrapped(wrapped, transport) => secret_of(&TransportKey::new(**transport).unwrap(wrapped)?)?,
    };
    let transport = TransportKey::new(**appliance.roles()?.transport()?);
    let backup = appliance.officer(|officer| Ok(officer.backup()?)).context("which roots it has can't be told")?;
    if *secret_of(&transport.unwrap(&backup)?)? != *expected {
        return Err(Failure::Denied.because(format!(
            "the appliance at {} has other roots already: nothing was imported. Zeroise it first if these are to take their place",
            appliance.address
        )));
    }
    eprintln!("It has these roots already.");
    Ok(())
}

/// Fetches the audit key, which comes only until it is confirmed.
fn hand_out(path: &Path, appliance: &mut Appliance) -> Result<()> {
    let file = audit_file(path);
    let fetched = appliance.auditor(|auditor| match auditor.audit_key() {
        Err(Error::Fault(Fault::Stage)) => Ok(None),
        fetched => Ok(Some(fetched?)),
    })?;
    let Some(key) = fetched else {
        eprintln!(
            "Its audit key was handed out before. The appliance at {} is set up: nothing was left to do.",
            appliance.address
        );
        return Ok(());
    };
    match file.symlink_metadata() {
        Ok(_) => refuse_other(&file, &key)?,
        Err(_) => private_file::write(&file, &audit_text(&key)?, false)?,
    }
    appliance.auditor(|auditor| Ok(auditor.confirm_audit_key()?))?;
    eprintln!(
        "{} reads the audit trail: give it to your auditor, then delete it here. It is handed out only once.",
        file.display()
    );
    eprintln!("The appliance at {} is set up.", appliance.address);
    Ok(())
}

fn refuse_other(file: &Path, key: &AuditKey) -> Result<()> {
    if *read_audit_key(file)?.write_secret() == *key.write_secret() {
        return Ok(());
    }
    let what = format!(
        "{} is the audit key of another trail, and is not written over: move it away, and run this again",
        file.display()
    );
    Err(Failure::Denied.because(what))
}

/// As it travels.
fn wrap(keyring: &Keyring, transport: &Secret) -> Result<Vec<u8>> {
    let mut wrapped = vec![0; TransportKey::MAX_WRAPPED];
    let len = TransportKey::new(**transport).wrap(keyring, &mut state::rng()?, &mut wrapped)?;
    wrapped.truncate(len);
    Ok(wrapped)
}

fn secret_of(keyring: &Keyring) -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(vec![0; Keyring::MAX_LEN]);
    let len = keyring.write_secret(&mut secret)?;
    secret.truncate(len);
    Ok(secret)
}

const AGAIN: &str =
    "the provisioning was not brought to its end: run the same command again, it goes on where it stopped";
