//! The tests' own tools: each detector is shown something that it must notice.

mod common;

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use common::{
    model::{Model, Op},
    nor::{Board, Chip, Nor, Tear},
    rig::Cuts,
    shop::{Job, NOW, Shop},
};
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use symbolon::{Batch, MemoryStore, Record, RecordKey, SealedEntry, Store, StoreError, Time};

type Small = Nor<512, 1, 1>;

/// How a store lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    OldValue,
    AlteredValue,
    NoRecord,
    NoEntry,
    HalfTheEntries,
    EntriesTwice,
    NoLast,
}

/// A store in memory that shows something else.
struct Liar {
    now: MemoryStore<16, 16>,
    before: MemoryStore<16, 16>,
    lie: Lie,
}

impl Store for Liar {
    fn room(&self) -> usize {
        self.now.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.now.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        match self.lie {
            Lie::OldValue => self.before.get(key, out),
            Lie::NoRecord => Ok(None),
            Lie::AlteredValue => {
                let found = self.now.get(key, out);
                out[0] ^= 1;
                found
            }
            _ => self.now.get(key, out),
        }
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.before = self.now.clone();
        self.now.commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        match self.lie {
            Lie::NoEntry => self.before.entries(sink),
            Lie::HalfTheEntries => self.now.entries(&mut |entry| {
                sink(entry);
                false
            }),
            Lie::EntriesTwice => self.now.entries(sink).and(self.now.entries(sink)),
            _ => self.now.entries(sink),
        }
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        if self.lie == Lie::NoLast { Ok(None) } else { self.now.last_entry() }
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.now.acknowledge(sequence)
    }
}

/// The model notices each way in which a store can show something else, and agrees with one that doesn't.
#[test]
fn the_model_notices() {
    let liar = |lie| Rc::new(RefCell::new(Liar { now: MemoryStore::new(), before: MemoryStore::new(), lie }));
    let lies = [
        Lie::OldValue,
        Lie::AlteredValue,
        Lie::NoRecord,
        Lie::NoEntry,
        Lie::HalfTheEntries,
        Lie::EntriesTwice,
        Lie::NoLast,
    ];
    let mut shop = Shop::<Small, 8, 9>::blank(0);
    let session = symbolon::SessionId::from_bytes([7; 16]);
    let (store, mut model, mut seen) = (liar(Lie::None), Model::default(), BTreeSet::new());
    for value in [b"one", b"two"] {
        shop.host.put_surrogate([1; 16], value).unwrap();
        let _released_by_the_commit = shop.vault.log_out_held(session, &mut shop.host).unwrap();
        let (batch, ticket) = shop.host.batch(&shop.vault).unwrap();
        store.borrow_mut().commit(&batch).unwrap();
        model = model.after(&Op::Commit(&batch));
        seen.extend(batch.records().map(|record| *record.key()));
        shop.host.committed(ticket).unwrap();
    }
    assert_eq!(model.differs(&*store.borrow(), &seen, 0), None);
    for lie in lies {
        store.borrow_mut().lie = lie;
        assert!(model.differs(&*store.borrow(), &seen, 0).is_some(), "{lie:?}");
    }
}

/// What has expired may be gone, and what has not may not.
#[test]
fn the_model_forgives_what_has_expired() {
    let mut shop = Shop::<Small, 8, 9>::blank(0);
    shop.do_job(Job::LogOut).unwrap();
    let (model, mut seen) = (shop.rig.model(), shop.rig.0.borrow().seen.clone());
    seen.retain(|key| key.table == symbolon::Table::LoggedOut);
    let empty = MemoryStore::<8, 8>::new();
    let late = NOW.plus(25 * 60 * 60_000).as_millis();
    assert!(model.differs(&empty, &seen, NOW.as_millis()).unwrap().contains("LoggedOut"));
    assert!(!model.differs(&empty, &seen, late).unwrap().contains("LoggedOut"), "it is the entries that are missing");
}

/// A driver that says that bytes are programmed when they aren't yet breaks the store's promises, and the rig notices.
#[test]
#[should_panic(expected = "cut ")]
fn the_rig_notices_a_lying_driver() {
    lying(60);
}

/// The same where whole batches are lost.
#[test]
#[should_panic(expected = "neither before")]
fn the_rig_notices_a_lost_commit() {
    lying(118 + 24);
}

fn lying(bytes: usize) {
    let mut shop = Shop::<Small, 6, 10>::blank(2);
    shop.rig.chip(|chip| chip.lies = bytes);
    shop.do_job(Job::Enter).unwrap();
    shop.rig.chip(Chip::keep_recent);
    shop.rig.cut(Cuts::Everywhere { stride: 1, ways: 1, second: None });
    shop.do_job(Job::Enter).unwrap();
}

/// A piece of a secret is found wherever it stands.
#[test]
fn pieces_are_found() {
    let flash = Small::with_sectors(2);
    let chip = &mut flash.line().borrow_mut();
    chip.memory[777..785].copy_from_slice(b"a secret");
    let found = |chip: &Chip, piece: &[u8; 8]| chip.holds_any(&[*piece].into());
    assert_eq!((found(chip, b"a secret"), found(chip, b"no secre")), (Some(777), None));
}

/// The power goes after as many bytes as it is told, and leaves of the next one what the way of tearing says.
#[test]
fn cuts_are_where_they_are_told() {
    for (tear, left) in [(Tear::Untouched, 0xff), (Tear::Blank, 0x55), (Tear::Front, 0xf0), (Tear::Zeroed, 0)] {
        for cut in 0..8 {
            let mut flash = Small::with_sectors(1);
            flash.line().borrow_mut().cut_after(cut, tear);
            assert!(flash.write(16, &[0; 8]).is_err());
            assert!(flash.read(0, &mut [0]).is_err() && flash.write(0, &[0]).is_err(), "it is off");
            flash.line().borrow_mut().power_on();
            let mut bytes = [0; 8];
            flash.read(16, &mut bytes).unwrap();
            let expected: Vec<_> = (0..8)
                .map(|at| {
                    if at < cut {
                        0
                    } else if at == cut {
                        left
                    } else {
                        0xff
                    }
                })
                .collect();
            assert_eq!(bytes, *expected, "{tear:?}");
        }
    }
    for tear in Tear::ALL {
        let mut flash = Small::with_sectors(2);
        flash.write(0, &[0x0f; 512]).unwrap();
        flash.line().borrow_mut().cut_after(0, tear);
        assert!(flash.erase(0, 512).is_err());
        let memory = &flash.line().borrow().memory;
        let is_as_it_was = memory[..512].iter().all(|byte| *byte == 0x0f);
        assert_eq!(is_as_it_was, tear == Tear::Untouched);
        assert!(memory[512..].iter().all(|byte| *byte == 0xff), "another sector");
    }
}

/// The mock does not let a one be written over a zero.
#[test]
#[should_panic(expected = "a one over a zero")]
fn ones_over_zeros_are_noticed() {
    let mut flash = Small::with_sectors(1);
    flash.write(3, &[0xfe]).unwrap();
    let _panics = flash.write(3, &[0xff]);
}
