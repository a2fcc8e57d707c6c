//! The target `alarm`: that it finds nothing, that it meets every alarm with every reaction, and that it would find what is wrong.

mod common;

use std::panic::catch_unwind;

use common::inputs;
use symbolon::{Cause, Reaction};
use symbolon_fuzz_targets::alarm::{Tally, Wrong, run_against};

const SEED: u64 = 1;
const INPUTS: usize = 400;

#[test]
fn the_core_does_what_the_model_says() {
    let mut tally = Tally::default();
    for (number, input) in inputs(SEED).take(INPUTS).enumerate() {
        let Ok(met) = catch_unwind(|| run_against(&input, None)) else { panic!("input {number}") };
        met.into_iter().for_each(|(alarm, count)| *tally.entry(alarm).or_default() += count);
    }
    println!("{tally:?}");
    use Reaction::{EndSession, Record, StopAll};
    for cause in [Cause::Canary, Cause::Refusals, Cause::ManyOpenings, Cause::AllRefusals, Cause::LogIns] {
        for reaction in [Record, EndSession, StopAll] {
            // What is about nobody in particular ends no session.
            let is_of_all = matches!(cause, Cause::AllRefusals | Cause::LogIns);
            let met = tally.contains_key(&(cause.code(), reaction));
            assert_eq!(met, !is_of_all || reaction != EndSession, "{cause:?}, {reaction:?}");
        }
    }
}

#[test]
fn what_is_wrong_is_noticed() {
    let noticed = Wrong::ALL.map(|wrong| {
        let at = inputs(SEED).take(INPUTS).position(|input| catch_unwind(|| run_against(&input, Some(wrong))).is_err());
        (wrong, at)
    });
    println!("{noticed:?}");
    let unnoticed: Vec<_> = noticed.iter().filter(|(_, at)| at.is_none()).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
