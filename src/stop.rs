//! The kill switch: everything stops at once, and goes on when the right role says so. SPEC.md section 16.

use core::ops::Deref;

use heapless::Vec;

use crate::{
    Environment, Error, Held, Host, Record, RecordKey, Rights, Session, Table, Time, Vault,
    entry::{Event, Reason},
};

impl<V: Deref<Target = Vault>> Session<V> {
    /// Stops everything: until [`release_held`](Self::release_held) nothing opens, is granted, looked up or changed, by anybody, also
    /// after a restart. Takes [`Rights::OPERATE`].
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn stop_held<E: Environment, const N: usize, const W: usize>(
        &self,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        self.switch(true, host)
    }

    /// Lets go on what was stopped, by hand or by an alarm. Takes [`Rights::OPERATE`].
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
        let (now, mut verdict) = self.present(1, host)?;
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
