//! What surrounds the host and can fail: the store, the clock, the random numbers. All of it notes what happened, for the comparison.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{Batch, Environment, MemoryStore, Record, RecordKey, SealedEntry, Store, StoreError, Table, Time};

use super::{
    Wrong,
    cast::{ADDRESSES, holds_a_value},
};

/// Entries and rows that the store has places for.
pub(super) const ROOM: usize = 96;

/// What happened to the store since it was asked last.
#[derive(Default)]
pub(super) struct Happened {
    /// Durable entries, in their order.
    pub(super) entries: Vec<SealedEntry>,
    pub(super) commits: u32,
    pub(super) failed_commits: u32,
    pub(super) failed_reads: u32,
}

pub(super) struct Inner {
    memory: MemoryStore<ROOM, ROOM>,
    pub(super) happened: Happened,
    /// Every entry that ever became durable, as an auditor collects them.
    pub(super) archive: Vec<SealedEntry>,
    /// Nothing can be read or written.
    pub(super) down: bool,
    /// The commit after so many others fails.
    pub(super) fails_in: Option<u32>,
    /// At the commit after so many others the power goes: behind it, where the second is true, otherwise before it.
    pub(super) cut_in: Option<(u32, bool)>,
    /// The power is gone.
    pub(super) dead: bool,
    /// How many entries it takes at most.
    pub(super) capacity: usize,
    /// It has no place for another row.
    pub(super) is_tight: bool,
    wrong: Option<Wrong>,
}

/// The store, which outlives its hosts.
#[derive(Clone)]
pub(super) struct Medium(Rc<RefCell<Inner>>);

impl Medium {
    pub(super) fn new(wrong: Option<Wrong>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            memory: MemoryStore::new(),
            happened: Happened::default(),
            archive: Vec::new(),
            down: false,
            fails_in: None,
            cut_in: None,
            dead: false,
            capacity: ROOM,
            is_tight: false,
            wrong,
        })))
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.borrow_mut())
    }

    pub(super) fn happened(&self) -> Happened {
        self.with(|inner| std::mem::take(&mut inner.happened))
    }

    /// It works again, and the power is back.
    pub(super) fn mend(&self) {
        self.with(|inner| {
            (inner.down, inner.dead, inner.is_tight) = (false, false, false);
            (inner.fails_in, inner.cut_in, inner.capacity) = (None, None, ROOM);
        });
    }

    /// Both steps of draining: reads so many entries, then acknowledges them.
    pub(super) fn drain(&self, count: usize) {
        self.with(|inner| {
            let mut last = None;
            let mut left = count;
            let mut each = |entry: &SealedEntry| {
                left = left.saturating_sub(1);
                last = Some(entry.sequence());
                left > 0
            };
            inner.memory.entries(&mut each).expect("draining is never blocked");
            if let Some(last) = last {
                inner.memory.acknowledge(last).expect("draining is never blocked");
            }
        });
    }

    /// The time below which the clock may not fall after a restart, as SPEC.md sections 8 and 13 keep it.
    pub(super) fn kept_floor(&self) -> u64 {
        self.with(|inner| {
            let mut value = [0; Record::MAX_LEN];
            let key = RecordKey { table: Table::ClockFloor, id: [0; 16] };
            let row = inner.memory.get(&key, &mut value).expect("memory doesn't fail");
            let row = row.map_or(0, |_| u64::from_le_bytes(*value.first_chunk().expect("eight of them")));
            let last = inner.memory.last_entry().expect("memory doesn't fail");
            row.max(last.map_or(0, |entry| entry.time().as_millis()))
        })
    }
}

impl Inner {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let counted = |left: &mut u32| {
            let now = *left == 0;
            *left = left.saturating_sub(1);
            now
        };
        let fails = self.fails_in.as_mut().is_some_and(counted);
        let cut = match &mut self.cut_in {
            Some((left, durable)) => counted(left).then_some(*durable),
            None => None,
        };
        if fails {
            self.fails_in = None;
        }
        self.dead |= cut.is_some();
        let full = batch.entries().count() > self.room();
        if self.down || fails || full || cut == Some(false) || self.dead && cut.is_none() {
            self.happened.failed_commits += 1;
            return Err(StoreError);
        }
        for record in batch.records() {
            let mut value = record.value().to_vec();
            if self.wrong == Some(Wrong::AddressKeptInClear) && record.key().table == Table::Owner && value.len() > 38 {
                // As if it were the address itself, and no tag.
                value.extend_from_slice(ADDRESSES[1]);
            }
            assert!(!holds_a_value(&value), "a value stands in a row of the store");
        }
        for entry in batch.entries() {
            assert!(!holds_a_value(entry.as_bytes()), "a value stands in the stored trail");
            self.happened.entries.push(entry.clone());
            self.archive.push(entry.clone());
        }
        // A store that says so and keeps nothing: the entries are only noted.
        let forgets = self.wrong == Some(Wrong::StoreForgets) && batch.records().count() > 1;
        if !forgets {
            self.memory.commit(batch).inspect_err(|_| self.happened.failed_commits += 1)?;
        }
        if self.wrong == Some(Wrong::StoreDropsAnEntry) && self.archive.len() > 9 {
            let _dropped = (self.happened.entries.pop(), self.archive.pop());
            self.wrong = None;
        }
        self.happened.commits += 1;
        // The answer doesn't come back from a machine without power.
        if cut.is_some() { Err(StoreError) } else { Ok(()) }
    }

    pub(super) fn room(&self) -> usize {
        let kept = ROOM - self.memory.room();
        self.memory.room().min(self.capacity.saturating_sub(kept))
    }

    pub(super) fn kept(&self) -> usize {
        ROOM - self.memory.room()
    }
}

impl Store for Medium {
    fn room(&self) -> usize {
        self.0.borrow().room()
    }

    fn record_room(&self, now: Time) -> usize {
        let inner = self.0.borrow();
        if inner.is_tight { 0 } else { inner.memory.record_room(now) }
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        let inner = &mut *self.0.borrow_mut();
        if inner.down || inner.dead {
            inner.happened.failed_reads += 1;
            return Err(StoreError);
        }
        inner.memory.get(key, out)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.0.borrow_mut().commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.borrow().memory.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        let inner = &mut *self.0.borrow_mut();
        if inner.down || inner.dead {
            inner.happened.failed_reads += 1;
            return Err(StoreError);
        }
        inner.memory.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.borrow_mut().memory.acknowledge(sequence)
    }
}

/// How a generator behaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Mode {
    Good,
    Errs,
    Constant(u8),
}

/// What is known from outside of the host's generator.
pub(super) struct Dial {
    pub(super) mode: Cell<Mode>,
    pub(super) draws: Cell<u32>,
    /// Draws with which nothing may be sealed: errors, zeros, the same bytes twice running.
    pub(super) bad: Cell<u32>,
    /// What the running host accepted last.
    last: Cell<[u8; 16]>,
}

impl Dial {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { mode: Cell::new(Mode::Good), draws: Cell::new(0), bad: Cell::new(0), last: Cell::new([0; 16]) })
    }

    /// A new host remembers nothing.
    pub(super) fn restart(&self) {
        self.last.set([0; 16]);
    }
}

/// SplitMix64: what is random must be repeatable, and cheap.
#[derive(Clone)]
pub(super) struct Dice {
    state: u64,
    dial: Option<Rc<Dial>>,
}

impl Dice {
    /// One that never fails, for clients.
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed, dial: None }
    }

    pub(super) const fn with(seed: u64, dial: Rc<Dial>) -> Self {
        Self { state: seed, dial: Some(dial) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl TryRng for Dice {
    type Error = Broken;

    fn try_next_u32(&mut self) -> Result<u32, Broken> {
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Broken> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Broken> {
        let mode = self.dial.as_ref().map_or(Mode::Good, |dial| dial.mode.get());
        match mode {
            Mode::Constant(byte) => out.fill(byte),
            _ => {
                for chunk in out.chunks_mut(8) {
                    chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
                }
            }
        }
        let Some(dial) = &self.dial else { return Ok(()) };
        let given: [u8; 16] = (&*out).try_into().expect("a host draws 16 bytes at a time");
        let bad = mode == Mode::Errs || given == [0; 16] || given == dial.last.get();
        dial.draws.set(dial.draws.get() + 1);
        dial.bad.set(dial.bad.get() + u32::from(bad));
        if !bad {
            dial.last.set(given);
        }
        if mode == Mode::Errs { Err(Broken) } else { Ok(()) }
    }
}

impl TryCryptoRng for Dice {}

/// What a host is given.
pub(super) struct Surroundings {
    pub(super) clock: Rc<Cell<Option<u64>>>,
    pub(super) rng: Dice,
    pub(super) store: Medium,
}

impl Environment for Surroundings {
    type Rng = Dice;
    type Store = Medium;

    fn now(&mut self) -> Option<Time> {
        self.clock.get().map(Time::from_millis)
    }

    fn rng(&mut self) -> &mut Dice {
        &mut self.rng
    }

    fn store(&mut self) -> &mut Medium {
        &mut self.store
    }
}
