//! What the core sees of the outside: clock, random numbers, storage; and what it remembers between calls.

mod watching;

use core::fmt;

use heapless::Vec;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::{
    Batch, Cause, Error, Held, Limits, Outcome, Record, RecordKey, SessionId, Store, Table, Time, Vault,
    bytes::put,
    entry::{Entry, Event, Reason},
    random::Repetition,
    replay::ReplayWindow,
    stop::STOP_KEY,
    store::MAX_RECORD_LEN,
    time::{MINUTE, SECOND},
    trail::{Receipt, Staged, Trail},
    vault::KeyState,
    watch::Watch,
};

/// The host's clock, random numbers and storage.
pub trait Environment {
    /// A generator of random numbers for keys. Its errors make sealing fail, never fall back.
    type Rng: TryCryptoRng;
    /// Where things are remembered.
    type Store: Store;

    /// The time, or `None` where there is no clock that can be relied on: then nothing opens.
    fn now(&mut self) -> Option<Time>;
    /// The generator. One that buffers what it draws keeps it in memory until it is drawn anew: the trail's first key, owners' secrets. Where memory is
    /// a concern, take one that doesn't, or that wipes.
    fn rng(&mut self) -> &mut Self::Rng;
    /// The storage.
    fn store(&mut self) -> &mut Self::Store;
}

/// An [`Environment`] made of its three parts.
#[derive(Debug, Clone)]
pub struct Parts<C, R, S> {
    /// The clock.
    pub clock: C,
    /// The generator.
    pub rng: R,
    /// The storage.
    pub store: S,
}

impl<C: FnMut() -> Option<Time>, R: TryCryptoRng, S: Store> Environment for Parts<C, R, S> {
    type Rng = R;
    type Store = S;

    fn now(&mut self) -> Option<Time> {
        (self.clock)()
    }

    fn rng(&mut self) -> &mut R {
        &mut self.rng
    }

    fn store(&mut self) -> &mut S {
        &mut self.store
    }
}

/// All that changes while a vault works: the audit trail, the replay window, what is staged for the next commit.
///
/// The core does no input or output of its own and never waits. Calls stage what must be remembered; the host commits it, and the
/// [`Receipt`] releases the outcomes that waited. [`commit`](Self::commit) does that at once with the environment's store. A host
/// that commits elsewhere takes the [`batch`](Self::batch), makes it durable, and says [`committed`](Self::committed).
///
/// `ENTRIES` trail entries, and as many records, can be staged at a time: the largest batch of one commit, and one more than the
/// largest reveal; 5 at least. `PROOFS`
/// proofs are remembered for a minute each: size it for four times the requests of a minute, for it refuses some before it is full.
pub struct Host<E, const ENTRIES: usize = 16, const PROOFS: usize = 64> {
    environment: E,
    trail: Trail<ENTRIES>,
    pub(crate) window: ReplayWindow<PROOFS>,
    records: Vec<Record, ENTRIES>,
    taken: Option<Taken>,
    batches: u64,
    last_random: Repetition,
    floor: Time,
    stored_floor: Time,
    clock_was_back: bool,
    rng_failed: bool,
    pub(crate) watch: Watch<PROOFS>,
    limits: Limits,
    /// What the trail said last of the keyring.
    keys: KeyState,
    /// Calls that the trail had no room for, since it last said so.
    unrecorded: u32,
    pub(crate) stopped: bool,
    /// An alarm stopped everything, and the store doesn't know yet; nor the trail.
    stop_row_is_due: bool,
    stop_entry_is_due: bool,
    /// Sessions that an alarm ended, and whose rows are not in the store yet.
    ended: Vec<SessionId, ENDED>,
    clock_alarm_was_raised: bool,
}

/// What is with the host to be committed.
#[derive(Clone, Copy, Default)]
struct Taken {
    entries: usize,
    records: usize,
}

/// Stands for a batch that was taken to be committed elsewhere: this one, of this host.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "say what became of the batch, or no other can be taken"]
pub struct Ticket {
    trail: [u8; 8],
    batch: u64,
}

impl<E: Environment, const ENTRIES: usize, const PROOFS: usize> Host<E, ENTRIES, PROOFS> {
    /// Opens the vault's trail in the environment's store, where [`AuditKey::create`](crate::AuditKey::create) made it once, and
    /// records that it goes on. Commits twice.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: no clock, a clock that is behind the stored time, no trail of this vault and node, or the store failed.
    pub fn open(vault: &Vault, environment: E) -> Result<Self, Error> {
        let mut host = Self::asleep(environment);
        host.wake(vault)?;
        Ok(host)
    }

    /// A host that knows no vault yet: nothing can be staged.
    pub(crate) const fn asleep(environment: E) -> Self {
        const { assert!(ENTRIES >= 5, "the host's own records and a caller's must find room") };
        Self {
            environment,
            trail: Trail::asleep(),
            window: ReplayWindow::new(Time::from_millis(0)),
            records: Vec::new(),
            taken: None,
            batches: 0,
            last_random: Repetition::new(),
            floor: Time::from_millis(0),
            stored_floor: Time::from_millis(0),
            clock_was_back: false,
            rng_failed: false,
            watch: Watch::new([0; 8]),
            limits: Limits::NONE,
            keys: KeyState::NONE,
            unrecorded: 0,
            stopped: false,
            stop_row_is_due: false,
            stop_entry_is_due: false,
            ended: Vec::new(),
            clock_alarm_was_raised: false,
        }
    }

    /// Forgets the vault and all that was staged: what is in the store is another matter.
    #[cfg(feature = "appliance")]
    pub(crate) fn sleep(&mut self) {
        self.trail.sleep();
        self.window = ReplayWindow::new(Time::default());
        self.records.clear();
        self.wipe_free_places();
        self.watch.begin_anew();
        self.ended.clear();
        self.taken = None;
        (self.stopped, self.stop_row_is_due, self.stop_entry_is_due) = (false, false, false);
        (self.unrecorded, self.clock_was_back, self.clock_alarm_was_raised) = (0, false, false);
    }

    /// Goes on with this vault's trail: what [`open`](Self::open) does. After an error it must not be used for anything but another try.
    pub(crate) fn wake(&mut self, vault: &Vault) -> Result<(), Error> {
        let now = self.environment.now().ok_or(Error::Unavailable)?;
        let last = self.environment.store().last_entry().map_err(|_| Error::Unavailable)?;
        self.stored_floor = read_floor(self.environment.store())?;
        let floor = self.stored_floor.max(last.as_ref().map_or(Time::default(), crate::SealedEntry::time));
        // A start spends blocks of the trail's numbers, so it begins only where its entry can be kept.
        if now.plus(CLOCK_TOLERANCE) < floor || self.environment.store().room() == 0 {
            return Err(Error::Unavailable);
        }
        self.stopped = read_stopped(self.environment.store())?;
        let state = self.trail.wake(vault, self.environment.store())?;
        self.watch.wake(self.trail.watch_salt());
        self.limits = *vault.limits();
        self.keys = *vault.key_state();
        self.floor = now.max(floor);
        self.window = ReplayWindow::new(self.floor);
        self.put(state)?;
        self.commit(vault)?;
        let mut started = self.keys.entry(Event::Started);
        started.view = u8::from(self.stopped);
        let expected = last.map_or(0, |last| last.sequence().saturating_add(1));
        started.count = u32::try_from(self.trail.next().saturating_sub(expected)).unwrap_or(u32::MAX);
        let _staged = self.trail.stage(now, &started)?;
        self.commit(vault)?;
        Ok(())
    }

    /// The environment, for the host's own use of its store: draining, for example.
    pub const fn environment(&mut self) -> &mut E {
        &mut self.environment
    }

    /// Commits all that is staged with the environment's store.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the store failed, or a batch is taken. What is staged stays, and no outcome is released.
    pub fn commit(&mut self, vault: &Vault) -> Result<Receipt, Error> {
        self.prepare(vault)?;
        let batch =
            Batch { records: &self.records, entries: self.trail.staged(self.trail.staged_len()), now: self.floor };
        self.environment.store().commit(&batch).map_err(|_| Error::Unavailable)?;
        let _this_one = self.take();
        Ok(self.finish())
    }

    /// Commits all that is staged with the environment's store, and releases what was waiting for it.
    ///
    /// # Errors
    /// [`Error::Denied`]: refused; [`Error::Unavailable`]: the store failed, or a batch is taken.
    pub fn settle<T: Outcome>(&mut self, vault: &Vault, held: Held<T>) -> Result<T, Error> {
        held.release(&self.commit(vault)?)
    }

    /// Commits what earlier calls left, whose commit failed or who staged without an outcome: or it would take their room for ever.
    pub(crate) fn commit_leftovers(&mut self, vault: &Vault) -> Result<(), Error> {
        self.stage_first(vault)?;
        let any = self.trail.staged_len() > 0 || !self.records.is_empty();
        if self.taken.is_none() && any { self.commit(vault).map(|_| ()) } else { Ok(()) }
    }

    /// All that is staged, to be committed elsewhere. One batch is taken at a time; [`committed`](Self::committed) or
    /// [`not_committed`](Self::not_committed) ends that, and so does [`abandon`](Self::abandon) where the ticket was lost.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: a batch is taken already.
    pub fn batch(&mut self, vault: &Vault) -> Result<(Batch<'_>, Ticket), Error> {
        self.prepare(vault)?;
        let ticket = self.take();
        let entries = self.trail.staged(self.trail.staged_len());
        Ok((Batch { records: &self.records, entries, now: self.floor }, ticket))
    }

    /// The batch is durable by the store's policy.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the ticket is another host's, or of a batch that was given up; nothing is changed.
    pub fn committed(&mut self, ticket: Ticket) -> Result<Receipt, Error> {
        if self.is_current(&ticket) { Ok(self.finish()) } else { Err(Error::Unavailable) }
    }

    /// The batch is not durable; it will be part of the next one.
    pub fn not_committed(&mut self, ticket: Ticket) {
        if self.is_current(&ticket) {
            self.hand_back();
        }
    }

    /// Gives up a batch whose ticket was lost (with a task that was cancelled, say). **Only where it is certain that the batch was
    /// not made durable, and will not be**: it is part of the next one, and a store must not keep an entry twice.
    pub fn abandon(&mut self) {
        self.hand_back();
    }

    /// What was taken is staged again. A record that was staged anew meanwhile is the one that counts: only that stays.
    fn hand_back(&mut self) {
        self.taken = None;
        let mut at = 0_usize;
        while let Some((record, later)) = self.records.get(at..).and_then(<[Record]>::split_first) {
            if later.iter().any(|newer| newer.key == record.key) {
                drop(self.records.remove(at));
            } else {
                at = at.saturating_add(1);
            }
        }
        self.wipe_free_places();
    }

    fn take(&mut self) -> Ticket {
        self.taken = Some(Taken { entries: self.trail.staged_len(), records: self.records.len() });
        self.batches = self.batches.wrapping_add(1);
        Ticket { trail: self.trail.identity(), batch: self.batches }
    }

    fn is_current(&self, ticket: &Ticket) -> bool {
        self.taken.is_some() && *ticket == Ticket { trail: self.trail.identity(), batch: self.batches }
    }

    /// What is needed before a batch is put together: no other is taken, and the trail's state keeps ahead.
    fn prepare(&mut self, vault: &Vault) -> Result<(), Error> {
        if self.taken.is_some() || *self.trail.vault() != vault.id() {
            return Err(Error::Unavailable);
        }
        self.stage_what_is_due(vault)?;
        if let Some(state) = self.trail.state_if_due(vault.tag_key())? {
            self.put(state)?;
        }
        if self.floor >= self.stored_floor.plus(MINUTE) {
            self.put_floor()?;
        }
        Ok(())
    }

    /// Drops what has been committed from the front of what is staged.
    fn finish(&mut self) -> Receipt {
        let Taken { entries, records } = self.taken.take().unwrap_or_default();
        let mut held_secret = false;
        for record in self.records.drain(..records.min(self.records.len())) {
            if record.key.table == Table::TrailState {
                self.trail.state_committed();
            }
            held_secret |= record.key.table == Table::Owner;
        }
        if held_secret {
            self.wipe_free_places();
        }
        self.trail.committed(entries)
    }

    /// A record that was taken out leaves its bytes where it stood, and an owner's secret must not stay there.
    fn wipe_free_places(&mut self) {
        let staged = self.records.len();
        let zeros = || Record { key: FLOOR_KEY, value: Vec::from_iter([0; MAX_RECORD_LEN]), expires: Time::default() };
        while self.records.push(zeros()).is_ok() {}
        self.records.truncate(staged);
    }

    /// The time, which never goes back. A clock that fell behind is recorded, once, and nothing opens until it has caught up.
    pub(crate) fn now(&mut self) -> Result<Time, Error> {
        let now = self.environment.now().ok_or(Error::Unavailable)?;
        if now.plus(CLOCK_TOLERANCE) < self.floor {
            if !self.clock_was_back {
                let noted = self.stage(self.floor, &Entry::new(Event::ClockBack, Reason::Done));
                self.clock_was_back = noted.is_ok();
            }
            if !self.clock_alarm_was_raised {
                self.clock_alarm_was_raised = true;
                self.raise(Cause::ClockBack);
            }
            return Err(Error::Unavailable);
        }
        (self.clock_was_back, self.clock_alarm_was_raised) = (false, false);
        self.floor = self.floor.max(now);
        Ok(self.floor)
    }

    /// 32 random bytes for a secret: two drawings, each watched as a nonce's is, and a third, so that what is remembered for the next
    /// comparison is no part of the secret.
    pub(crate) fn random32(&mut self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let halves = Zeroizing::new([self.random16()?, self.random16()?]);
        let mut secret = Zeroizing::new([0; 32]);
        put(secret.as_mut_slice(), &[halves.as_flattened()]);
        self.random16().map(|_| secret)
    }

    /// 16 random bytes for one nonce.
    pub(crate) fn random16(&mut self) -> Result<[u8; 16], Error> {
        let random = self.last_random.next16(self.environment.rng());
        if random.is_err() && !self.rng_failed {
            self.raise(Cause::RandomNumbers);
        }
        self.rng_failed = random.is_err();
        random
    }

    /// How many entries can be staged before the next commit.
    pub(crate) fn room(&mut self) -> usize {
        let room = self.environment.store().room();
        self.trail.room(room)
    }

    /// Makes sure of room for this many entries, in the trail of this vault, whose keys the trail knows. A call that finds none is counted.
    pub(crate) fn reserve(&mut self, vault: &Vault, entries: usize) -> Result<(), Error> {
        if *self.trail.vault() != vault.id() {
            return Err(Error::Unavailable);
        }
        self.limits = *vault.limits();
        self.stage_keys(vault)?;
        if self.keys == *vault.key_state() && self.room() >= entries {
            return Ok(());
        }
        if self.unrecorded == 0 && self.environment.store().room() <= self.trail.staged_len() {
            self.raise(Cause::TrailFull);
        }
        self.unrecorded = self.unrecorded.saturating_add(1);
        Err(Error::Unavailable)
    }

    /// Puts one entry into the trail, durable at once.
    #[cfg(feature = "appliance")]
    pub(crate) fn record(&mut self, vault: &Vault, entry: &Entry) -> Result<(), Error> {
        let now = self.now()?;
        self.commit_leftovers(vault)?;
        self.reserve(vault, 1)?;
        self.stage(now, entry)?;
        self.commit(vault).map(|_| ())
    }

    /// Stages an entry, and has an eye on it.
    pub(crate) fn stage(&mut self, now: Time, entry: &Entry) -> Result<Staged, Error> {
        self.stage_watched(now, entry).map(|(staged, _)| staged)
    }

    /// Stands for the entry that was staged last.
    pub(crate) const fn last_staged(&self) -> Staged {
        self.trail.last_staged()
    }

    /// Does the work of staging an entry, and stages nothing; stands for the entry that will be staged next.
    pub(crate) fn spend_entry(&self, now: Time, entry: &Entry) -> Staged {
        self.trail.spend(now, entry)
    }

    /// Node and number of the next entry: together unique for ever.
    pub(crate) const fn next_entry(&self) -> (u32, u64) {
        (self.trail.node(), self.trail.next())
    }

    /// Stages a record of a caller's. Three places stay free for the host's own, here and in the store, or nothing could be committed
    /// any more.
    pub(crate) fn put_for_caller(&mut self, record: Record) -> Result<(), Error> {
        let staged = self.records.len().saturating_add(OWN_RECORDS);
        // What replaces a record takes no room in the store.
        let takes_room = self.read(&record.key, &mut Zeroizing::new([0; MAX_RECORD_LEN]))?.is_none();
        let room = self.environment.store().record_room(self.floor);
        if staged >= ENTRIES || takes_room && staged >= room { Err(Error::Unavailable) } else { self.put(record) }
    }

    /// Stages a record; it replaces one of the same key that no batch has taken yet.
    fn put(&mut self, record: Record) -> Result<(), Error> {
        let taken = self.taken.map_or(0, |taken| taken.records);
        let waiting = self.records.get_mut(taken..).unwrap_or_default();
        // The newest of its key, should there ever be two: that is the one which is read, and the one which a store keeps.
        match waiting.iter_mut().rev().find(|staged| staged.key == record.key) {
            Some(staged) => *staged = record,
            None => self.records.push(record).map_err(|_| Error::Unavailable)?,
        }
        Ok(())
    }

    /// True where there is such a record, staged or stored. Of those that hold no secret: what was read is not wiped.
    pub(crate) fn has(&mut self, key: &RecordKey) -> Result<bool, Error> {
        self.read(key, &mut [0; MAX_RECORD_LEN]).map(|found| found.is_some())
    }

    /// The value of a record, staged or stored, at the front of `out`: its length.
    pub(crate) fn read(&mut self, key: &RecordKey, out: &mut [u8; MAX_RECORD_LEN]) -> Result<Option<usize>, Error> {
        if let Some(staged) = self.records.iter().rev().find(|staged| staged.key == *key) {
            put(out, &[&staged.value]);
            return Ok(Some(staged.value.len()));
        }
        self.environment.store().get(key, out).map_err(|_| Error::Unavailable)
    }

    /// Stages a row of the host's own: what a surrogate of 16 digits stands for, at most [`Record::MAX_LEN`](crate::Record::MAX_LEN) bytes. It is durable with
    /// the next [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Unavailable`]: no room, commit first.
    pub fn put_surrogate(&mut self, digits: [u8; 16], value: &[u8]) -> Result<(), Error> {
        let value = Vec::from_slice(value).map_err(|_| Error::TooLong)?;
        let key = RecordKey { table: Table::Surrogate, id: digits };
        self.put_for_caller(Record { key, value, expires: Time::from_millis(u64::MAX) })
    }

    /// What is kept for a surrogate, staged or stored, at the front of `out`: its length.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn surrogate(&mut self, digits: [u8; 16], out: &mut [u8; MAX_RECORD_LEN]) -> Result<Option<usize>, Error> {
        self.read(&RecordKey { table: Table::Surrogate, id: digits }, out)
    }

    fn put_floor(&mut self) -> Result<(), Error> {
        let mut value = Vec::new();
        value.extend_from_slice(&self.floor.to_le_bytes()).map_err(|_| Error::Unavailable)?;
        self.put(Record { key: FLOOR_KEY, value, expires: Time::from_millis(u64::MAX) })?;
        self.stored_floor = self.floor;
        Ok(())
    }
}

impl<E, const ENTRIES: usize, const PROOFS: usize> fmt::Debug for Host<E, ENTRIES, PROOFS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("next_entry", &self.trail.next()).finish_non_exhaustive()
    }
}

fn read_floor(store: &impl Store) -> Result<Time, Error> {
    let mut value = [0; MAX_RECORD_LEN];
    let len = store.get(&FLOOR_KEY, &mut value).map_err(|_| Error::Unavailable)?;
    Ok(match (len, value.first_chunk()) {
        (Some(8), Some(floor)) => Time::from_le_bytes(*floor),
        (None, _) => Time::default(),
        _ => return Err(Error::Unavailable),
    })
}

fn read_stopped(store: &impl Store) -> Result<bool, Error> {
    let mut value = [0; MAX_RECORD_LEN];
    let len = store.get(&STOP_KEY, &mut value).map_err(|_| Error::Unavailable)?;
    Ok(len.is_some_and(|len| value.get(..len) != Some(&[0])))
}

/// How far the clock may fall behind without anything being wrong: clocks are set by small steps.
const CLOCK_TOLERANCE: u64 = 2 * SECOND;

/// Sessions that an alarm ended and that are kept in mind until the store has a place for them.
const ENDED: usize = 8;

/// The host's own records: the trail's state, the clock's floor, and whether everything is stopped.
const OWN_RECORDS: usize = 3;

const FLOOR_KEY: RecordKey = RecordKey { table: Table::ClockFloor, id: [0; 16] };
