//! Everything that can be done to a log without its key: found, and located.
//!
//! Up to the place of the damage a verification is the same as an undamaged log's, so each case begins with a verifier that stands there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod auditing;

use std::io::Write;

use auditing::{Edit, Edited, Shop};
use rand_core::{Rng, SeedableRng};
use symbolon::{Checkpoint, SealedEntry, Time};
use symbolon_host::audit::{
    Damage, Finding, Log, LogFile, NodeLog, NodeReport, Source, Standing, Verification, Verifier, verify,
};

const NOW: Time = Time::from_secs(1_900_000_000);

/// A real log, and a verifier before each of its records.
struct Bench {
    log: Vec<SealedEntry>,
    forks: Vec<Verifier>,
    end: Checkpoint,
}

impl Bench {
    fn new(entries: usize) -> Self {
        let mut shop = Shop::new(0);
        shop.make(entries);
        let (log, end) = (shop.entries(), shop.checkpoint());
        let mut verifier = Verifier::new(&shop.audit);
        verifier.expect(end, Source::Given("the end".into()));
        let mut whole = Edited { base: &log, edit: Edit::Nothing };
        let mut forks = vec![verifier.fork()];
        while verifier.next(&mut whole).unwrap().is_some() {
            forks.push(verifier.fork());
        }
        // The negative control: nothing was done, nothing is found.
        let report = verifier.report(&whole, NOW);
        assert!(report.is_sound() && report.entries == log.len() as u64, "{:?}", report.findings);
        assert_eq!(report.confirmed.unwrap().0, end);
        let gaps = log.windows(2).filter(|pair| pair[1].sequence() != pair[0].sequence() + 1).count();
        assert_eq!(gaps, 2, "both restarts are in it");
        Self { log, forks, end }
    }

    /// What is found of an edit that begins at record `from`, and is over at record `to`.
    fn find(&self, edit: Edit, from: usize, to: usize) -> Vec<Finding> {
        let mut log = Edited { base: &self.log, edit };
        let mut verifier = self.forks[from].fork();
        while verifier.next(&mut log).unwrap().is_some() {
            if verifier.position() > to as u64 + 4 && verifier.is_settled() {
                break;
            }
        }
        verifier.findings()
    }

    fn number(&self, record: usize) -> u64 {
        self.log[record].sequence()
    }

    /// Asserts that the record, or its number, is named, and nothing that is farther than `around` from it.
    fn located(&self, found: &[Finding], record: usize, around: usize, what: &dyn std::fmt::Debug) {
        assert!(
            found.iter().any(|finding| finding.is_about(record as u64, self.number(record))),
            "{what:?}: {found:?}"
        );
        self.nearby(found, &[record], around, what);
    }

    /// Asserts that each finding is about one of these records or their neighbours.
    fn nearby(&self, found: &[Finding], records: &[usize], around: usize, what: &dyn std::fmt::Debug) {
        for finding in found {
            let here = |record: usize| finding.record.abs_diff(record as u64) <= around as u64;
            assert!(records.iter().any(|record| here(*record)), "{what:?}: {finding:?}");
        }
    }
}

/// Every byte (or every so many) of every entry, in turn.
fn alter(bench: &Bench, step: usize) -> usize {
    let mut cases = 0;
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(1);
    for record in 0..bench.log.len() {
        for byte in (record % step..SealedEntry::LEN).step_by(step) {
            let mut bytes = *bench.log[record].as_bytes();
            bytes[byte] ^= 1 + (rng.next_u32() % 255) as u8;
            let found = bench.find(Edit::Replace(record, SealedEntry::from_bytes(bytes)), record, record);
            bench.located(&found, record, 1, &(record, byte));
            assert!(found.len() <= 3, "{record} {byte}: {found:?}");
            cases += 1;
        }
    }
    cases
}

fn delete(bench: &Bench) -> usize {
    let mut exact = 0;
    for record in 0..bench.log.len() {
        let found = bench.find(Edit::Delete(record, record + 1), record, record);
        let last = record + 1 == bench.log.len();
        let wanted = if last { Damage::Cut } else { Damage::Missing };
        let here = |finding: &&Finding| {
            let number = bench.number(record);
            finding.damage == wanted
                && (last || finding.sequence.is_some_and(|(first, end)| first <= number && number <= end))
        };
        assert!(found.iter().any(|finding| here(&finding)), "{record}: {found:?}");
        bench.nearby(&found, &[record], 1, &record);
        exact += usize::from(
            found.iter().any(|finding| finding.sequence == Some((bench.number(record), bench.number(record)))),
        );
    }
    assert!(
        exact + 8 >= bench.log.len(),
        "only beside a restart, and at the end, other numbers may be in question: {exact}"
    );
    bench.log.len()
}

fn swap(bench: &Bench, a: usize, b: usize) {
    let (a, b) = (a.min(b), a.max(b));
    let found = bench.find(Edit::Swap(a, b), a, b);
    let about = |record: usize| found.iter().any(|finding| finding.is_about(record as u64, bench.number(record)));
    assert!(about(a) || about(b), "{a} {b}: {found:?}");
    assert!(found.iter().any(|finding| finding.damage == Damage::Moved), "{a} {b}: {found:?}");
    bench.nearby(&found, &[a, b], 1, &(a, b));
}

fn swaps(bench: &Bench, reach: usize) -> usize {
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(2);
    let len = bench.log.len();
    for a in 0..len {
        if a + 1 < len {
            swap(bench, a, a + 1);
        }
        let b = (a + 2 + rng.next_u32() as usize % reach) % len;
        if a != b {
            swap(bench, a, b);
        }
    }
    2 * len - 1
}

fn duplicates(bench: &Bench, reach: usize) -> usize {
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(3);
    let len = bench.log.len();
    for record in 0..len {
        for place in [record + 1, (record + 2 + rng.next_u32() as usize % reach) % (len + 1)] {
            let copy = bench.log[record].clone();
            let first = place.min(record);
            let found = bench.find(Edit::Insert(place, vec![copy]), first, place.max(record) + 1);
            let [finding] = &found[..] else { panic!("{record} {place}: {found:?}") };
            let original = record + usize::from(place <= record);
            // Which of two that stand side by side is the copy nobody can say.
            let is_this = (finding.record, finding.other) == (place as u64, Some(original as u64));
            assert!(finding.damage == Damage::Duplicate && is_this, "{record} {place}: {found:?}");
        }
    }
    2 * len
}

fn cuts(bench: &Bench) -> usize {
    for record in 0..bench.log.len() {
        for torn in [0, 1 + record as u64 % 109] {
            let mut log = Edited { base: &bench.log, edit: Edit::Cut(record, torn) };
            let mut verifier = bench.forks[record].fork();
            while verifier.next(&mut log).unwrap().is_some() {}
            let found = verifier.findings();
            let cut = found.iter().find(|finding| finding.damage == Damage::Cut).unwrap();
            assert_eq!((cut.record, cut.checkpoint.as_ref().unwrap().0), (record as u64, bench.end));
            let says_torn =
                found.iter().any(|finding| finding.damage == Damage::Torn && finding.record == record as u64);
            assert_eq!(says_torn, torn > 0);
            // Without a checkpoint a cut between two entries can't be found: that is what checkpoints are for.
        }
    }
    2 * bench.log.len()
}

/// All bytes of 1,000 entries, and everything else that is done to each.
#[test]
fn everything_done_to_a_log_is_found_and_located() {
    let bench = Bench::new(1000);
    alter(&bench, 1);
    delete(&bench);
    swaps(&bench, 50);
    duplicates(&bench, 50);
    cuts(&bench);
}

/// The same with 10,000 entries:
/// `cargo test --release -p symbolon-host --test tampering -- --ignored --nocapture complete`
#[test]
#[ignore = "a minute or two of work in a release build"]
fn complete() {
    let mut start = std::time::Instant::now();
    let mut told = |what: &str, cases: usize| {
        println!("{what}: {cases} cases, all found and located, {:.1} s", start.elapsed().as_secs_f64());
        start = std::time::Instant::now();
    };
    let bench = Bench::new(10_000);
    told("untouched", bench.log.len());
    told("altered bytes", alter(&bench, 1));
    told("deleted", delete(&bench));
    told("swapped", swaps(&bench, 300));
    told("duplicated", duplicates(&bench, 300));
    told("cut", cuts(&bench));
}

/// How long a large log takes, from a file:
/// `cargo test --release -p symbolon-host --test tampering -- --ignored --nocapture a_million`
#[test]
#[ignore = "half a minute of work in a release build"]
fn a_million_entries() {
    let mut shop = Shop::new(0);
    shop.make(1_000_000);
    let file = tempfile::tempfile().unwrap();
    let mut writer = std::io::BufWriter::new(file);
    for entry in shop.entries() {
        writer.write_all(entry.as_bytes()).unwrap();
    }
    let log = LogFile::new(writer.into_inner().unwrap()).unwrap();
    let key = symbolon::AuditKey::read_secret(&shop.audit.write_secret()).unwrap();
    let start = std::time::Instant::now();
    let verification = verify(&mut [NodeLog { key, log }], &[], NOW, &mut |_| {}).unwrap();
    assert!(verification.is_sound());
    println!("{} entries in {:.2} s", verification.nodes[0].entries, start.elapsed().as_secs_f64());
}

/// Far away from each other, in the whole log; a range, the front, a block that was moved.
#[test]
fn ranges_and_long_ways() {
    let bench = Bench::new(1500);
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(4);
    let len = bench.log.len();
    for _ in 0..60 {
        let (a, b) = (rng.next_u32() as usize % len, rng.next_u32() as usize % len);
        if a != b {
            swap(&bench, a, b);
        }
        let (from, to) = (a.min(b), a.max(b));
        if from < to && to + 2 < len {
            let found = bench.find(Edit::Delete(from, to), from, from);
            let said = found.iter().find(|finding| finding.damage == Damage::Missing).unwrap();
            let (first, last) = said.sequence.unwrap();
            assert!(first <= bench.number(from) && last >= bench.number(to - 1), "{from} {to}: {found:?}");
            bench.nearby(&found, &[from], 1, &(from, to));
        }
        let (there, back) = (a.min(len - 2), b.min(len - 2));
        if there != back {
            let found = bench.find(Edit::Move(there, back), there.min(back), there.max(back) + 1);
            let moved = found.iter().find(|finding| finding.damage == Damage::Moved);
            assert!(moved.is_some(), "{there} {back}: {found:?}");
            bench.nearby(&found, &[there, back], 1, &(there, back));
        }
    }
    let front = bench.find(Edit::Delete(0, 100), 0, 0);
    assert_eq!(front[0].sequence, Some((0, bench.number(100) - 1)), "{front:?}");
}

/// What is behind a damage is read, every entry of it, and marked; what was moved is read too, and nothing is read twice.
#[test]
fn what_is_whole_is_read() {
    let bench = Bench::new(300);
    let read = |edit: Edit| {
        let mut log = Edited { base: &bench.log, edit };
        let mut verifier = bench.forks[0].fork();
        let mut all = Vec::new();
        while let Some(reading) = verifier.next(&mut log).unwrap() {
            all.push((reading.recorded.sequence, reading.standing));
        }
        all
    };
    let numbers = |all: &[(u64, Standing)]| {
        let mut numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    };
    let all: Vec<u64> = bench.log.iter().map(SealedEntry::sequence).collect();
    assert_eq!(numbers(&read(Edit::Nothing)), all);
    for edit in [Edit::Swap(20, 21), Edit::Swap(20, 250), Edit::Move(250, 20), Edit::Move(20, 250)] {
        assert_eq!(numbers(&read(edit.clone())), all, "{edit:?}");
    }
    // Of a deleted entry the next can't be read either; of an altered one with its tag alone neither.
    let without = |gone: &[usize]| {
        all.iter().copied().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, n)| n).collect::<Vec<_>>()
    };
    let deleted = read(Edit::Delete(20, 21));
    assert_eq!(numbers(&deleted), without(&[20, 21]));
    assert!(deleted.iter().all(|(number, standing)| (*standing == Standing::Whole) == (*number < bench.number(20))));
    let mut bytes = *bench.log[20].as_bytes();
    bytes[50] ^= 1;
    assert_eq!(numbers(&read(Edit::Replace(20, SealedEntry::from_bytes(bytes)))), without(&[20]));
}

/// Somebody who has the log and not the key: entries of their own, with any number, time and tag, and copies of real ones beside them.
#[test]
fn what_is_put_in_from_elsewhere() {
    let bench = Bench::new(300);
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(5);
    let mut other = Shop::new(9);
    other.make(300);
    for record in 0..bench.log.len() {
        let mut bytes = [0; SealedEntry::LEN];
        rng.fill_bytes(&mut bytes);
        // The right number, the time of the neighbour, the tag of the entry before.
        bytes[..16].copy_from_slice(&bench.log[record].as_bytes()[..16]);
        bytes[94..].copy_from_slice(&bench.log[record.saturating_sub(1)].as_bytes()[94..]);
        let forged = SealedEntry::from_bytes(bytes);
        let foreign = other.entries()[record].clone();
        // The same with a number that was read already: it is not the copy of an entry.
        bytes[..8].copy_from_slice(&bench.number(record / 2).to_le_bytes());
        let late = SealedEntry::from_bytes(bytes);
        for put in [vec![late], vec![forged.clone()], vec![foreign.clone()], vec![forged, foreign]] {
            let found = bench.find(Edit::Insert(record, put.clone()), record, record + put.len());
            assert!(found.iter().all(|finding| finding.damage == Damage::Inserted), "{record}: {found:?}");
            let named: u64 = found.iter().map(|finding| finding.records).sum();
            assert_eq!((found[0].record, named), (record as u64, put.len() as u64), "{found:?}");
        }
    }
    // Thousands of them, which claim to be the next, the ones after, and far ones: the whole ones behind are still read.
    let many: Vec<SealedEntry> = (0..3000u64)
        .map(|at| {
            let mut bytes = [0; SealedEntry::LEN];
            rng.fill_bytes(&mut bytes);
            let claim = match at % 3 {
                0 => bench.number(100) + at,
                1 => bench.number(100) + (at << 12),
                _ => u64::from(rng.next_u32()) << 10,
            };
            bytes[..8].copy_from_slice(&claim.to_le_bytes());
            SealedEntry::from_bytes(bytes)
        })
        .collect();
    let found = bench.find(Edit::Insert(100, many), 100, 3100);
    assert!(
        found.iter().all(|finding| (100..3100).contains(&finding.record) && finding.damage != Damage::Missing),
        "{found:?}"
    );
    assert_eq!(found.iter().map(|finding| finding.records).sum::<u64>(), 3000);
}

/// Another node's log, or a chain made from nothing: said in one finding.
#[test]
fn another_log() {
    let (mut shop, mut other) = (Shop::new(0), Shop::new(0));
    shop.make(200);
    other.make(200);
    let stranger = symbolon::AuditKey::read_secret(&{
        let mut secret = *shop.audit.write_secret();
        secret[10] ^= 1;
        secret
    });
    let other_log = other.entries();
    let report = report(&stranger.unwrap(), &other_log, &[]);
    let damages: Vec<_> = report.findings.iter().map(|finding| finding.damage).collect();
    assert_eq!(damages, [Damage::OtherTrail]);
    assert_eq!((report.entries, report.findings[0].records), (0, other_log.len() as u64));
    assert!(report.memory.is_none());
}

/// An old copy put back, and one that is written on: the auditor's memory, a checkpoint, and another node's witness say so, each alone.
#[test]
fn an_old_copy_put_back() {
    let mut shop = Shop::new(1);
    shop.make(200);
    let old = shop.entries();
    let old_store = shop.host.environment().store.clone();
    let early = shop.checkpoint();
    shop.make(300);
    let (whole, late) = (shop.entries(), shop.checkpoint());
    let memory = report(&shop.audit, &whole, &[]).memory.unwrap();
    assert_eq!(memory.next(), late.next());
    // The old copy is whole in itself, and confirms what was said then.
    assert!(report(&shop.audit, &old, &[(early, Source::Memory)]).is_sound());
    // A checkpoint that says something else of a place where the log is whole.
    let mut bytes = late.to_bytes();
    bytes[51] ^= 1;
    let forged = Checkpoint::from_bytes(&bytes).unwrap();
    let said = report(&shop.audit, &whole, &[(late, Source::Memory), (forged, Source::Given("forged".into()))]);
    assert!(matches!(&said.findings[..], [finding] if finding.damage == Damage::Contradicted), "{:?}", said.findings);
    assert_eq!(said.confirmed.unwrap().1, Source::Memory);
    let mut witness = Shop::new(2);
    witness.make(50);
    witness.host.witness(witness.vault, &late).unwrap();
    witness.commit();
    let found = |log: &[SealedEntry], said: &[(Checkpoint, Source)]| {
        let found = report(&shop.audit, log, said).findings;
        found.iter().map(|finding| finding.damage).collect::<Vec<_>>()
    };
    assert_eq!(found(&old, &[(memory, Source::Memory)]), [Damage::Cut]);
    assert_eq!(found(&old, &[(late, Source::Given("mail".into()))]), [Damage::Cut]);
    let both = all_nodes(&[(&shop, old.clone()), (&witness, witness.entries())], &[]);
    let [finding] = &both.nodes[0].findings[..] else { panic!("{both:?}") };
    assert!(finding.damage == Damage::Cut && matches!(finding.checkpoint, Some((_, Source::Witness { node: 2, .. }))));
    assert!(both.nodes[1].is_sound());
    assert!(all_nodes(&[(&shop, whole.clone()), (&witness, witness.entries())], &[]).is_sound(), "the control");
    // Without the log that is spoken of.
    let alone = all_nodes(&[(&witness, witness.entries())], &[]);
    assert_eq!((alone.absent.len(), alone.absent[0].node, alone.absent[0].damage), (1, 1, Damage::LogMissing));

    // Written on: the vault went on with the old store, and the chain is whole.
    *shop.log.borrow_mut() = old.clone();
    *shop.host.environment() =
        auditing::Env { clock: shop.clock.clone(), rng: chacha20::ChaCha20Rng::seed_from_u64(6), store: old_store };
    shop.restart();
    shop.make(400);
    let rewritten = shop.entries();
    assert!(report(&shop.audit, &rewritten, &[(early, Source::Memory)]).is_sound(), "nothing in it says so");
    let said = report(&shop.audit, &rewritten, &[(memory, Source::Memory)]).findings;
    assert!(matches!(&said[..], [finding] if finding.damage == Damage::Contradicted), "{said:?}");
}

/// Several things at once: each is named.
#[test]
fn combinations() {
    let bench = Bench::new(400);
    let mut log = bench.log.clone();
    let mut altered = *log[350].as_bytes();
    altered[60] ^= 4;
    log[350] = SealedEntry::from_bytes(altered);
    log.swap(300, 301);
    log.insert(250, log[10].clone());
    log.drain(100..120);
    log.drain(..3);
    log.truncate(log.len() - 5);
    let mut verifier = bench.forks[0].fork();
    let mut edited = Edited { base: &log, edit: Edit::Nothing };
    while verifier.next(&mut edited).unwrap().is_some() {}
    let found = verifier.findings();
    let of = |damage: Damage| found.iter().filter(|finding| finding.damage == damage).collect::<Vec<_>>();
    assert_eq!(of(Damage::Missing)[0].sequence, Some((0, bench.number(3) - 1)), "{found:?}");
    assert_eq!(of(Damage::Missing)[1].sequence, Some((bench.number(100), bench.number(120) - 1)), "{found:?}");
    assert_eq!((of(Damage::Duplicate)[0].record, of(Damage::Duplicate)[0].other), (227, Some(7)), "{found:?}");
    assert!(of(Damage::Moved).iter().any(|finding| [278, 279].contains(&finding.record)), "{found:?}");
    assert_eq!(of(Damage::Altered)[0].sequence, Some((bench.number(350), bench.number(350))), "{found:?}");
    assert_eq!(of(Damage::Cut).len(), 1);
    // Two in a row, of which one takes the other's proof with it.
    for kind in 0..2 {
        let mut log = bench.log.clone();
        for record in [50, 51] {
            let mut bytes = *log[record].as_bytes();
            bytes[if kind == 0 { 60 } else { 100 }] ^= 1;
            log[record] = SealedEntry::from_bytes(bytes);
        }
        let mut verifier = bench.forks[0].fork();
        let mut edited = Edited { base: &log, edit: Edit::Nothing };
        while verifier.next(&mut edited).unwrap().is_some() {}
        let found = verifier.findings();
        bench.located(&found, 50, 2, &kind);
        bench.located(&found, 51, 2, &kind);
    }
}

fn report(key: &symbolon::AuditKey, log: &[SealedEntry], said: &[(Checkpoint, Source)]) -> NodeReport {
    let mut log = Edited { base: log, edit: Edit::Nothing };
    let mut verifier = Verifier::new(key);
    for (checkpoint, source) in said {
        verifier.expect(*checkpoint, source.clone());
    }
    while verifier.next(&mut log).unwrap().is_some() {}
    verifier.report(&log, NOW)
}

fn all_nodes(nodes: &[(&Shop, Vec<SealedEntry>)], said: &[(Checkpoint, Source)]) -> Verification {
    let node = |(shop, log): &(&Shop, Vec<SealedEntry>)| NodeLog {
        key: symbolon::AuditKey::read_secret(&shop.audit.write_secret()).unwrap(),
        log: LogFile::new(std::io::Cursor::new(log.iter().flat_map(|e| *e.as_bytes()).collect::<Vec<u8>>())).unwrap(),
    };
    let mut logs: Vec<_> = nodes.iter().map(node).collect();
    assert!(logs.iter().zip(nodes).all(|(log, (_, entries))| log.log.count() == entries.len() as u64));
    verify(&mut logs, said, NOW, &mut |_| {}).unwrap()
}
