//! The kill switch: everything stops at once, and goes on when the right role says so. SPEC.md section 16.

use core::ops::Deref;

use heapless::Vec;

use crate::{
    Environment, Error, Held, Host, Record, RecordKey, Rights, Session, Table, Time, Vault,
    entry::{Event, Reason},
};

impl<V: Deref<Target = Vault>> Session<V> {
    /// Stops everything: until [`release_held`](Self::release_held) nothing that a session asks for is opened, granted, looked up or changed,
    /// whoever's it is, also after a restart. (Whoever holds the vault itself can still seal.) It stops this host and its store, not other nodes.
    ///
    /// Takes [`Rights::OPERATE`], in [`Config::operators`](crate::Config::operators)' tenant where there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn stop_held<E: Environment, const N: usize, const W: usize>(
        &self,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        self.switch(true, host)
    }

    /// Lets go on what was stopped, by hand or by an alarm; what was counted is forgotten. Takes the same right.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn release_held<E: Environment, const N: usize, const W: usize>(
        &self,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        self.switch(false, host)
    }

    fn switch<E: Environment, const N: usize, const W: usize>(
        &self,
        stop: bool,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        // An alarm's own stop, where it found no place yet, comes first.
        let (now, mut verdict) = self.present(2, host)?;
        host.stage_first(self.vault())?;
        verdict.require(self.vault().is_operated_from(self.principal().tenant()), Reason::OtherTenant);
        verdict.require(self.rights().contains(Rights::OPERATE), Reason::NoRight);
        if verdict.reason().is_none() {
            host.set_stopped(stop)?;
        }
        let event = if stop { Event::Stop } else { Event::Release };
        let entry = self.entry(event, verdict.reason().unwrap_or(Reason::Done));
        Ok(Held::new(verdict.outcome(()), self.stage(now, &entry, host)?))
    }
}

/// The row that says whether everything is stopped.
pub(crate) fn stop_record(stopped: bool) -> Record {
    let value = Vec::from_iter([u8::from(stopped)]);
    Record { key: STOP_KEY, value, expires: Time::from_millis(u64::MAX) }
}

pub(crate) const STOP_KEY: RecordKey = RecordKey { table: Table::Stop, id: [0; 16] };
