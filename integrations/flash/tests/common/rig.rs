//! A store on the mock, with its model beside it: what a host does to it is checked against both, and cut wherever the test says.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    rc::Rc,
};

use symbolon::{Batch, Record, RecordKey, SealedEntry, Store, StoreError, Time};
use symbolon_flash::FlashStore;

use super::{
    TestRng,
    model::{Model, Op},
    nor::{Board, Chip, Tear},
};

/// Where the power goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cuts {
    Never,
    /// At every so many-th step of each change, in so many ways that take turns; and once more at every so many-th step of the opening
    /// behind it.
    Everywhere {
        stride: usize,
        ways: usize,
        second: Option<usize>,
    },
    /// In one of so many changes, anywhere; and in half of the openings behind it, as often as it comes.
    Random {
        one_in: u64,
    },
}

/// A handle on it; the host has another.
pub struct Rig<F, const E: usize, const N: usize>(pub Rc<RefCell<Inner<F, E, N>>>);

impl<F, const E: usize, const N: usize> Clone for Rig<F, E, N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

pub struct Inner<F, const E: usize, const N: usize> {
    pub flash: F,
    pub store: FlashStore<F, E, N>,
    pub model: Model,
    /// What it was before the last change that was done.
    pub previous: Model,
    pub seen: BTreeSet<RecordKey>,
    pub cuts: Cuts,
    rng: TestRng,
    /// Cuts that were made, and how many of them came before and behind the point where the change counts.
    pub before: usize,
    pub after: usize,
    pub second_cuts: usize,
    /// Each batch as it was committed, for tests that look for its bytes.
    pub written: Vec<Vec<u8>>,
}

impl<F: Board, const E: usize, const N: usize> Rig<F, E, N> {
    /// On a blank flash of so many sectors more than the least.
    pub fn blank(more: u32) -> Self {
        let flash = F::with_sectors(FlashStore::<F, E, N>::MIN_SECTORS + more);
        let store = FlashStore::open(flash.clone()).expect("a blank flash");
        Self(Rc::new(RefCell::new(Inner {
            flash,
            store,
            model: Model::default(),
            previous: Model::default(),
            seen: BTreeSet::new(),
            cuts: Cuts::Never,
            rng: TestRng(u64::from(more) + 99),
            before: 0,
            after: 0,
            second_cuts: 0,
            written: Vec::new(),
        })))
    }

    pub fn cut(&self, cuts: Cuts) {
        self.0.borrow_mut().cuts = cuts;
    }

    pub fn model(&self) -> Model {
        self.0.borrow().model.clone()
    }

    pub fn wipe(&self) {
        self.0.borrow_mut().run(&Op::Wipe).expect("wiped");
    }

    pub fn format(&self) {
        self.0.borrow_mut().run(&Op::Format).expect("formatted");
    }

    pub fn chip<T>(&self, look: impl FnOnce(&mut Chip) -> T) -> T {
        self.0.borrow().chip(look)
    }

    /// True where it holds what it is to hold, and that is this.
    pub fn same_as(&self, model: &Model) -> bool {
        let inner = self.0.borrow();
        inner.must_be_now();
        model.differs(&inner.store, &inner.seen, model.now()).is_none()
    }

    /// Opens it anew; what it holds must be the same.
    pub fn reopen(&self) {
        let mut inner = self.0.borrow_mut();
        inner.open_again();
        inner.must_be_now();
    }
}

impl<F: Board, const E: usize, const N: usize> Inner<F, E, N> {
    pub fn chip<T>(&self, look: impl FnOnce(&mut Chip) -> T) -> T {
        look(&mut self.flash.line().borrow_mut())
    }

    fn open_again(&mut self) {
        self.store = FlashStore::open(self.flash.clone()).expect("opens");
    }

    fn must_be_now(&self) {
        if let Some(what) = self.model.differs(&self.store, &self.seen, self.model.now()) {
            panic!("{what}");
        }
        assert_eq!(self.store.room(), E - self.model.entries.len());
    }

    fn run(&mut self, op: &Op<'_, '_>) -> Result<(), StoreError> {
        if let Op::Commit(batch) = op {
            self.seen.extend(batch.records().map(|record| *record.key()));
            self.written.extend(batch.records().map(|record| record.value().to_vec()));
        }
        match self.cuts {
            Cuts::Never => self.once(op),
            Cuts::Everywhere { stride, ways, second } => self.everywhere(op, (stride, ways), second),
            Cuts::Random { one_in } => self.at_random(op, one_in),
        }
    }

    /// Done without a cut: all of it, or an error and nothing.
    fn once(&mut self, op: &Op<'_, '_>) -> Result<(), StoreError> {
        let outcome = do_to(&self.flash, &mut self.store, op);
        if outcome.is_ok() {
            let after = self.model.after(op);
            self.previous = std::mem::replace(&mut self.model, after);
        }
        self.must_be_now();
        outcome
    }

    /// Done as often as it has places to be cut at, and then once to its end.
    fn everywhere(
        &mut self,
        op: &Op<'_, '_>,
        (stride, ways): (usize, usize),
        second: Option<usize>,
    ) -> Result<(), StoreError> {
        self.open_again();
        let image = self.chip(|chip| chip.memory.clone());
        let after = self.model.after(op);
        let retired = self.model.retired_by(&after);
        self.chip(|chip| chip.steps = 0);
        do_to(&self.flash, &mut self.store, op)?;
        let steps = self.chip(|chip| chip.steps);
        let whole = self.chip(|chip| chip.memory.clone());
        for (way, cut) in (0..ways).flat_map(|way| (0..steps).step_by(stride).map(move |cut| (way, cut))) {
            let tear = Tear::ALL[(cut / stride + way) % Tear::ALL.len()];
            self.chip(|chip| chip.load(&image));
            self.open_again();
            self.chip(|chip| chip.cut_after(cut, tear));
            do_to(&self.flash, &mut self.store, op).expect_err("the power went");
            let refuses = matches!(op, Op::Format) || self.store.room() == 0;
            assert!(refuses, "until it is opened again");
            let torn = self.chip(|chip| chip.memory.clone());
            if let Some(stride) = second {
                self.cut_recovery(&torn, &after, stride, cut);
            }
            self.chip(|chip| chip.load(&torn));
            self.open_again();
            if self.must_be_one_of(&after, &format!("cut {cut} of {steps}, {tear:?}")) {
                self.must_not_hold(&retired);
            }
            self.chip(|chip| chip.steps = 0);
            self.open_again();
            assert_eq!(
                self.chip(|chip| chip.steps),
                0,
                "an opening leaves nothing to do: cut {cut} of {steps}, {tear:?}"
            );
            if self.model.differs(&self.store, &self.seen, after.now().max(self.model.now())).is_none() {
                do_to(&self.flash, &mut self.store, op).expect("it may be repeated");
            }
            assert_eq!(after.differs(&self.store, &self.seen, after.now()), None, "repeated");
            self.must_not_hold(&retired);
        }
        self.chip(|chip| chip.load(&whole));
        self.open_again();
        self.model = after;
        self.must_be_now();
        Ok(())
    }

    /// The opening behind a cut is cut as well.
    fn cut_recovery(&mut self, torn: &[u8], after: &Model, stride: usize, first: usize) {
        self.chip(|chip| (chip.load(torn), chip.steps = 0).0);
        self.open_again();
        let steps = self.chip(|chip| chip.steps);
        for cut in (0..steps).step_by(stride) {
            let tear = Tear::ALL[(first + cut / stride) % Tear::ALL.len()];
            self.chip(|chip| (chip.load(torn), chip.cut_after(cut, tear)).0);
            assert!(FlashStore::<F, E, N>::open(self.flash.clone()).is_err(), "the power went");
            self.chip(Chip::power_on);
            let what = format!("cut {first}, and {cut} of {steps} of the recovery, {tear:?}");
            self.store = FlashStore::open(self.flash.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
            self.must_be_one_of(after, &what);
            self.second_cuts += 1;
        }
    }

    fn at_random(&mut self, op: &Op<'_, '_>, one_in: u64) -> Result<(), StoreError> {
        if self.rng.below(one_in) > 0 {
            return self.once(op);
        }
        let after = self.model.after(op);
        self.cut_somewhere();
        let outcome = do_to(&self.flash, &mut self.store, op);
        if self.chip(|chip| chip.is_on()) {
            // It came to its end before the power did.
            self.chip(Chip::power_on);
            if outcome.is_ok() {
                self.model = after;
            }
            self.must_be_now();
            return outcome;
        }
        self.chip(Chip::power_on);
        while self.rng.below(2) > 0 {
            self.cut_somewhere();
            let _cut_or_not = FlashStore::<F, E, N>::open(self.flash.clone());
            self.chip(Chip::power_on);
        }
        self.open_again();
        if self.must_be_one_of(&after, "at random") {
            self.model = after;
            self.must_be_now();
            return Ok(());
        }
        self.once(op)
    }

    /// What was replaced, and was a secret, is nowhere.
    fn must_not_hold(&self, retired: &HashSet<[u8; 8]>) {
        let found = self.chip(|chip| chip.holds_any(retired));
        assert_eq!(found, None, "an earlier secret lies in the flash");
    }

    fn cut_somewhere(&mut self) {
        let (cut, tear) = (self.rng.below(400) as usize, Tear::ALL[self.rng.below(6) as usize]);
        self.chip(|chip| chip.cut_after(cut, tear));
    }

    /// Either nothing of it was done, or all of it: true where it was.
    fn must_be_one_of(&mut self, after: &Model, what: &str) -> bool {
        let now = after.now().max(self.model.now());
        let from_before = self.model.differs(&self.store, &self.seen, now);
        let from_after = after.differs(&self.store, &self.seen, now);
        match (from_before, from_after) {
            (Some(before), Some(after)) => panic!("{what}: neither before ({before}) nor behind ({after})"),
            (None, _) => self.before += 1,
            (_, None) => {
                self.after += 1;
                return true;
            }
        }
        false
    }
}

/// Does it to the store.
pub fn do_to<F: Board, const E: usize, const N: usize>(
    flash: &F,
    store: &mut FlashStore<F, E, N>,
    op: &Op<'_, '_>,
) -> Result<(), StoreError> {
    match op {
        Op::Commit(batch) => store.commit(batch),
        Op::Acknowledge(sequence) => store.acknowledge(*sequence),
        Op::Wipe => store.wipe().map_err(|_| StoreError),
        Op::Format => FlashStore::format(flash.clone()).map(|new| *store = new).map_err(|_| StoreError),
    }
}

impl<F: Board, const E: usize, const N: usize> Store for Rig<F, E, N> {
    fn room(&self) -> usize {
        self.0.borrow().store.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.0.borrow().store.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.0.borrow().store.get(key, out)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.0.borrow_mut().run(&Op::Commit(batch))
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.borrow().store.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.0.borrow().store.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.borrow_mut().run(&Op::Acknowledge(sequence))
    }
}

#[cfg(feature = "appliance")]
impl<F: Board, const E: usize, const N: usize> symbolon::appliance::Wipe for Rig<F, E, N> {
    fn wipe(&mut self) -> Result<(), StoreError> {
        self.0.borrow_mut().run(&Op::Wipe)
    }
}
