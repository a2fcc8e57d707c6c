//! This program itself as a caller of an appliance: a service of the tenant, which the trail names.

use anyhow::Result;
use symbolon::{Credential, Principal, Purposes, Rights, SessionKey, appliance::Fault};
use symbolon_device::{Error, InSession, Issue};

use super::Appliance;
use crate::{
    session_file::PROGRAM,
    state::{self, MAX_LIFE},
};

/// An appliance, and a session of this program with it. The session's key is forgotten when the run ends.
pub(crate) struct Program {
    appliance: Appliance,
    who: Principal,
    rights: Rights,
    key: SessionKey,
    credential: Credential,
}

impl Program {
    /// Logs this program in, as the issuer of the roles file can.
    pub(crate) fn log_in(mut appliance: Appliance, tenant: &str, rights: Rights) -> Result<Self> {
        let who = Principal::service(tenant, PROGRAM)?;
        let key = SessionKey::generate(&mut state::rng()?)?;
        let credential = issue(&mut appliance, &who, rights, &key)?;
        Ok(Self { appliance, who, rights, key, credential })
    }

    /// Does something in the session, which is made anew where it is about to end. It is to take a few entries of the trail at most.
    pub(crate) fn session<T>(&mut self, act: impl FnOnce(&mut InSession<'_>) -> Result<T>) -> Result<T> {
        if self.credential.expires_unverified().as_millis() < self.appliance.now()?.as_millis() + ENOUGH {
            self.credential = issue(&mut self.appliance, &self.who, self.rights, &self.key)?;
        }
        self.appliance.make_room(FEW)?;
        self.appliance.session(&self.credential, &self.key, act)
    }
}

fn issue(appliance: &mut Appliance, who: &Principal, rights: Rights, key: &SessionKey) -> Result<Credential> {
    let of_life = |life| Issue { who, rights, purposes: Purposes::of(&[]), life };
    appliance.make_room(FEW)?;
    appliance.issuer(|issuer| match issuer.issue(&of_life(MAX_LIFE), key) {
        // It was set up for shorter ones.
        Err(Error::Fault(Fault::InvalidTerms)) => Ok(issuer.issue(&of_life(SHORT), key)?),
        issued => Ok(issued?),
    })
}

/// 15 minutes, in milliseconds.
const SHORT: u64 = 15 * 60 * 1000;

/// Entries of the trail: authentication and the act, twice where it is tried again; what follows of an act is one entry for each request of it.
const FEW: u64 = 16;

/// Milliseconds that a session must last before a piece of work is begun with it.
const ENOUGH: u64 = 60_000;
