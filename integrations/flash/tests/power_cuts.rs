//! The power goes at every byte that is programmed and every sector that is erased, in every way that a chip may leave it; and again while
//! the store recovers. Nothing that was committed is lost, nothing half is there, and no record goes back.

mod common;

use common::{
    nor::{Board, Chip, Nor, Tear},
    rig::{Cuts, Rig},
    shop::{Job, NOW, Shop},
};
use symbolon::Store;
use symbolon_flash::{FlashError, FlashStore};

/// The smallest sectors, so that a few commits go around the ring.
type Bytes = Nor<512, 1, 1>;
type Words = Nor<512, 4, 4>;
type DoubleWords = Nor<512, 8, 8>;
/// Reads finer than it writes, and the other way round.
type WideWrites = Nor<1024, 8, 1>;
type WideReads = Nor<1024, 1, 4>;
/// As serial NOR flash has them.
type Usual = Nor<4096, 1, 1>;

/// Every kind of commit, one after the other.
const DAY: [Job; 14] = [
    Job::Enter,
    Job::Row(1, 0),
    Job::Row(1, 128),
    Job::Rows(2, 3),
    Job::Erasable(0),
    Job::Confirm(0),
    Job::Acknowledge(2),
    Job::EnterSeveral(3),
    Job::LogOut,
    Job::Erase(0),
    Job::Acknowledge(1),
    Job::Row(1, 7),
    Job::Enter,
    Job::Acknowledge(4),
];

/// Whole days, until the log has gone around the flash, so that a sector must be collected before there is room.
fn worn<F: Board, const E: usize, const N: usize>(more: u32) -> Shop<F, E, N> {
    let mut shop = Shop::<F, E, N>::blank(more);
    let mut owners = 1..;
    while shop.rig.chip(|chip| *chip.erases.iter().min().unwrap()) == 0 {
        for job in [Job::Enter, Job::Row(1, 100), Job::Rows(2, 3), Job::LogOut, Job::Enter] {
            shop.make_room(2);
            shop.do_job(job).unwrap();
        }
        if owners.next() == Some(4) {
            shop.do_job(Job::Erasable(9)).unwrap();
        }
        shop.pass(HOURS);
    }
    shop
}

/// Sessions that logged out are kept for a day: with these steps, two of them are alive.
const HOURS: u64 = 13 * 60 * 60 * 1000;

/// What was cut, for people to read and for the test not to be empty.
fn report<F: Board, const E: usize, const N: usize>(what: &str, rig: &Rig<F, E, N>, least: usize) {
    let inner = rig.0.borrow();
    let (before, after, second) = (inner.before, inner.after, inner.second_cuts);
    let first = before + after - second;
    println!(
        "{what}: {first} cuts, and {second} of recoveries; {before} came before the point that counts, {after} behind it"
    );
    assert!(first >= least, "{what}: {first}");
    assert!(before > 0 && after > 0);
}

fn day_with_cuts<F: Board, const E: usize, const N: usize>(what: &str, cuts: Cuts, least: usize) {
    let mut shop = worn::<F, E, N>(0);
    let erased = |rig: &Rig<F, E, N>| rig.chip(|chip| chip.erases.iter().sum::<u32>());
    let before = erased(&shop.rig);
    shop.rig.cut(cuts);
    for job in DAY {
        shop.make_room(3);
        shop.do_job(job).unwrap_or_else(|error| panic!("{job:?}: {error:?}"));
    }
    assert!(erased(&shop.rig) > before, "a commit had to collect");
    report(what, &shop.rig, least);
}

/// Each byte, each way, each kind of commit, on a flash that is programmed by the byte.
#[test]
fn every_byte_in_every_way() {
    day_with_cuts::<Bytes, 6, 14>("bytes", Cuts::Everywhere { stride: 1, ways: 6, second: None }, 15_000);
}

/// Each byte, in ways that take turns, where words are programmed and read: what is padded is cut, too.
#[test]
fn every_byte_of_words() {
    let cuts = Cuts::Everywhere { stride: 1, ways: 1, second: None };
    day_with_cuts::<Words, 6, 14>("words", cuts, 2500);
    day_with_cuts::<DoubleWords, 6, 14>("double words", cuts, 2500);
}

/// Reads that are finer than writes, writes that are finer than reads, and larger sectors.
#[test]
fn every_byte_of_uneven_flash() {
    let cuts = Cuts::Everywhere { stride: 1, ways: 1, second: None };
    day_with_cuts::<WideWrites, 6, 14>("wide writes", cuts, 2500);
    day_with_cuts::<WideReads, 6, 14>("wide reads", cuts, 2500);
}

/// Sectors of 4 KiB, at every fifth byte: a whole sector of living items is collected.
#[test]
fn sectors_of_usual_size() {
    day_with_cuts::<Usual, 30, 24>("4 KiB", Cuts::Everywhere { stride: 5, ways: 1, second: None }, 500);
}

/// The power goes once more while the store recovers.
#[test]
fn recoveries_are_cut() {
    let cuts = Cuts::Everywhere { stride: 5, ways: 1, second: Some(7) };
    day_with_cuts::<Bytes, 6, 14>("recoveries", cuts, 500);
    day_with_cuts::<DoubleWords, 6, 14>("recoveries of words", cuts, 500);
}

/// The same at every byte of the commit and every byte of the recovery.
#[test]
#[ignore = "minutes: every pair of places"]
fn recoveries_are_cut_everywhere() {
    for ways in [1, 6] {
        let cuts = Cuts::Everywhere { stride: 1, ways, second: Some(1) };
        day_with_cuts::<Bytes, 6, 14>("recoveries", cuts, 2500);
    }
}

/// Sectors of 4 KiB at every byte.
#[test]
#[ignore = "minutes: every byte, in every way"]
fn sectors_of_usual_size_everywhere() {
    day_with_cuts::<Usual, 30, 24>("4 KiB", Cuts::Everywhere { stride: 1, ways: 6, second: None }, 15_000);
}

/// Wiping and formatting a store is all or nothing, and leaves no piece of what was there.
#[test]
fn wiping_is_cut_everywhere() {
    fn on<F: Board>(what: &str) {
        let wiped = worn::<F, 6, 14>(0).rig;
        wiped.cut(Cuts::Everywhere { stride: 1, ways: 6, second: Some(41) });
        wiped.wipe();
        report(what, &wiped, 1500);
        // And the store is as good as new.
        wiped.cut(Cuts::Never);
        let mut shop = Shop::begin(wiped);
        DAY.iter().take(5).for_each(|job| shop.do_job(*job).unwrap());
        shop.rig.reopen();

        let formatted = worn::<F, 6, 14>(1).rig;
        formatted.cut(Cuts::Everywhere { stride: 1, ways: 6, second: None });
        formatted.format();
        report(what, &formatted, 1500);
    }
    on::<Bytes>("wiped bytes");
    on::<DoubleWords>("wiped words");
}

/// The first opening of a blank chip is cut as well: the next one makes an empty store of it.
#[test]
fn the_first_opening_is_cut_everywhere() {
    fn on<F: Board>() {
        let flash = F::with_sectors(FlashStore::<F, 4, 4>::MIN_SECTORS);
        let blank = flash.line().borrow().memory.clone();
        let open = |flash: &F| FlashStore::<F, 4, 4>::open(flash.clone()).map(|_store| ());
        let cuts = cut_each(&flash, &blank, 6, open, |torn| {
            // Once more, now that the chip is neither blank nor a store.
            let again = cut_each(&flash, torn, 1, open, |_| must_be_empty(&FlashStore::<F, 4, 4>::open(flash.clone())));
            flash.line().borrow_mut().load(torn);
            must_be_empty(&FlashStore::<F, 4, 4>::open(flash.clone()));
            again
        });
        println!("first opening: {cuts:?} cuts");
        assert!(cuts.0 >= 6 * 8 * FlashStore::<F, 4, 4>::MIN_SECTORS as usize && cuts.1 > cuts.0);
    }
    on::<Bytes>();
    on::<DoubleWords>();
}

/// Taking over a flash that holds something else: until that is done it is foreign or empty, and formatting it again works.
#[test]
fn formatting_foreign_flash_is_cut_everywhere() {
    let flash = Bytes::with_sectors(FlashStore::<Bytes, 4, 4>::MIN_SECTORS);
    let noise = common::TestRng(5).bytes(flash.line().borrow().memory.len());
    let format = |flash: &Bytes| FlashStore::<Bytes, 4, 4>::format(flash.clone()).map(|_store| ());
    let (cuts, foreign) = cut_each(&flash, &noise, 6, format, |_| {
        let opened = FlashStore::<Bytes, 4, 4>::open(flash.clone());
        let is_foreign = matches!(opened, Err(FlashError::Foreign));
        assert!(is_foreign || opened.is_ok(), "{:?}", opened.err());
        must_be_empty(&FlashStore::<Bytes, 4, 4>::format(flash.clone()));
        (usize::from(is_foreign), 0)
    });
    println!("formatting: {cuts} cuts, {foreign} of them before it was a store");
    assert!(cuts > 500 && foreign > 0 && foreign < cuts);
}

/// Cuts what is done to this image at each step, in so many ways that take turns: how many cuts, and the sum of what `then` says of each torn image.
fn cut_each<F: Board, E>(
    flash: &F,
    image: &[u8],
    ways: usize,
    done: impl Fn(&F) -> Result<(), E>,
    mut then: impl FnMut(&[u8]) -> (usize, usize),
) -> (usize, usize) {
    let chip = |look: &dyn Fn(&mut Chip)| look(&mut flash.line().borrow_mut());
    chip(&|chip| (chip.load(image), chip.steps = 0).0);
    assert!(done(flash).is_ok());
    let steps = flash.line().borrow().steps;
    let (mut cuts, mut sum) = (0, 0);
    for (way, cut) in (0..ways).flat_map(|way| (0..steps).map(move |cut| (way, cut))) {
        let tear = Tear::ALL[(way + cut) % Tear::ALL.len()];
        chip(&|chip| (chip.load(image), chip.cut_after(cut, tear)).0);
        assert!(done(flash).is_err(), "the power went");
        chip(&Chip::power_on);
        let torn = flash.line().borrow().memory.clone();
        (cuts, sum) = (cuts + 1, sum + then(&torn).0);
    }
    (cuts, sum)
}

fn must_be_empty<F: Board, D: std::fmt::Debug>(opened: &Result<FlashStore<F, 4, 4>, D>) -> (usize, usize) {
    let store = opened.as_ref().expect("opens");
    assert_eq!((store.room(), store.record_room(NOW)), (4, 4));
    assert_eq!(store.last_entry(), Ok(None));
    (1, 0)
}
