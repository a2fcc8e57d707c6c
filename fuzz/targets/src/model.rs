//! Behaviour against a model: operations are done on a vault, its host and a store that can fail, and on a small plain model that knows who may see
//! what. After each operation both must say the same, nothing of a value may be seen anywhere else, and the trail must hold each entry that was
//! promised, and no other.
//!
//! The model (`ideal.rs`, `book.rs`) is written from SPEC.md sections 4, 7 to 9, 12, 13 and 16. What it takes from the surroundings is which commits
//! failed, how much room the store says it has, and which time the store kept. Where the implementation is free to be *unavailable* early (a trail
//! that is nearly full), both answers are taken, and followed.

mod aim;
mod batches;
mod book;
mod cast;
mod doors;
mod drive;
mod duties;
mod ideal;
mod indexes;
mod medium;
mod openings;
mod plan;
mod requests;
mod surroundings;

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use symbolon::Entry;

/// The most operations of one input.
const OPERATIONS: usize = 64;
/// Work space for all that is held in one run: for values, and for tokens and replies.
const WORK_SPACE: [usize; 2] = [48 * 1024, 96 * 1024];

/// Decodes operations from these bytes, and does them on both sides. Panics where the two disagree, and says at which operation.
pub fn run(data: &[u8]) {
    let _counted = run_against(data, None);
}

/// The same against a model, or with a store, that is wrong in one thing: the negative control. And what came about.
pub fn run_against(data: &[u8], wrong: Option<Wrong>) -> Tally {
    let (setup, operations) = decoded(data);
    let [mut values, mut public] = WORK_SPACE.map(|len| vec![openings::FILL; len]);
    let mut drive = drive::Drive::new(setup, [&mut values, &mut public], wrong);
    drive.prelude(setup);
    for (number, op) in operations.into_iter().enumerate() {
        drive.tally.operation(op.name());
        let _at = At(number, op);
        drive.act(op);
        drive.passes();
    }
    drive.finish(setup.is_multiple_of(4));
    let tally = std::mem::take(&mut drive.tally);
    let unused = [drive.arenas[0].len(), drive.arenas[1].len()];
    drop(drive);
    // Released, refused, or never released: nothing stays in the buffers.
    let (values, public) = (&values[..values.len() - unused[0]], &public[..public.len() - unused[1]]);
    assert!(values.iter().all(|byte| matches!(*byte, 0 | openings::FILL)), "work space that is not wiped at the end");
    assert!(!cast::holds_a_value(public), "a value stands beside tokens and replies");
    tally
}

fn decoded(data: &[u8]) -> (u8, Vec<plan::Op>) {
    let mut input = Unstructured::new(data);
    let setup = u8::arbitrary(&mut input).unwrap_or(0);
    let next = || if input.is_empty() { None } else { plan::Op::arbitrary(&mut input).ok() };
    (setup, std::iter::from_fn(next).take(OPERATIONS).collect())
}

/// The operations that these bytes are, for whoever looks into a disagreement.
#[must_use]
pub fn described(data: &[u8]) -> String {
    let (setup, operations) = decoded(data);
    let lines = operations.iter().enumerate().map(|(number, op)| format!("{number}: {op:?}\n"));
    std::iter::once(format!("setup {setup}\n")).chain(lines).collect()
}

/// Says at which operation the run panicked.
struct At(usize, plan::Op);

impl Drop for At {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("disagreement at operation {}: {:?}", self.0, self.1);
        }
    }
}

/// Short inputs to begin with: of some hundred pseudo-random ones, those that between them meet the most.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    use rand_core::TryRng;
    let mut dice = medium::Dice::new(20);
    let inputs = (0..400_usize).map(|number| {
        let mut input = vec![0; 60 + number % 140];
        dice.try_fill_bytes(&mut input).expect("a good generator");
        let tally = run_against(&input, None);
        let entries = tally.entries.keys().map(|codes| format!("{codes:?}"));
        let met: BTreeSet<String> = tally.outcomes.keys().map(ToString::to_string).chain(entries).collect();
        (input, met)
    });
    let mut inputs: Vec<_> = inputs.collect();
    let mut seeds = Vec::new();
    let mut met = BTreeSet::new();
    while seeds.len() < SEEDS {
        let news = |(_, its): &(Vec<u8>, BTreeSet<String>)| its.difference(&met).count();
        let Some(best) = (0..inputs.len()).max_by_key(|at| news(&inputs[*at])) else { break };
        let (input, its) = inputs.swap_remove(best);
        met.extend(its);
        seeds.push(input);
    }
    seeds
}

const SEEDS: usize = 20;

/// One thing that is wrong with the model or the store, each of which must be noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Wrong {
    GrantExpiryIgnored,
    GranteeIgnored,
    RevocationIgnored,
    UsesNotCounted,
    ViewIgnored,
    MaskIgnored,
    ErasureIgnored,
    LogOutIgnored,
    SessionsNeverEnd,
    CredentialsNeverExpire,
    ProofsNeverStale,
    ReplayAllowed,
    TenantIgnored,
    FieldIgnored,
    RecordIgnored,
    FloorIgnored,
    PurposeIgnored,
    DestinationIgnored,
    StopIgnored,
    CanariesAreTokens,
    PowerCutsAreNothing,
    EntryDropped,
    StoreDropsAnEntry,
    StoreForgets,
    AddressKeptInClear,
    BatchesTakeAll,
    IndexIgnoresTenant,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::GrantExpiryIgnored,
        Self::GranteeIgnored,
        Self::RevocationIgnored,
        Self::UsesNotCounted,
        Self::ViewIgnored,
        Self::MaskIgnored,
        Self::ErasureIgnored,
        Self::LogOutIgnored,
        Self::SessionsNeverEnd,
        Self::CredentialsNeverExpire,
        Self::ProofsNeverStale,
        Self::ReplayAllowed,
        Self::TenantIgnored,
        Self::FieldIgnored,
        Self::RecordIgnored,
        Self::FloorIgnored,
        Self::PurposeIgnored,
        Self::DestinationIgnored,
        Self::StopIgnored,
        Self::CanariesAreTokens,
        Self::PowerCutsAreNothing,
        Self::EntryDropped,
        Self::StoreDropsAnEntry,
        Self::StoreForgets,
        Self::AddressKeptInClear,
        Self::BatchesTakeAll,
        Self::IndexIgnoresTenant,
    ];
}

/// What came about, so that a test sees that something did.
#[derive(Default, Debug)]
pub struct Tally {
    /// Operations, by name.
    pub operations: BTreeMap<&'static str, u64>,
    /// What became of calls.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Entries of the trail: by event and reason, by their codes.
    pub entries: BTreeMap<(u8, u8), u64>,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: Self) {
        for (name, count) in other.operations {
            *self.operations.entry(name).or_default() += count;
        }
        for (name, count) in other.outcomes {
            *self.outcomes.entry(name).or_default() += count;
        }
        for (codes, count) in other.entries {
            *self.entries.entry(codes).or_default() += count;
        }
    }

    fn operation(&mut self, name: &'static str) {
        *self.operations.entry(name).or_default() += 1;
    }

    fn outcome(&mut self, name: &'static str) {
        *self.outcomes.entry(name).or_default() += 1;
    }

    fn entry(&mut self, entry: &Entry) {
        *self.entries.entry((entry.event.code(), entry.reason.code())).or_default() += 1;
    }
}
