//! What the core sees of the outside: clock, random numbers, storage; and what it remembers between calls.

use core::fmt;

use heapless::Vec;
use rand_core::TryCryptoRng;

use crate::{
    Batch, Error, Record, RecordKey, Store, Table, Time, Vault,
    entry::{Entry, Event, Reason},
    random::Repetition,
    replay::ReplayWindow,
    store::MAX_RECORD_LEN,
    time::{MINUTE, SECOND},
    trail::{Receipt, Staged, Trail},
};

/// The host's clock, random numbers and storage.
pub trait Environment {
    /// A generator of random numbers for keys. Its errors make sealing fail, never fall back.
    type Rng: TryCryptoRng;
    /// Where things are remembered.
    type Store: Store;

    /// The time, or `None` where there is no clock that can be relied on: then nothing opens.
    fn now(&mut self) -> Option<Time>;
    /// The generator.
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
/// `ENTRIES` trail entries can be staged at a time (the largest batch of one commit), `PROOFS` proofs are remembered for a minute each.
pub struct Host<E, const ENTRIES: usize = 16, const PROOFS: usize = 64> {
    environment: E,
    trail: Trail<ENTRIES>,
    pub(crate) window: ReplayWindow<PROOFS>,
    records: Vec<Record, MAX_RECORDS>,
    taken: Taken,
    last_random: Repetition,
    floor: Time,
    stored_floor: Time,
    clock_was_back: bool,
}

/// What is with the host to be committed.
#[derive(Clone, Copy, Default)]
struct Taken {
    entries: usize,
    records: usize,
}

/// Stands for a batch that was taken to be committed elsewhere.
#[derive(Debug)]
pub struct Ticket(());

impl<E: Environment, const ENTRIES: usize, const PROOFS: usize> Host<E, ENTRIES, PROOFS> {
    /// Opens the vault's trail in the environment's store, where [`AuditKey::create`](crate::AuditKey::create) made it once, and
    /// records that it goes on. Commits twice.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: no clock, a clock that is behind the stored time, no trail of this vault and node, or the store failed.
    pub fn open(vault: &Vault, mut environment: E) -> Result<Self, Error> {
        let now = environment.now().ok_or(Error::Unavailable)?;
        let floor = read_floor(environment.store())?;
        if now.plus(CLOCK_TOLERANCE) < floor {
            return Err(Error::Unavailable);
        }
        let last = environment.store().last_entry().map_err(|_| Error::Unavailable)?;
        let (trail, state) = Trail::open(vault, environment.store())?;
        // A window that began with its trail knows all that was ever accepted: nothing.
        let first_life = last.is_none() && trail.next() == 0;
        let mut host = Self {
            environment,
            trail,
            window: ReplayWindow::new(if first_life { Time::default() } else { now.max(floor) }),
            records: Vec::new(),
            taken: Taken::default(),
            last_random: Repetition::default(),
            floor: now.max(floor),
            stored_floor: floor,
            clock_was_back: false,
        };
        host.put(state)?;
        host.commit(vault)?;
        let mut started = Entry::new(Event::Started, Reason::Done);
        let expected = last.map_or(0, |last| last.sequence().saturating_add(1));
        started.count = u32::try_from(host.trail.next().saturating_sub(expected)).unwrap_or(u32::MAX);
        let _staged = host.trail.stage(now, &started)?;
        host.commit(vault)?;
        Ok(host)
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
        self.taken = Taken { entries: self.trail.staged_len(), records: self.records.len() };
        Ok(self.finish())
    }

    /// All that is staged, to be committed elsewhere. One batch is taken at a time; [`committed`](Self::committed) or
    /// [`not_committed`](Self::not_committed) ends that.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: a batch is taken already.
    pub fn batch(&mut self, vault: &Vault) -> Result<(Batch<'_>, Ticket), Error> {
        self.prepare(vault)?;
        self.taken = Taken { entries: self.trail.staged_len(), records: self.records.len() };
        let batch = Batch { records: &self.records, entries: self.trail.staged(self.taken.entries), now: self.floor };
        Ok((batch, Ticket(())))
    }

    /// The batch is durable by the store's policy.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used once")]
    pub fn committed(&mut self, ticket: Ticket) -> Receipt {
        let Ticket(()) = ticket;
        self.finish()
    }

    /// The batch is not durable; it will be part of the next one.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used once")]
    pub const fn not_committed(&mut self, ticket: Ticket) {
        let Ticket(()) = ticket;
        self.taken = Taken { entries: 0, records: 0 };
    }

    /// What is needed before a batch is put together: no other is taken, and the trail's state keeps ahead.
    fn prepare(&mut self, vault: &Vault) -> Result<(), Error> {
        if self.taken.entries != 0 || self.taken.records != 0 || *self.trail.vault() != vault.id() {
            return Err(Error::Unavailable);
        }
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
        let Taken { entries, records } = core::mem::take(&mut self.taken);
        for record in self.records.drain(..records.min(self.records.len())) {
            if record.key.table == Table::TrailState {
                self.trail.state_committed();
            }
        }
        self.trail.committed(entries)
    }

    /// The time, which never goes back. A clock that fell behind is recorded, once, and nothing opens until it has caught up.
    pub(crate) fn now(&mut self) -> Result<Time, Error> {
        let now = self.environment.now().ok_or(Error::Unavailable)?;
        if now.plus(CLOCK_TOLERANCE) < self.floor {
            if !self.clock_was_back {
                let noted = self.trail.stage(self.floor, &Entry::new(Event::ClockBack, Reason::Done));
                self.clock_was_back = noted.is_ok();
            }
            return Err(Error::Unavailable);
        }
        self.clock_was_back = false;
        self.floor = self.floor.max(now);
        Ok(self.floor)
    }

    /// 16 random bytes for one nonce.
    pub(crate) fn random16(&mut self) -> Result<[u8; 16], Error> {
        self.last_random.next16(self.environment.rng())
    }

    /// How many entries can be staged before the next commit.
    pub(crate) fn room(&mut self) -> usize {
        let room = self.environment.store().room();
        self.trail.room(room)
    }

    /// Makes sure of room for this many entries, in the trail of this vault.
    pub(crate) fn reserve(&mut self, vault: &Vault, entries: usize) -> Result<(), Error> {
        if *self.trail.vault() != vault.id() || self.room() < entries { Err(Error::Unavailable) } else { Ok(()) }
    }

    pub(crate) fn stage(&mut self, now: Time, entry: &Entry) -> Result<Staged, Error> {
        self.trail.stage(now, entry)
    }

    /// Stands for the entry that was staged last.
    pub(crate) const fn last_staged(&self) -> Staged {
        self.trail.last_staged()
    }

    /// Stands for the entry that will be staged next.
    pub(crate) const fn next_staged(&self) -> Staged {
        self.trail.next_staged()
    }

    /// Node and number of the next entry: together unique for ever.
    pub(crate) const fn next_entry(&self) -> (u32, u64) {
        (self.trail.node(), self.trail.next())
    }

    /// Stages a record of a caller's. Two places stay free for the host's own, or nothing could be committed any more.
    pub(crate) fn put_for_caller(&mut self, record: Record) -> Result<(), Error> {
        if self.records.len().saturating_add(2) >= MAX_RECORDS { Err(Error::Unavailable) } else { self.put(record) }
    }

    /// Stages a record; it replaces one of the same key that no batch has taken yet.
    fn put(&mut self, record: Record) -> Result<(), Error> {
        let waiting = self.records.get_mut(self.taken.records..).unwrap_or_default();
        match waiting.iter_mut().find(|staged| staged.key == record.key) {
            Some(staged) => *staged = record,
            None => self.records.push(record).map_err(|_| Error::Unavailable)?,
        }
        Ok(())
    }

    /// True where there is such a record that has not expired, staged or stored.
    pub(crate) fn has(&mut self, key: &RecordKey, now: Time) -> Result<bool, Error> {
        if let Some(staged) = self.records.iter().rev().find(|staged| staged.key == *key) {
            return Ok(staged.expires > now);
        }
        let stored = self.environment.store().get(key, &mut [0; MAX_RECORD_LEN]);
        stored.map(|record| record.is_some()).map_err(|_| Error::Unavailable)
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
        _ => Time::default(),
    })
}

/// How far the clock may fall behind without anything being wrong: clocks are set by small steps.
const CLOCK_TOLERANCE: u64 = 2 * SECOND;

/// Records that can be staged at a time.
const MAX_RECORDS: usize = 8;

const FLOOR_KEY: RecordKey = RecordKey { table: Table::ClockFloor, id: [0; 16] };
