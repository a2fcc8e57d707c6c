//! What the host does about alarms, and what it has to say by itself: keys, stops, how far it has come. SPEC.md sections 8 and 16.

use crate::{
    Alarm, Cause, Checkpoint, Environment, Error, Host, Kind, Reaction, SessionId, Time, Vault,
    entry::{Entry, Event, Reason},
    stop::stop_record,
    trail::Staged,
    vault::{log_out_record, logged_out_key},
    watch::Reactions,
};

impl<E: Environment, const ENTRIES: usize, const PROOFS: usize> Host<E, ENTRIES, PROOFS> {
    /// The same, with what is to be done to the session that the entry is about. What is to be done to all is done.
    pub(crate) fn stage_watched(&mut self, now: Time, entry: &Entry) -> Result<(Staged, Reactions), Error> {
        if self.room() == 0 {
            return Err(Error::Unavailable);
        }
        let staged = self.trail.stage(now, entry)?;
        let reactions = self.watch.observe(&self.limits, entry, now);
        if reactions.stops_all {
            self.stop();
        }
        Ok((staged, reactions))
    }

    /// Stops everything, at once; store and trail are told with the next commit.
    fn stop(&mut self) {
        if !self.stopped {
            (self.stopped, self.stop_row_is_due, self.stop_entry_is_due) = (true, true, true);
        }
    }

    /// Ends a session, at once; the store is told with the next commit. It never fails: an answer that depended on it would tell of the alarm.
    pub(crate) fn end_session(&mut self, session: SessionId) {
        if !self.ended.contains(&session) && self.ended.push(session).is_err() {
            // More than can be kept in mind, and none finds its place in the store: then nobody opens anything.
            self.stop();
        }
    }

    /// True where the session is over before its time: it logged out, or an alarm ended it.
    pub(crate) fn is_logged_out(&mut self, session: SessionId) -> Result<bool, Error> {
        let ended = self.ended.contains(&session);
        Ok(self.has(&logged_out_key(session))? || ended)
    }

    /// Whether this principal may open one more now.
    pub(crate) fn may_open(&self, caller: &[u8; 16], kind: Kind, now: Time) -> bool {
        self.watch.may_open(&self.limits, caller, kind, now)
    }

    /// What has to be in the trail before anything else: which keys there are, and that everything was stopped.
    pub(crate) fn stage_first(&mut self, vault: &Vault) -> Result<(), Error> {
        if *self.trail.vault() != vault.id() {
            return Err(Error::Unavailable);
        }
        self.stage_keys(vault)?;
        if self.stop_row_is_due {
            self.put(stop_record(true))?;
            self.stop_row_is_due = false;
        }
        if self.stop_entry_is_due && self.room() > 0 {
            let _staged = self.trail.stage(self.floor, &Entry::new(Event::Stop, Reason::Done))?;
            self.stop_entry_is_due = false;
        }
        Ok(())
    }

    /// All that is to be remembered and has found no place yet.
    pub(super) fn stage_what_is_due(&mut self, vault: &Vault) -> Result<(), Error> {
        self.stage_first(vault)?;
        while let Some(session) = self.ended.last().copied() {
            if self.put_for_caller(log_out_record(session, self.floor)).is_err() {
                break;
            }
            let _now_staged = self.ended.pop();
        }
        if self.unrecorded > 0 && self.room() > 0 {
            let mut entry = Entry::new(Event::Unrecorded, Reason::Done);
            entry.count = self.unrecorded;
            let _staged = self.trail.stage(self.floor, &entry)?;
            self.unrecorded = 0;
        }
        Ok(())
    }

    /// Says which keys the vault has, where they are others than the trail knows of.
    pub(super) fn stage_keys(&mut self, vault: &Vault) -> Result<(), Error> {
        if self.keys != *vault.key_state() && self.room() > 0 {
            let _staged = self.trail.stage(self.floor, &vault.key_state().entry(Event::Keyring))?;
            self.keys = *vault.key_state();
        }
        Ok(())
    }

    pub(super) fn raise(&mut self, cause: Cause) {
        let nobody = Entry::new(Event::Alarm, Reason::Done);
        self.watch.raise(cause, Reaction::Record, &nobody, self.floor);
    }

    /// Stops everything, or lets it go on, with the next commit. What goes on is counted anew.
    pub(crate) fn set_stopped(&mut self, stopped: bool) -> Result<(), Error> {
        self.put(stop_record(stopped))?;
        self.stopped = stopped;
        if !stopped {
            self.watch.begin_anew();
        }
        Ok(())
    }

    /// The next alarm that was raised, oldest first; its entry is staged, where there is room. Ask after each commit, when the caller has its
    /// answer, until there is none, and then [`commit`](Self::commit): so an alarm costs neither this caller nor the next any time. Eight
    /// wait here, one for each cause and caller; what more there are, and those whose entry found no room, are counted in the next one's
    /// [`Alarm::count`].
    ///
    /// An alarm that stops everything or ends a session has done so already.
    pub fn next_alarm(&mut self) -> Option<Alarm> {
        let alarm = *self.watch.first_raised()?;
        if self.room() > 0 {
            let mut entry = Entry::new(Event::Alarm, Reason::Done);
            (entry.view, entry.count) = (alarm.cause.code(), alarm.count);
            (entry.caller, entry.session) = (alarm.caller, alarm.session);
            entry.caller_kind = alarm.kind.map_or(0, Kind::code);
            self.trail.stage(alarm.time.max(self.floor), &entry).ok()?;
        }
        self.watch.take_raised()
    }

    /// True where everything is stopped: an alarm did it, or a session ([`Session::stop_held`](crate::Session::stop_held)).
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// How far this node's trail has come, for another place to keep: another node's trail ([`witness`](Self::witness)), a mailbox, the auditor.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something is staged that is not durable yet.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        if self.trail.staged_len() == 0 { Ok(self.trail.checkpoint(self.floor)) } else { Err(Error::Unavailable) }
    }

    /// Puts another node's checkpoint into this node's trail, durable with the next commit. Whoever cuts that node's trail must then cut this
    /// one, too. It is not verified here: only the auditor can.
    ///
    /// # Errors
    /// [`Error::Malformed`]: it is this node's own; [`Error::Unavailable`].
    pub fn witness(&mut self, vault: &Vault, checkpoint: &Checkpoint) -> Result<(), Error> {
        let now = self.now()?;
        self.reserve(vault, 1)?;
        if checkpoint.node() == self.trail.node() {
            return Err(Error::Malformed);
        }
        self.stage(now, &Entry::witness(checkpoint)).map(|_| ())
    }
}
