//! An appliance at the other end of a line: reached, asked in a role's name or a session's, and what it says in plain words.

mod program;
mod words;

use std::path::Path;

use anyhow::Result;
use symbolon::{
    Credential, SessionKey, Time,
    appliance::{Role, Status},
};
use symbolon_device::{Address, Auditor, Device, Error, InSession, Issuer, Officer};

pub(crate) use self::program::Program;
pub(crate) use self::words::During;
use crate::{
    error::Failure,
    roles_file::{Roles, Secret},
    state::state_dir,
    trail::fetch::fetch,
};

/// Which appliance, and the file with its role keys.
#[derive(Clone, Copy)]
pub(crate) struct Remote<'p> {
    /// Where it is.
    pub(crate) address: &'p Address,
    /// The file, where one was named.
    pub(crate) roles: Option<&'p Path>,
}

/// An appliance that answers.
pub(crate) struct Appliance {
    /// The line to it.
    pub(crate) device: Device,
    /// Where it is, for messages.
    pub(crate) address: String,
    roles: Option<Roles>,
    /// Entries that its trail has room for, as it said last, and less what was asked of it since.
    room: u64,
    has_fetched: bool,
}

impl Appliance {
    /// Reads the roles file where there is one, and reaches the appliance.
    pub(crate) fn connect(remote: Remote<'_>) -> Result<Self> {
        let roles = remote.roles.map(Roles::read).transpose()?;
        let address = remote.address.to_string();
        let mut device = Device::connect(remote.address).map_err(|error| of_line(error, remote.address))?;
        device.tell(|notice| eprintln!("symbolon: {notice}"));
        let room = device.last_status().room.into();
        Ok(Self { device, address, roles, room, has_fetched: false })
    }

    /// Takes these roles from now on.
    pub(crate) fn with_roles(&mut self, roles: Roles) {
        self.roles = Some(roles);
    }

    /// The roles file's keys.
    pub(crate) fn roles(&self) -> Result<&Roles> {
        self.roles.as_ref().ok_or_else(|| Failure::Input.because(NO_ROLES))
    }

    /// Makes sure that what comes next can be recorded, which takes up to so many entries: a trail that is nearly full is fetched where the roles file has
    /// the auditor's key, as `symbolon trail fetch` does. Where it hasn't, the appliance says that its trail is full when it is.
    pub(crate) fn make_room(&mut self, entries: u64) -> Result<()> {
        if self.room < entries + NEARLY_FULL {
            self.room = self.status()?.room.into();
        }
        let roles = self.roles.as_ref().filter(|roles| roles.key(Role::Auditor).is_ok());
        if let (true, Some(roles)) = (self.room < entries + NEARLY_FULL, roles) {
            let dir = state_dir(&roles.path);
            fetch(self, &dir)?;
            if !std::mem::replace(&mut self.has_fetched, true) {
                eprintln!("symbolon: the appliance's trail is fetched to {} as it fills", dir.display());
            }
            self.room = self.status()?.room.into();
        }
        self.room = self.room.saturating_sub(entries);
        Ok(())
    }

    /// What the officer does. `act` may fail as it likes: what the appliance said is explained.
    pub(crate) fn officer<T>(&mut self, act: impl FnOnce(&mut Officer<'_>) -> Result<T>) -> Result<T> {
        let key = self.key(Role::Officer)?;
        self.officer_with(&key, act)
    }

    /// The same with a key that is in no file: a blank appliance's.
    pub(crate) fn officer_with<T>(
        &mut self,
        key: &[u8; 32],
        act: impl FnOnce(&mut Officer<'_>) -> Result<T>,
    ) -> Result<T> {
        let done = match self.device.officer(key) {
            Ok(mut officer) => act(&mut officer).map_err(|error| (During::Act(Role::Officer), error)),
            Err(error) => Err((During::LogIn(Role::Officer), error.into())),
        };
        done.map_err(|(during, error)| self.explain(during, error))
    }

    /// What the issuer does.
    pub(crate) fn issuer<T>(&mut self, act: impl FnOnce(&mut Issuer<'_>) -> Result<T>) -> Result<T> {
        let key = self.key(Role::Issuer)?;
        let done = match self.device.issuer(&key) {
            Ok(mut issuer) => act(&mut issuer).map_err(|error| (During::Act(Role::Issuer), error)),
            Err(error) => Err((During::LogIn(Role::Issuer), error.into())),
        };
        done.map_err(|(during, error)| self.explain(during, error))
    }

    /// What the auditor does.
    pub(crate) fn auditor<T>(&mut self, act: impl FnOnce(&mut Auditor<'_>) -> Result<T>) -> Result<T> {
        let key = self.key(Role::Auditor)?;
        let done = match self.device.auditor(&key) {
            Ok(mut auditor) => act(&mut auditor).map_err(|error| (During::Act(Role::Auditor), error)),
            Err(error) => Err((During::LogIn(Role::Auditor), error.into())),
        };
        done.map_err(|(during, error)| self.explain(during, error))
    }

    /// What somebody does who has a credential.
    pub(crate) fn session<T>(
        &mut self,
        credential: &Credential,
        key: &SessionKey,
        act: impl FnOnce(&mut InSession<'_>) -> Result<T>,
    ) -> Result<T> {
        let done = act(&mut self.device.in_session(credential, key));
        done.map_err(|error| {
            let over = self.now().is_ok_and(|now| credential.expires_unverified() <= now);
            self.explain(if over { During::EndedSession } else { During::Session }, error)
        })
    }

    /// How it is now.
    pub(crate) fn status(&mut self) -> Result<Status> {
        self.device.status().map_err(|error| self.explain(During::Connect, error.into()))
    }

    /// The appliance's time, which is what credentials end by.
    pub(crate) fn now(&mut self) -> Result<Time> {
        self.device.now().map_err(|error| self.explain(During::Connect, error.into()))
    }

    /// What an error of the line or the appliance means, and what to do about it. Other errors stay as they are.
    pub(crate) fn explain(&mut self, during: During, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Error>() {
            Ok(error) => {
                // What it says of itself tells what is behind a fault.
                let status = if error.fault().is_some() { self.device.status().ok() } else { None };
                words::explain(error, &words::Seen { during, address: &self.address, status })
            }
            Err(error) => error,
        }
    }

    fn key(&self, role: Role) -> Result<Secret> {
        self.roles()?.key(role).cloned()
    }
}

/// What an error of a line means, where there is no more than that.
pub(crate) fn of_line(error: Error, address: &Address) -> anyhow::Error {
    words::explain(error, &words::Seen { during: During::Connect, address: &address.to_string(), status: None })
}

/// What is kept free besides, for log-ins and alarms.
const NEARLY_FULL: u64 = 8;

const NO_ROLES: &str = "this takes a role's key: name the file that symbolon keygen --device wrote with --roles FILE";
