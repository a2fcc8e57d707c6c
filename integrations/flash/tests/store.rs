//! What the store promises besides: capacity, geometry, bits that flip, reads that fail, secrets, wear, memory.

mod common;

use std::collections::{BTreeSet, HashSet};

use common::{
    TestRng,
    model::{Model, Op, pieces_of},
    nor::{Board, Chip, Nor},
    rig::Rig,
    shop::{Job, NOW, Shop, trails},
};
use symbolon::{Record, RecordKey, Store, StoreError, Table};
use symbolon_flash::{FlashError, FlashStore};

type Small = Nor<512, 1, 1>;

/// Entries are kept until there is no room: the last one that fits is, one more is refused and nothing changes, and an acknowledgement makes
/// room.
#[test]
fn capacity_of_entries() {
    let mut shop = Shop::<Small, 5, 10>::blank(0);
    let start = shop.rig.model().entries.len();
    for room in (1..=5 - start).rev() {
        assert_eq!(shop.rig.room(), room);
        shop.do_job(Job::Enter).unwrap();
    }
    assert_eq!(shop.rig.room(), 0);
    let full = shop.rig.model();
    shop.do_job(Job::Enter).unwrap_err();
    assert!(shop.rig.same_as(&full));
    shop.rig.reopen();
    assert!(shop.rig.same_as(&full));
    shop.do_job(Job::Acknowledge(1)).unwrap();
    assert_eq!(shop.rig.room(), 1);
    shop.do_job(Job::EnterSeveral(2)).unwrap_err();
    assert_eq!(shop.rig.room(), 1, "both or none");
}

/// Records are placed until all places are taken: the last one that fits is, and one more is refused.
#[test]
fn capacity_of_records() {
    let mut rig = Rig::<Small, 2, 7>::blank(0);
    for (free, begin) in (1..=7).rev().zip(trails()) {
        assert_eq!(rig.record_room(NOW), free);
        begin(&mut rig).unwrap();
        rig.reopen();
    }
    assert_eq!(rig.record_room(NOW), 0);
    let full = rig.model();
    trails().nth(7).unwrap()(&mut rig).unwrap_err();
    assert!(rig.same_as(&full));
    rig.reopen();
    assert!(rig.same_as(&full));
}

/// A record that expired gives up its place, sixteen seconds late at most, and not before; what is alive is never given up.
#[test]
fn expired_records_give_way() {
    let mut shop = Shop::<Small, 8, 9>::blank(0);
    shop.do_job(Job::LogOut).unwrap();
    let (free, expires) = (shop.rig.record_room(NOW), NOW.plus(24 * 60 * 60_000 + 60_000));
    assert_eq!(shop.rig.record_room(expires.minus(1)), free);
    assert_eq!(shop.rig.record_room(expires.plus(16_384)), free + 1);
    // The place is taken by the last of so many rows; three stay free for the host's own.
    shop.clock.set(expires.plus(16_384));
    shop.do_job(Job::Enter).unwrap();
    for row in 0..=free - 3 {
        assert_eq!(shop.rig.record_room(shop.clock.get()), free + 1 - row);
        assert_eq!(shop.do_job(Job::Row(row as u8, 9)).is_ok(), row < free - 2);
    }
    let before = shop.rig.model();
    shop.rig.reopen();
    assert!(shop.rig.same_as(&before));
    assert_eq!(shop.rig.record_room(shop.clock.get()), 3);
}

/// In the smallest flash, with every place taken, a batch that replaces each record and fills the trail finds room, as often as one likes.
#[test]
fn the_smallest_flash_is_enough() {
    fn on<F: Board, const E: usize, const N: usize>(rows: usize) {
        let mut shop = Shop::<F, E, N>::blank(0);
        for _ in 0..120 {
            shop.do_job(Job::Acknowledge(E)).unwrap();
            for row in 0..rows {
                shop.do_job(Job::Row(row as u8, 128)).unwrap();
            }
            shop.do_job(Job::EnterSeveral(E)).unwrap();
            shop.do_job(Job::Rows(0, rows)).unwrap();
        }
        assert_eq!(shop.rig.room(), 0);
        assert_eq!(shop.rig.record_room(shop.clock.get()), N - rows - 2);
        shop.rig.reopen();
    }
    on::<Nor<512, 1, 1>, 4, 8>(3);
    on::<Nor<512, 8, 8>, 1, 6>(1);
    on::<Nor<1024, 4, 1>, 7, 10>(5);
    on::<Nor<4096, 1, 4>, 7, 9>(4);
}

/// A store belongs to its geometry, and to as many places as it holds: anything else is refused, and its content left alone.
#[test]
fn other_geometries_are_refused() {
    let mut shop = Shop::<Nor<512, 4, 4>, 4, 8>::blank(3);
    (0..3).for_each(|row| shop.do_job(Job::Row(row, 50)).unwrap());
    let image = shop.rig.chip(|chip| chip.memory.clone());
    fn on<F: Board, const E: usize, const N: usize>(image: &[u8], sector: usize, cut: usize) -> FlashError<()> {
        let flash = F::with_sectors(((image.len() - cut) / sector) as u32);
        flash.line().borrow_mut().load(&image[..image.len() - cut]);
        let error = FlashStore::<F, E, N>::open(flash.clone()).map(|_| ()).unwrap_err();
        assert!(flash.line().borrow().memory == image[..image.len() - cut]);
        match error {
            FlashError::Flash(error) => panic!("{error:?}"),
            FlashError::TooSmall => FlashError::TooSmall,
            FlashError::Foreign => FlashError::Foreign,
            FlashError::NoPlace => FlashError::NoPlace,
            _ => FlashError::Damaged,
        }
    }
    assert_eq!(on::<Nor<512, 8, 8>, 4, 8>(&image, 512, 0), FlashError::Foreign, "other words");
    assert_eq!(on::<Nor<512, 4, 4>, 4, 8>(&image, 512, 512), FlashError::Foreign, "other number of sectors");
    assert_eq!(on::<Nor<1024, 4, 4>, 4, 4>(&image, 1024, image.len() % 1024), FlashError::Foreign, "other sectors");
    assert_eq!(on::<Nor<512, 4, 4>, 4, 16>(&image, 512, 0), FlashError::TooSmall);
    assert_eq!(on::<Nor<512, 4, 4>, 4, 4>(&image, 512, 0), FlashError::NoPlace);
    let noise = TestRng(3).bytes(image.len());
    assert_eq!(on::<Nor<512, 4, 4>, 4, 8>(&noise, 512, 0), FlashError::Foreign, "noise");
    assert_eq!(on::<Nor<512, 4, 4>, 4, 8>(&vec![0; image.len()], 512, 0), FlashError::Foreign, "zeros");
    // More places than it was made with are no harm, and what is foreign can be taken over.
    let flash = Nor::<512, 4, 4>::blank(image.len() / 512);
    flash.0.borrow_mut().load(&image);
    assert!(FlashStore::<_, 5, 8>::open(flash.clone()).is_ok());
    flash.0.borrow_mut().load(&noise);
    assert!(FlashStore::<_, 4, 8>::format(flash.clone()).is_ok() && FlashStore::<_, 4, 8>::open(flash).is_ok());
}

/// Every bit of a small store flips, one at a time: opening fails, or reading does, or everything is right; or the last commit is undone
/// as a whole, where the bit was its own. No wrong value, ever, nor after the next commit.
#[test]
fn no_flipped_bit_is_believed() {
    let mut shop = Shop::<Small, 3, 8>::blank(0);
    for job in [Job::Row(1, 30), Job::Enter, Job::Row(1, 31), Job::Erasable(1), Job::LogOut] {
        shop.make_room(2);
        shop.do_job(job).unwrap();
    }
    // Three ends of the log: with a long item in its last batch, with the shortest, and where an owner's record was replaced.
    for last in [Job::Enter, Job::Row(1, 0), Job::Confirm(1)] {
        shop.make_room(3);
        let began = shop.rig.chip(|chip| chip.memory.clone());
        shop.do_job(last).unwrap();
        let before = shop.rig.0.borrow().previous.clone();
        let (after, image) = (shop.rig.model(), shop.rig.chip(|chip| chip.memory.clone()));
        let replaced = |key: &&RecordKey| key.table == Table::Owner && before.value(key) != after.value(key);
        let of_last: BTreeSet<_> = (0..image.len()).filter(|at| began[*at] != image[*at]).collect();
        let seen = shop.rig.0.borrow().seen.clone();
        // Of a secret that the last commit replaced nothing is left.
        let seen_before = seen.iter().filter(|key| !replaced(key)).copied().collect();
        let flash = shop.rig.0.borrow().flash.clone();
        let (mut refused, mut unread, mut undone, mut harmless) = (0, 0, 0, 0);
        for bit in 0..image.len() * 8 {
            shop.rig.chip(|chip| (chip.load(&image), chip.flip(bit), chip.is_lenient = true).0);
            let Ok(store) = FlashStore::<Small, 3, 8>::open(flash.clone()) else {
                refused += 1;
                continue;
            };
            let values: Vec<_> = seen.iter().filter(replaced).map(|key| store.get(key, &mut [0; 128])).collect();
            match (found(&store, &after, &seen), found(&store, &before, &seen_before)) {
                (Found::All, _) => harmless += 1,
                (Found::Some, _) => unread += 1,
                (Found::Wrong, Found::All) => {
                    assert!(values.iter().all(|value| *value == Ok(None)), "half of a secret");
                    assert!(of_last.contains(&(bit / 8)), "a bit at {:#x} undid the last commit", bit / 8);
                    undone += 1;
                }
                (Found::Wrong, _) => panic!("a bit at {:#x}: a wrong value", bit / 8),
            }
        }
        println!("{last:?}: {refused} refused, {unread} unread, {undone} undid it, {harmless} harmless");
        assert!(refused > 2000 && harmless > 10_000 && undone > 100 && undone <= 24 * 8, "{last:?}");
        shop.rig.chip(|chip| (chip.load(&image), chip.is_lenient = false).0);
        shop.rig.reopen();
    }
}

/// Bits flip while the store is open: each call fails or is right, and what is acknowledged then is that and nothing else.
#[test]
fn no_bit_that_flips_later_is_believed() {
    let mut shop = Shop::<Small, 4, 9>::blank(0);
    for job in [Job::Row(1, 30), Job::Enter, Job::LogOut, Job::Erasable(1), Job::Row(2, 5)] {
        shop.do_job(job).unwrap();
    }
    let (model, image) = (shop.rig.model(), shop.rig.chip(|chip| chip.memory.clone()));
    let (first, flash) = (model.entries[0].0, shop.rig.0.borrow().flash.clone());
    let after = model.after(&Op::Acknowledge(first));
    let seen = shop.rig.0.borrow().seen.clone();
    let store = FlashStore::<Small, 4, 9>::open(flash.clone()).unwrap();
    let (mut unread, mut refused) = (0, 0);
    for bit in (0..image.len() * 8).filter(|bit| image[bit / 8] != 0xff) {
        shop.rig.chip(|chip| chip.flip(bit));
        let shown = found(&store, &model, &seen);
        assert!(!matches!(shown, Found::Wrong), "a bit at {:#x}", bit / 8);
        unread += usize::from(matches!(shown, Found::Some));
        shop.rig.chip(|chip| chip.flip(bit));
        // The same, and then a change.
        let mut store = FlashStore::<Small, 4, 9>::open(flash.clone()).unwrap();
        shop.rig.chip(|chip| chip.flip(bit));
        let done = store.acknowledge(first).is_ok();
        refused += usize::from(!done);
        assert!(!done || !matches!(found(&store, &after, &seen), Found::Wrong), "a bit at {:#x}", bit / 8);
        if let Ok(store) = FlashStore::<Small, 4, 9>::open(flash.clone()) {
            let is_after = !matches!(found(&store, &after, &seen), Found::Wrong);
            assert!(
                is_after || !done && !matches!(found(&store, &model, &seen), Found::Wrong),
                "a bit at {:#x}",
                bit / 8
            );
        }
        shop.rig.chip(|chip| chip.load(&image));
    }
    println!("{unread} unread, {refused} refused");
    assert!(unread > 4000 && refused > 500, "{unread} {refused}");
}

enum Found {
    All,
    /// What was found is right, and something could not be read.
    Some,
    Wrong,
}

/// What a store shows of a model.
fn found(store: &impl Store, model: &Model, seen: &BTreeSet<RecordKey>) -> Found {
    let mut all = true;
    for key in seen {
        let mut out = [0; Record::MAX_LEN];
        match store.get(key, &mut out) {
            Err(StoreError) => all = false,
            Ok(len) if len.map(|len| &out[..len]) == model.value(key) => {}
            Ok(_) => return Found::Wrong,
        }
    }
    let mut entries = Vec::new();
    let mut take = |entry: &symbolon::SealedEntry| {
        entries.push((entry.sequence(), entry.as_bytes().to_vec()));
        true
    };
    let read = store.entries(&mut take);
    match read {
        Ok(()) if entries != model.entries => return Found::Wrong,
        Err(StoreError) if !model.entries.starts_with(&entries) => return Found::Wrong,
        _ => all &= read.is_ok(),
    }
    match store.last_entry() {
        Ok(last) if last.as_ref().map(|last| last.as_bytes().to_vec()) == model.last => {}
        Ok(_) => return Found::Wrong,
        Err(StoreError) => all = false,
    }
    if all { Found::All } else { Found::Some }
}

/// Reads fail from the n-th on: each call says so or is right, a reader's failure changes nothing, and a commit's is all or nothing.
#[test]
fn failing_reads_are_told() {
    let mut shop = Shop::<Small, 3, 6>::blank(0);
    for job in [Job::Row(1, 30), Job::Enter, Job::Enter, Job::Row(1, 31)] {
        shop.make_room(2);
        shop.do_job(job).unwrap();
    }
    let inner = shop.rig.0.borrow();
    let (model, seen, flash) = (&inner.model, &inner.seen, &inner.flash);
    let mut failed = 0;
    for reads in 0.. {
        let fail = |chip: &mut Chip| chip.reads_left = reads;
        inner.chip(fail);
        let opened = FlashStore::<Small, 3, 6>::open(flash.clone()).is_ok();
        inner.chip(|chip| chip.reads_left = usize::MAX);
        let store = FlashStore::<Small, 3, 6>::open(flash.clone()).unwrap();
        inner.chip(fail);
        let shown = found(&store, model, seen);
        inner.chip(|chip| chip.reads_left = usize::MAX);
        assert!(!matches!(shown, Found::Wrong));
        assert!(matches!(found(&store, model, seen), Found::All), "and it reads again");
        if opened && matches!(shown, Found::All) {
            break;
        }
        failed += 1;
    }
    assert!(failed > 50, "{failed}");
}

/// Reads fail from the n-th on during a commit: it is done or it is not, the store refuses everything until it is opened anew, and then all
/// is there or nothing.
#[test]
fn failing_reads_during_a_commit() {
    let mut shop = Shop::<Small, 4, 9>::blank(0);
    shop.do_job(Job::Row(1, 30)).unwrap();
    let (before, image) = (shop.rig.model(), shop.rig.chip(|chip| chip.memory.clone()));
    let flash = shop.rig.0.borrow().flash.clone();
    shop.host.put_surrogate([1; 16], b"another").unwrap();
    let session = symbolon::SessionId::from_bytes([7; 16]);
    let _released_by_the_commit = shop.vault.log_out_held(session, &mut shop.host).unwrap();
    let (batch, ticket) = shop.host.batch(&shop.vault).unwrap();
    let after = before.after(&Op::Commit(&batch));
    let seen = batch.records().map(|record| *record.key()).collect();
    for reads in 0.. {
        flash.0.borrow_mut().load(&image);
        let mut store = FlashStore::<Small, 4, 9>::open(flash.clone()).unwrap();
        flash.0.borrow_mut().reads_left = reads;
        let done = store.commit(&batch).is_ok();
        flash.0.borrow_mut().reads_left = usize::MAX;
        assert!(done || store.room() == 0 || matches!(found(&store, &before, &seen), Found::All));
        let store = FlashStore::<Small, 4, 9>::open(flash.clone()).unwrap();
        let is_after = matches!(found(&store, &after, &seen), Found::All);
        assert!(is_after || matches!(found(&store, &before, &seen), Found::All), "{reads}");
        assert!(is_after || !done);
        if done {
            assert!(reads > 20);
            break;
        }
    }
    shop.host.committed(ticket).unwrap();
}

fn model_last<F: Board, const E: usize, const N: usize>(rig: &Rig<F, E, N>) -> u64 {
    rig.model().entries.last().map_or(0, |(number, _)| *number)
}

/// When a secret is replaced no piece of it is left anywhere, whatever was copied meanwhile; where it is no secret, pieces lie around.
#[test]
fn replaced_secrets_are_overwritten() {
    let mut shop = Shop::<Small, 6, 14>::blank(2);
    let (mut secrets, mut open) = (0, 0);
    for round in 0..150 {
        let before = shop.rig.model();
        shop.make_room(3);
        match round % 3 {
            0 => shop.do_job(Job::Confirm((round / 3 % 3) as u8)),
            1 => shop.do_job(Job::Enter),
            _ => shop.do_job(Job::Row(1, 100)),
        }
        .unwrap();
        let after = shop.rig.model();
        let retired = before.retired_by(&after);
        secrets += usize::from(!retired.is_empty());
        assert_eq!(shop.rig.chip(|chip| chip.holds_any(&retired)), None, "round {round}");
        let row = RecordKey { table: Table::Surrogate, id: [1; 16] };
        if let Some(old) = before.value(&row).filter(|old| Some(*old) != after.value(&row)) {
            let pieces: HashSet<_> = pieces_of(old).collect();
            open += usize::from(shop.rig.chip(|chip| chip.holds_any(&pieces)).is_some());
        }
    }
    assert!(secrets > 40, "{secrets}");
    assert!(open > 20, "the control: rows are found, {open}");
}

/// Sectors wear alike, and with twice the least of them less is copied than was asked for.
#[test]
fn wear_is_even_and_little() {
    fn on<F: Board>() {
        const E: usize = 12;
        const N: usize = 14;
        let least = FlashStore::<F, E, N>::MIN_SECTORS;
        let mut shop = Shop::<F, E, N>::blank(least);
        // Places are taken, and the trail is emptied late.
        (0..8).for_each(|row| shop.do_job(Job::Row(row, 100)).unwrap());
        (0..2 * E).for_each(|_| (shop.make_room(1), shop.do_job(Job::Enter).unwrap()).1);
        shop.rig.chip(|chip| chip.steps = 0);
        let (mut asked, mut round) = (0, 0);
        while shop.rig.chip(|chip| *chip.erases.iter().min().unwrap()) < 12 {
            round += 1;
            if shop.rig.room() == 0 {
                shop.do_job(Job::Acknowledge(E / 2)).unwrap();
                asked += 24;
            }
            let row = round % 16 == 0;
            shop.do_job(if row { Job::Row(round as u8 / 16 % 8, 100) } else { Job::Enter }).unwrap();
            asked += if row { 33 + 100 + 24 } else { 118 + 24 };
        }
        let (erases, written) = shop.rig.chip(|chip| (chip.erases.clone(), chip.steps));
        let (min, max) = (*erases.iter().min().unwrap(), *erases.iter().max().unwrap());
        println!("erased {min} to {max} times; {written} bytes written for {asked}");
        assert!(max - min <= 1, "{erases:?}");
        assert!(written < 2 * asked, "{written} for {asked}");
    }
    on::<Nor<512, 1, 1>>();
    on::<Nor<4096, 1, 1>>();
}

/// How much one commit writes: what the documentation says.
#[test]
fn bytes_of_a_commit() {
    let mut shop = Shop::<Nor<4096, 1, 1>, 8, 10>::blank(0);
    let mut bytes = |job| {
        shop.rig.chip(|chip| chip.steps = 0);
        shop.do_job(job).unwrap();
        shop.rig.chip(|chip| chip.steps)
    };
    assert_eq!(bytes(Job::Enter), 118 + 24);
    assert_eq!(bytes(Job::Row(1, 40)), 33 + 40 + 24);
    assert_eq!(bytes(Job::Acknowledge(1)), 24);
}

/// Each place for an entry takes four bytes of memory, each one for a record ten.
#[test]
fn memory_of_a_store() {
    const fn size<const E: usize, const N: usize>() -> usize {
        size_of::<FlashStore<Small, E, N>>()
    }
    assert_eq!(size::<1064, 64>() - size::<64, 64>(), 4 * 1000);
    assert_eq!(size::<64, 1064>() - size::<64, 64>(), 10 * 1000);
    assert!(size::<64, 64>() < 4 * 64 + 10 * 64 + 160, "{}", size::<64, 64>());
}

/// Where all is well an opening writes nothing, and it reads the log no more than twice over.
#[test]
fn an_orderly_opening_only_reads() {
    let mut shop = Shop::<Nor<4096, 1, 1>, 20, 14>::blank(2);
    for round in 0..400 {
        shop.make_room(2);
        shop.do_job([Job::Enter, Job::Row(1, 90), Job::LogOut][round % 3]).unwrap();
        shop.pass(10 * 60 * 60_000);
        if round % 20 == 0 {
            shop.rig.reopen();
            shop.rig.chip(|chip| (chip.steps, chip.bytes_read) = (0, 0));
            let flash = shop.rig.0.borrow().flash.clone();
            drop(FlashStore::<_, 20, 14>::open(flash).unwrap());
            let (steps, read, size) = shop.rig.chip(|chip| (chip.steps, chip.bytes_read, chip.memory.len()));
            assert_eq!(steps, 0);
            assert!(read < 3 * size, "{read} of {size}");
        }
    }
}

/// Two keys of one hash are two records.
#[test]
fn keys_that_collide_are_apart() {
    let digest = |row: [u8; 16]| {
        let mut bytes = vec![Table::Surrogate.code()];
        bytes.extend(row);
        crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes) & 0xffff
    };
    let row = |number: u64| {
        let mut row = [0; 16];
        row[..8].copy_from_slice(&number.to_le_bytes());
        row
    };
    let other = (1..).find(|number| digest(row(*number)) == digest(row(0))).unwrap();
    let mut shop = Shop::<Small, 4, 9>::blank(0);
    for (number, value) in [(0, b"one"), (other, b"two"), (0, b"six")] {
        shop.host.put_surrogate(row(number), value).unwrap();
        shop.host.commit(&shop.vault).unwrap();
        shop.rig.reopen();
    }
    let mut out = [0; Record::MAX_LEN];
    for (number, value) in [(0, b"six"), (other, b"two")] {
        let len = shop.host.surrogate(row(number), &mut out).unwrap().unwrap();
        assert_eq!(&out[..len], value);
    }
}

/// An empty batch is no commit, and what comes out of order is refused.
#[test]
fn acknowledging_twice_writes_once() {
    let mut shop = Shop::<Small, 4, 6>::blank(0);
    shop.do_job(Job::EnterSeveral(2)).unwrap();
    let last = model_last(&shop.rig);
    shop.rig.acknowledge(last).unwrap();
    shop.rig.chip(|chip| chip.steps = 0);
    shop.rig.acknowledge(last).unwrap();
    shop.rig.acknowledge(0).unwrap();
    assert_eq!(shop.rig.chip(|chip| chip.steps), 0);
    // All, where it is none's; and what comes later is kept.
    shop.rig.acknowledge(u64::MAX).unwrap();
    shop.do_job(Job::Enter).unwrap();
    assert_eq!(shop.rig.model().entries.len(), 1);
    shop.rig.reopen();
}
