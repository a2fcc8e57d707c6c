//! The three roles, and what each may do.

use std::fmt;

use getrandom::SysRng;
use serde::Serialize;
use symbolon::{
    AuditKey, Checkpoint, Credential, Principal, Purposes, Rights, SealedEntry, SessionId, SessionKey,
    appliance::{
        AuditorAct, Fault, IssuerAct, OfficerAct, Request, Response, Role, RoleChannel, RoleKey, TransportKey, Who,
    },
};
use zeroize::Zeroizing;

use crate::{
    Device, Error,
    device::{bytes_of, done, response},
    exchange::Message,
    line::LONGEST_REQUEST,
};

/// A role's end of its channel. Where the channel is lost (another client has logged in, an answer was damaged), it logs in anew.
struct Channel<'d> {
    device: &'d mut Device,
    role: Role,
    key: Zeroizing<[u8; 32]>,
    channel: RoleChannel,
}

/// Whether an act may be done twice, where it isn't known that it was done once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twice {
    Harmless,
    Never,
}

impl<'d> Channel<'d> {
    fn open(device: &'d mut Device, role: Role, key: &[u8; 32]) -> Result<Self, Error> {
        let channel = log_in(device, role, key)?;
        Ok(Self { device, role, key: Zeroizing::new(*key), channel })
    }

    fn act<T: Serialize>(&mut self, act: &T, twice: Twice) -> Result<Message, Error> {
        match self.try_act(act) {
            // Outside the channel: it was lost, and the act was not done.
            Err(Lost::Channel) => {}
            Err(Lost::Answer) if twice == Twice::Harmless => {}
            Err(Lost::Answer) => return Err(Error::AnswerLost),
            Err(Lost::Other(error)) => return Err(error),
            Ok(message) => return Ok(message),
        }
        self.channel = log_in(self.device, self.role, &self.key)?;
        self.try_act(act).map_err(|lost| match lost {
            Lost::Channel => Error::Fault(Fault::Denied),
            Lost::Answer => Error::AnswerLost,
            Lost::Other(error) => error,
        })
    }

    fn try_act<T: Serialize>(&mut self, act: &T) -> Result<Message, Lost> {
        let mut sealed = Zeroizing::new(vec![0; LONGEST_REQUEST]);
        let len = self.channel.seal_act(act, &mut sealed).map_err(|_| Lost::Other(Error::TooLong))?;
        let message = match self.device.ask(&Request::Act { sealed: sealed.get(..len).unwrap_or_default() }) {
            Err(Error::AnswerLost) => return Err(Lost::Answer),
            asked => asked.map_err(Lost::Other)?,
        };
        match response(&message) {
            Ok(Response::Act(sealed)) => {
                let mut sealed = Zeroizing::new(sealed.to_vec());
                let opened = self.channel.open_answer(&mut sealed).map_err(|_| Lost::Answer)?;
                Ok(Zeroizing::new(opened.to_vec()))
            }
            Ok(_) => Err(Lost::Other(Error::Unexpected)),
            Err(Error::Fault(Fault::Denied)) => Err(Lost::Channel),
            Err(error) => Err(Lost::Other(error)),
        }
    }
}

enum Lost {
    Channel,
    Answer,
    Other(Error),
}

fn log_in(device: &mut Device, role: Role, key: &[u8; 32]) -> Result<RoleChannel, Error> {
    let mut attempt = || {
        let challenge = device.challenge()?;
        let (request, channel) = RoleKey::new(*key).log_in(role, &challenge, &mut SysRng)?;
        done(&device.ask(&request)?)?;
        Ok(channel)
    };
    match attempt() {
        Err(Error::AnswerLost) => attempt(),
        made => made,
    }
}

impl Device {
    /// Logs the officer in.
    ///
    /// # Errors
    /// [`Fault::Denied`]: another key; [`Fault::Blocked`], [`Fault::Stage`], and the line's.
    pub fn officer(&mut self, key: &[u8; 32]) -> Result<Officer<'_>, Error> {
        Channel::open(self, Role::Officer, key).map(Officer)
    }

    /// Logs the issuer in.
    ///
    /// # Errors
    /// As [`officer`](Self::officer).
    pub fn issuer(&mut self, key: &[u8; 32]) -> Result<Issuer<'_>, Error> {
        Channel::open(self, Role::Issuer, key).map(Issuer)
    }

    /// Logs the auditor in.
    ///
    /// # Errors
    /// As [`officer`](Self::officer).
    pub fn auditor(&mut self, key: &[u8; 32]) -> Result<Auditor<'_>, Error> {
        Channel::open(self, Role::Auditor, key).map(Auditor)
    }
}

/// The officer: sets the device up, and ends it.
pub struct Officer<'d>(Channel<'d>);

/// What a blank device is told.
pub struct Initial<'i> {
    /// The officer's key.
    pub officer: &'i [u8; 32],
    /// The issuer's.
    pub issuer: &'i [u8; 32],
    /// The auditor's.
    pub auditor: &'i [u8; 32],
    /// Under which keyrings travel.
    pub transport: &'i [u8; 32],
    /// Who credentials must be for.
    pub audience: &'i [u8],
    /// Its number among those with the same roots.
    pub node: u32,
    /// The longest life of a credential, in milliseconds.
    pub max_life: u64,
}

impl Officer<'_> {
    /// Gives a blank device its keys, its name and its number. [`RoleKey::BLANK`] opens this session; the next takes the officer's new key.
    ///
    /// # Errors
    /// [`Fault::Stage`]: it isn't blank.
    pub fn initialise(&mut self, initial: &Initial<'_>) -> Result<(), Error> {
        let Initial { officer, issuer, auditor, transport, audience, node, max_life } = *initial;
        let act = OfficerAct::Initialise { officer, issuer, auditor, transport, audience, node, max_life };
        done(&self.0.act(&act, Twice::Never)?)
    }

    /// Has it make roots: the epoch.
    ///
    /// # Errors
    /// [`Fault::Stage`]: it has roots.
    pub fn generate(&mut self) -> Result<u16, Error> {
        self.epoch(&OfficerAct::Generate)
    }

    /// Gives it roots that [`TransportKey::wrap`] or a backup wrapped: the newest epoch.
    ///
    /// # Errors
    /// [`Fault::Stage`], [`Fault::InvalidKeyring`]
    pub fn import(&mut self, wrapped: &[u8]) -> Result<u16, Error> {
        self.epoch(&OfficerAct::Import { wrapped })
    }

    /// Its roots, wrapped under the transport key: at most [`TransportKey::MAX_WRAPPED`] bytes.
    ///
    /// # Errors
    /// [`Fault::Stage`]: it has none, or is locked.
    pub fn backup(&mut self) -> Result<Vec<u8>, Error> {
        let wrapped = bytes_of(&self.0.act(&OfficerAct::Backup, Twice::Harmless)?)?;
        if wrapped.len() > TransportKey::MAX_WRAPPED { Err(Error::Unexpected) } else { Ok(wrapped.to_vec()) }
    }

    /// Adds a root: the new epoch.
    ///
    /// # Errors
    /// [`Fault::InvalidKeyring`]: there is no room for another.
    pub fn rotate(&mut self) -> Result<u16, Error> {
        self.epoch(&OfficerAct::Rotate)
    }

    /// Destroys an epoch's root, for good: the newest epoch.
    ///
    /// # Errors
    /// [`Fault::InvalidKeyring`]: there is no such epoch, or it is the newest.
    pub fn retire(&mut self, epoch: u16) -> Result<u16, Error> {
        self.epoch(&OfficerAct::Retire { epoch })
    }

    /// No way leads out for its roots any more, and role keys stay what they are.
    ///
    /// # Errors
    /// [`Fault::Stage`]
    pub fn lock(&mut self) -> Result<(), Error> {
        done(&self.0.act(&OfficerAct::Lock, Twice::Harmless)?)
    }

    /// Gives a role another key, and lets it try again. Given to the officer, the next session takes it.
    ///
    /// # Errors
    /// [`Fault::Stage`]: it is locked.
    pub fn set_role(&mut self, role: Role, key: &[u8; 32]) -> Result<(), Error> {
        done(&self.0.act(&OfficerAct::SetRole { role, key }, Twice::Never)?)
    }

    /// Destroys everything that it keeps.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]: something may be left.
    pub fn zeroise(&mut self) -> Result<(), Error> {
        done(&self.0.act(&OfficerAct::Zeroise, Twice::Never)?)
    }

    fn epoch(&mut self, act: &OfficerAct<'_>) -> Result<u16, Error> {
        let message = self.0.act(act, Twice::Never)?;
        match response(&message)? {
            Response::Epoch(epoch) => Ok(epoch),
            _ => Err(Error::Unexpected),
        }
    }
}

/// The log-in service.
pub struct Issuer<'d>(Channel<'d>);

/// What a credential is to say.
#[derive(Debug)]
pub struct Issue<'i> {
    /// Who logged in.
    pub who: &'i Principal,
    /// What it may do.
    pub rights: Rights,
    /// What it may open for.
    pub purposes: Purposes,
    /// How long it is valid, in milliseconds.
    pub life: u64,
}

impl Issuer<'_> {
    /// A credential for whoever has this session key.
    ///
    /// # Errors
    /// [`Fault::InvalidTerms`]: a life that is too long, or a right that the kind can't have.
    pub fn issue(&mut self, issue: &Issue<'_>, key: &SessionKey) -> Result<Credential, Error> {
        let session_key = key.write_secret();
        let act = IssuerAct::Issue {
            tenant: issue.who.tenant(),
            who: who_of(issue.who),
            rights: issue.rights.bits(),
            purposes: issue.purposes.bits(),
            life: issue.life,
            session_key: session_key.as_slice(),
        };
        let bytes = bytes_of(&self.0.act(&act, Twice::Harmless)?)?;
        Credential::from_bytes(&bytes).map_err(|_| Error::Unexpected)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The device's faults, and the line's.
    pub fn end_session(&mut self, session: SessionId) -> Result<(), Error> {
        let act = IssuerAct::EndSession { session: *session.as_bytes() };
        done(&self.0.act(&act, Twice::Harmless)?)
    }
}

/// Who reads the trail.
pub struct Auditor<'d>(Channel<'d>);

impl Auditor<'_> {
    /// The audit key, until [`confirm_audit_key`](Self::confirm_audit_key).
    ///
    /// # Errors
    /// [`Fault::Stage`]: it was confirmed, or there are no roots yet.
    pub fn audit_key(&mut self) -> Result<AuditKey, Error> {
        let bytes = bytes_of(&self.0.act(&AuditorAct::AuditKey, Twice::Harmless)?)?;
        let secret = bytes.as_slice().try_into().map_err(|_| Error::Unexpected)?;
        AuditKey::read_secret(secret).map_err(|_| Error::Unexpected)
    }

    /// The audit key is in safe hands: the device forgets it.
    ///
    /// # Errors
    /// The device's faults, and the line's.
    pub fn confirm_audit_key(&mut self) -> Result<(), Error> {
        done(&self.0.act(&AuditorAct::HaveAuditKey, Twice::Harmless)?)
    }

    /// The oldest entries that it keeps, as many as come at a time; none where it keeps none.
    ///
    /// # Errors
    /// The device's faults, and the line's.
    pub fn read(&mut self) -> Result<Vec<SealedEntry>, Error> {
        let bytes = bytes_of(&self.0.act(&AuditorAct::Read, Twice::Harmless)?)?;
        let (entries, rest) = bytes.as_chunks::<{ SealedEntry::LEN }>();
        if !rest.is_empty() {
            return Err(Error::Unexpected);
        }
        Ok(entries.iter().map(|entry| SealedEntry::from_bytes(*entry)).collect())
    }

    /// The entries up to this one are in safe hands: the device forgets them.
    ///
    /// # Errors
    /// The device's faults, and the line's.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<(), Error> {
        done(&self.0.act(&AuditorAct::Acknowledge { sequence }, Twice::Harmless)?)
    }

    /// How far the trail has come.
    ///
    /// # Errors
    /// The device's faults, and the line's.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        let bytes = bytes_of(&self.0.act(&AuditorAct::Checkpoint, Twice::Harmless)?)?;
        Checkpoint::from_bytes(&bytes).map_err(|_| Error::Unexpected)
    }
}

/// A principal of a tenant that the device knows.
pub(crate) fn who_of(who: &Principal) -> Who<'_> {
    Who { kind: who.kind().code(), subject: who.subject() }
}

/// Keys are in them: their names are shown, and nothing else.
macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

redacted!(Officer Initial Issuer Auditor);
