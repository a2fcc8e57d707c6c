//! The target `model`: that it finds nothing, that it looks at everything, and that it would find what is wrong.

mod common;

use std::{
    collections::BTreeSet,
    panic::catch_unwind,
    time::{Duration, Instant},
};

use common::inputs;
use symbolon::{Event, Reason};
use symbolon_fuzz_targets::model::{Tally, Wrong, described, run_against};

fn runs(seed: u64, count: usize) -> Tally {
    let mut tally = Tally::default();
    for (number, input) in inputs(seed).take(count).enumerate() {
        let run = catch_unwind(|| run_against(&input, None));
        let Ok(run) = run else { panic!("input {number} of seed {seed}\n{}", described(&input)) };
        tally.add(run);
    }
    tally
}

/// Every operation.
const OPERATIONS: [&str; 39] = [
    "Alter",
    "AlterGrant",
    "Authenticate",
    "Canary",
    "Commit",
    "CommitElsewhere",
    "Confirm",
    "Deliver",
    "Drain",
    "Enter",
    "Erase",
    "Fail",
    "HandOver",
    "LogIn",
    "LogOut",
    "LookUp",
    "MakeIndex",
    "Mint",
    "Open",
    "OpenEach",
    "OpenGranted",
    "OpenMany",
    "OpenOwn",
    "ReleaseEarly",
    "Renew",
    "Restart",
    "Retire",
    "Reveal",
    "RevealGranted",
    "Revoke",
    "RevokeAll",
    "Rewrap",
    "Rotate",
    "SealFor",
    "Switch",
    "TakeAlarms",
    "TakeOver",
    "TimePasses",
    "Tokenize",
];

/// Every way in which a call ends, and some that make sure of what it was about.
const OUTCOMES: [&str; 64] = [
    "address confirmed",
    "address renewed",
    "alarm",
    "altered",
    "authenticated",
    "bad terms",
    "batch abandoned",
    "batch committed",
    "batch not committed",
    "canary made",
    "clock back",
    "commit failed",
    "denied",
    "done at once",
    "dropped",
    "erased",
    "floors raised",
    "foreign tokens counted",
    "forgotten",
    "granted",
    "indexer",
    "let go on",
    "logged in",
    "logged out",
    "look-up",
    "malformed",
    "never released",
    "no place for a row",
    "no sealer",
    "not authenticated",
    "not done",
    "not done at once",
    "not granted",
    "not looked up",
    "not opened",
    "not reowned",
    "not revealed",
    "not rewrapped",
    "opened",
    "opened a bound one",
    "opened an erasable one",
    "opened for a destination",
    "opened one of several",
    "opened to the mask",
    "opened under a grant",
    "random numbers failed",
    "released",
    "released early",
    "renewed",
    "reowned",
    "restart",
    "retired",
    "revealed",
    "revoked",
    "revoked all",
    "rewrapped",
    "rotated",
    "sealer",
    "start failed",
    "stopped",
    "tokenized",
    "unavailable",
    "value refused",
    "window full",
];

/// Every entry that these operations can leave, but for those that take a forged credential: wrong period, right not for kind.
const ENTRIES: &[(Event, &[Reason])] = {
    use Reason::*;
    const OPENING: &[Reason] = &[
        Done,
        DoesNotOpen,
        ForeignToken,
        Canary,
        WrongField,
        UnknownEpoch,
        SessionEnded,
        NoRight,
        LoggedOut,
        WrongPurpose,
        Erased,
        BadGrant,
        WrongGrantee,
        GrantNotInTime,
        GrantRevoked,
        GrantUsedUp,
        NotInGrant,
        WrongDestination,
        Stopped,
    ];
    const NAMING: &[Reason] = &[Done, SessionEnded, NoRight, LoggedOut, OtherTenant, Stopped];
    &[
        (Event::Started, &[Done]),
        (
            Event::Authenticate,
            &[
                Done,
                LoggedOut,
                BadCredential,
                WrongAudience,
                NotYetValid,
                Expired,
                LifeTooLong,
                BelowFloor,
                ProofRequired,
                BadProof,
                StaleProof,
                FutureProof,
                ProofBeforeStart,
                Replayed,
                WindowFull,
            ],
        ),
        (Event::Detokenize, OPENING),
        (Event::Reveal, OPENING),
        (Event::Rewrap, OPENING),
        (Event::Rewrap, &[NotOlder]),
        (
            Event::Reown,
            &[Done, DoesNotOpen, ForeignToken, Canary, WrongField, UnknownEpoch, NotInGrant, OtherTenant, Erased],
        ),
        (Event::ForeignTokens, &[ForeignToken]),
        (Event::LogOut, &[Done]),
        (Event::ClockBack, &[Done]),
        (Event::Grant, &[Erased]),
        (Event::Grant, NAMING),
        (Event::GrantScope, NAMING),
        (Event::GrantReason, &[Done, NoRight, OtherTenant, Stopped]),
        (Event::Revoke, &[Done, NoRight, BadGrant, LoggedOut, Stopped]),
        (Event::RevokeAll, NAMING),
        (Event::Erase, NAMING),
        (Event::Erase, &[Erased]),
        (Event::ConfirmAddress, NAMING),
        (Event::ConfirmAddress, &[Erased, NoRoom]),
        (Event::Tokenize, NAMING),
        (Event::Tokenize, &[Erased]),
        (Event::LookUp, &[Done, SessionEnded, NoRight, LoggedOut, Stopped]),
        (Event::MakeIndex, &[Done, SessionEnded, NoRight, LoggedOut, Stopped]),
        (Event::Keyring, &[Done]),
        (Event::Unrecorded, &[Done]),
        (Event::Alarm, &[Done]),
        (Event::Stop, &[Done, NoRight, OtherTenant, LoggedOut]),
        (Event::Release, &[Done, NoRight, OtherTenant, LoggedOut]),
    ]
};

const SEED: u64 = 1;
const INPUTS: usize = 2000;

/// Nothing is found in some thousands of inputs, which between them do everything and meet everything.
#[test]
fn the_core_does_what_the_model_says() {
    let start = Instant::now();
    // Two halves, for the two processors that there mostly are.
    let mut tally = Tally::default();
    std::thread::scope(|threads| {
        let halves = [SEED, SEED + 1].map(|seed| threads.spawn(move || runs(seed, INPUTS / 2)));
        halves.into_iter().for_each(|half| tally.add(half.join().expect("nothing is found")));
    });
    println!("{tally:?} {:?}", start.elapsed());
    for name in OPERATIONS {
        let count = tally.operations.get(name).copied().unwrap_or(0);
        assert!(count >= 500, "{name} was done {count} times");
    }
    for name in OUTCOMES {
        let count = tally.outcomes.get(name).copied().unwrap_or(0);
        assert!(count >= 2, "{name}: {count} times");
    }
    for (event, reasons) in ENTRIES {
        for reason in *reasons {
            let count = tally.entries.get(&(event.code(), reason.code())).copied().unwrap_or(0);
            assert!(count >= 1, "no entry of {event:?} with {reason:?}");
        }
    }
}

/// Each model, or store, that is wrong in one thing is found out by the same inputs.
#[test]
fn what_is_wrong_is_noticed() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut unnoticed = BTreeSet::new();
    for wrong in Wrong::ALL {
        let found =
            inputs(SEED).take(INPUTS).position(|input| catch_unwind(|| run_against(&input, Some(wrong))).is_err());
        println!("{wrong:?}: {found:?}");
        if found.is_none() {
            unnoticed.insert(format!("{wrong:?}"));
        }
    }
    drop(std::panic::take_hook());
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

/// Some minutes of it: `MINUTES=5 SEED=7 cargo test --release -p symbolon-fuzz-targets --test model -- --ignored minutes --nocapture`.
#[test]
#[ignore = "minutes"]
fn minutes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (minutes, mut seed) = (number("MINUTES").unwrap_or(3), number("SEED").unwrap_or(1000));
    let (start, mut tally, mut count) = (Instant::now(), Tally::default(), 0);
    while start.elapsed() < Duration::from_secs(60 * minutes) {
        tally.add(runs(seed, 500));
        (seed, count) = (seed + 1, count + 500);
    }
    println!("{tally:?}\n{count} inputs, {:.0} a second", count as f64 / start.elapsed().as_secs_f64());
}
