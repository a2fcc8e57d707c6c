//! Long random lives of a store beside its model, with the power going at random.

mod common;

use common::{
    TestRng,
    nor::{Board, Nor},
    rig::Cuts,
    shop::{Job, Shop},
};

/// A life of so many jobs: what was cut in it.
fn live<F: Board, const E: usize, const N: usize>(seed: u64, jobs: usize, cuts: Cuts) -> usize {
    let mut rng = TestRng(seed);
    let mut shop = Shop::<F, E, N>::blank(rng.below(4) as u32);
    shop.rig.cut(cuts);
    let mut done = 0;
    for _ in 0..jobs {
        shop.pass(rng.below(3 * HOUR));
        let small = rng.below(5) as u8;
        let job = match rng.below(16) {
            0..3 => Job::Enter,
            3 => Job::EnterSeveral(1 + small as usize % 3),
            4..7 => Job::Row(small, rng.below(129) as usize),
            7 => Job::Rows(small, 3),
            8 | 9 => Job::LogOut,
            10 => Job::Erasable(small % 3),
            11 => Job::Confirm(small % 3),
            12 => Job::Acknowledge(1 + small as usize),
            13 if small == 0 => Job::Erase(rng.below(3) as u8),
            14 if small == 0 => {
                shop.restart();
                continue;
            }
            15 if small == 0 && rng.below(8) == 0 => {
                shop.rig.wipe();
                shop = Shop::begin(shop.rig);
                continue;
            }
            _ => Job::Enter,
        };
        shop.make_room(3);
        // Where there is no place for another record, or an owner is gone, that is an answer; the model says whether it was the right one.
        done += usize::from(shop.do_job(job).is_ok());
        if rng.below(20) == 0 {
            shop.rig.reopen();
        }
    }
    assert!(done > jobs / 2, "{done} of {jobs}");
    let inner = shop.rig.0.borrow();
    inner.before + inner.after
}

const HOUR: u64 = 60 * 60 * 1000;

/// The store and its model agree through thousands of commits, around the ring many times, without any cut.
#[test]
fn a_long_life() {
    live::<Nor<512, 1, 1>, 6, 14>(1, 2500, Cuts::Never);
    live::<Nor<1024, 8, 8>, 9, 20>(2, 1500, Cuts::Never);
}

/// The same where the power goes in every third change, and in recoveries.
#[test]
fn lives_with_power_cuts() {
    let mut cuts = 0;
    for seed in 10..22 {
        cuts += live::<Nor<512, 1, 1>, 6, 14>(seed, 700, Cuts::Random { one_in: 3 });
        cuts += live::<Nor<512, 8, 4>, 5, 16>(seed, 500, Cuts::Random { one_in: 2 });
        cuts += live::<Nor<1024, 4, 1>, 12, 13>(seed, 500, Cuts::Random { one_in: 3 });
    }
    println!("random lives: {cuts} cuts");
    assert!(cuts > 3500, "{cuts}");
}

/// Many lives.
#[test]
#[ignore = "as long as one likes"]
fn many_lives() {
    for seed in 1000..1400 {
        live::<Nor<512, 1, 1>, 6, 14>(seed, 700, Cuts::Random { one_in: 3 });
        live::<Nor<4096, 4, 1>, 40, 30>(seed, 700, Cuts::Random { one_in: 2 });
    }
}
