//! A whole appliance on the mock: the power goes at every byte of every operation of the protocol. It comes up again healthy, keeps what it
//! promised before, handed out nothing whose entry is not durable, and does the operation when it is asked once more.

mod common;

use std::collections::{BTreeSet, HashSet};

use common::{
    cases::{Answer, Case, ISSUERS_AND_AUDITORS, OFFICERS, PROVISIONING, SESSIONS, opens},
    client::{AUDITOR, Bench, ISSUER, OFFICER, RoleAct, WRONG},
    model::pieces_of,
    nor::Tear,
    town::Town,
};
use symbolon::{
    Record, RecordKey, SealedEntry, Store, Table,
    appliance::{Fault, OfficerAct, Role, RoleChannel, SessionAct},
};

/// Cuts these operations at every step, in so many ways that take turns: how often.
fn cut_all(cases: &[Case], ways: usize) -> usize {
    let town = Town::new();
    let cut = |case: &Case| {
        let cuts = cut_everywhere(case, &town, 0, ways);
        println!("{}: {cuts} cuts", case.name);
        cuts
    };
    cases.iter().map(cut).sum()
}

/// Cuts an operation at every step, behind so many log-ins that fill the log.
fn cut_everywhere(case: &Case, town: &Town, behind: usize, ways: usize) -> usize {
    let (mut bench, mut channel) = ready(case, town, behind);
    let before = bench.entries();
    town.line.borrow_mut().steps = 0;
    let answer = (case.run)(&mut bench, town, channel.as_mut());
    let steps = town.line.borrow().steps;
    let done = answer.unwrap_or_else(|fault| panic!("{}: {fault:?}", case.name));
    // What was answered is durable.
    let time = bench.time.get();
    let mut bench = Bench::power_on(&town.line, time, 4);
    assert!((case.effect)(&mut bench, town, Some(&done)), "{}: without a cut", case.name);

    let mut seen = BTreeSet::new();
    for (way, cut) in (0..ways).flat_map(|way| (0..steps).map(move |cut| (way, cut))) {
        let tear = Tear::ALL[(cut + way) % Tear::ALL.len()];
        let (mut bench, mut channel) = ready(case, town, behind);
        town.line.borrow_mut().cut_after(cut, tear);
        let answer = (case.run)(&mut bench, town, channel.as_mut());
        let what = format!("{}: cut {cut} of {steps}, {tear:?}", case.name);
        must_be_no_answer(case, &answer, &what);
        let mut bench = Bench::power_on(&town.line, time, 4);
        let is_new = seen.insert(content(&mut bench));
        must_keep_promises(case, town, &mut bench, &before, &what);
        // The rest is the same wherever the store holds the same.
        if is_new || cut % 8 == 0 {
            must_go_on(case, town, bench, &what);
        }
    }
    steps * ways
}

/// At the moment at which it begins, behind so many log-ins, and whoever is needed logged in.
fn ready(case: &Case, town: &Town, behind: usize) -> (Bench, Option<RoleChannel>) {
    let moment = (case.from)(town);
    town.line.borrow_mut().load(&moment.image);
    let mut bench = Bench::power_on(&town.line, moment.time, 3);
    for _ in 0..behind {
        bench.in_session(&town.bob, &SessionAct::Authenticate).unwrap();
    }
    let channel = case.role.map(|(role, key)| bench.log_in(role, key).unwrap());
    (bench, channel)
}

/// Where the flash fails, nothing is answered that must be on the record. The audit key is handed out without: a full trail doesn't keep the
/// auditor out, and a failing one looks the same.
fn must_be_no_answer(case: &Case, answer: &Answer, what: &str) {
    assert!(case.name == "audit key" || answer.is_err(), "{what}: answered");
}

/// It is healthy, what was on the record still is, no attempt came back or is lost, and values open.
fn must_keep_promises(case: &Case, town: &Town, bench: &mut Bench, before: &[SealedEntry], what: &str) {
    let status = bench.status();
    assert!(status.healthy && case.stages.contains(&status.stage), "{what}: {status:?}");
    if status.stage != 0 {
        assert_eq!(status.attempts, [8; 3], "{what}");
    }
    let entries = bench.entries();
    let first = entries.first().map_or(u64::MAX, SealedEntry::sequence);
    let kept: Vec<_> = before.iter().filter(|entry| entry.sequence() >= first).map(SealedEntry::as_bytes).collect();
    let acknowledged = kept.len() < before.len();
    assert!(!acknowledged || case.name == "acknowledge" || status.stage == 0, "{what}: entries are gone");
    assert!(entries.iter().map(SealedEntry::as_bytes).zip(&kept).all(|(is, was)| is == *was), "{what}");
    assert!(entries.len() >= kept.len(), "{what}: entries are gone");
    if case.stages[0] == 2 && status.stage == 2 && !acknowledged {
        let mut reader = town.reader.fork();
        entries.iter().for_each(|entry| assert!(reader.read(entry).is_ok(), "{what}: the trail is broken"));
    }
    if case.opens {
        assert!(opens(bench, &town.alice, &town.email), "{what}");
    }
}

/// It has happened, or happens when it is asked for once more; and then it has happened for good.
fn must_go_on(case: &Case, town: &Town, mut bench: Bench, what: &str) {
    let time = bench.time.get();
    let answer = match case.role.map(|(role, key)| bench.log_in(role, key)).transpose() {
        Ok(mut channel) => (case.run)(&mut bench, town, channel.as_mut()),
        Err(fault) => Err(fault),
    };
    if let Err(fault) = &answer {
        assert!(case.again.contains(fault), "{what}: asked once more: {fault:?}");
    }
    let mut bench = Bench::power_on(&town.line, time, 5);
    assert!((case.effect)(&mut bench, town, answer.ok().as_deref()), "{what}: asked once more");
}

/// All that the store holds under names that are known. What belongs to owners and sessions comes with an entry.
fn content(bench: &mut Bench) -> Vec<u8> {
    let mut all: Vec<u8> = bench.entries().iter().flat_map(|entry| *entry.as_bytes()).collect();
    let device = (1..7).flat_map(|kind| (0..4).map(move |index| (Table::Device, kind, index)));
    for (table, kind, index) in
        device.chain([(Table::TrailState, 0, 0), (Table::Stop, 0, 0), (Table::ClockFloor, 0, 0)])
    {
        let mut id = [0; 16];
        (id[0], id[1]) = (kind, index);
        let mut value = [0; Record::MAX_LEN];
        let len = bench.store().get(&RecordKey { table, id }, &mut value).unwrap();
        all.extend(len.map_or(0xff, |len| len as u8).to_le_bytes());
        all.extend(&value[..len.unwrap_or(0)]);
    }
    all
}

/// Initialising, making roots inside, taking roots from outside.
#[test]
fn provisioning() {
    let cuts = cut_all(&PROVISIONING, 2);
    println!("provisioning: {cuts} cuts");
    assert!(cuts > 5000, "{cuts}");
}

/// Backups, rotation, retirement, the lock, role keys, zeroising.
#[test]
fn acts_of_the_officer() {
    let cuts = cut_all(&OFFICERS, 2);
    println!("officer: {cuts} cuts");
    assert!(cuts > 6000, "{cuts}");
}

/// Credentials, the end of sessions, the audit key, the trail.
#[test]
fn acts_of_the_issuer_and_the_auditor() {
    let cuts = cut_all(&ISSUERS_AND_AUDITORS, 3);
    println!("issuer and auditor: {cuts} cuts");
    assert!(cuts > 2000, "{cuts}");
}

/// Sealing, opening, granting, erasing, stopping.
#[test]
fn acts_in_sessions() {
    let cuts = cut_all(&SESSIONS, 2);
    println!("sessions: {cuts} cuts");
    assert!(cuts > 11_000, "{cuts}");
}

/// Every operation in every way that a cut may leave the flash.
#[test]
#[ignore = "a minute: six ways where the other tests take two or three in turn"]
fn every_operation_in_every_way() {
    let all = [&PROVISIONING[..], &OFFICERS, &ISSUERS_AND_AUDITORS, &SESSIONS];
    let cuts: usize = all.iter().map(|cases| cut_all(cases, 6)).sum();
    println!("every operation: {cuts} cuts");
    assert!(cuts > 70_000, "{cuts}");
}

/// The same where the operation finds no room, and the store collects a sector first.
#[test]
fn acts_that_collect() {
    let town = Town::new();
    let mut cuts = 0;
    let names = ["rotate", "issue", "detokenize", "tokenize erasable", "use a grant", "erase"];
    let all = OFFICERS.iter().chain(&ISSUERS_AND_AUDITORS).chain(&SESSIONS);
    for case in all.filter(|case| names.contains(&case.name)) {
        let collects = |behind: &usize| {
            let (mut bench, mut channel) = ready(case, &town, *behind);
            let erases = || town.line.borrow().erases.iter().sum::<u32>();
            let before = erases();
            (case.run)(&mut bench, &town, channel.as_mut()).unwrap();
            erases() > before
        };
        let behind = (0..10).find(collects).expect("a sector is full by then");
        let of_case = cut_everywhere(case, &town, behind, 2);
        println!("{} with a collection: {of_case} cuts", case.name);
        cuts += of_case;
    }
    assert!(cuts > 2 * names.len() * 300, "{cuts}");
}

/// The power goes while the appliance starts, which goes on with the trail.
#[test]
fn starts() {
    let town = Town::new();
    let start = |time| Bench::try_power_on(&town.line, time, 3);
    let load = || town.line.borrow_mut().load(&town.working.image);
    load();
    town.line.borrow_mut().steps = 0;
    drop(start(town.working.time).expect("comes up"));
    let steps = town.line.borrow().steps;
    for (tear, cut) in Tear::ALL.iter().flat_map(|tear| (0..steps).map(move |cut| (*tear, cut))) {
        load();
        town.line.borrow_mut().cut_after(cut, tear);
        assert!(start(town.working.time).is_none(), "cut {cut}");
        let mut bench = Bench::power_on(&town.line, town.working.time, 4);
        let what = format!("start: cut {cut} of {steps}, {tear:?}");
        must_keep_promises(&OFFICERS[0], &town, &mut bench, &town.working.entries, &what);
    }
    println!("start: {} cuts", steps * 6);
    assert!(steps > 150);
}

/// What became of the attempts: no verdict on a key is given before the attempt that it took is durable, and none comes back but for the
/// right key.
fn is_counted(before: u8, right: bool, answer: Result<(), Fault>, after: u8) -> bool {
    let (counted, given_back) = (before - 1, right && after == 8);
    match answer {
        Ok(()) => given_back,
        Err(Fault::Denied) => after == counted && !right,
        Err(_) => after == before || after == counted || given_back,
    }
}

/// A log-in, right or wrong, is cut at every byte: the attempt is durable before there is a verdict, and a cut gives none back.
#[test]
fn a_cut_gives_no_attempt_back() {
    let town = Town::new();
    assert_eq!(town.guessed.attempts, [5; 3]);
    let mut cuts = 0;
    let keys = [(Role::Officer, OFFICER), (Role::Issuer, ISSUER), (Role::Auditor, AUDITOR)];
    for ((role, right_key), right) in keys.into_iter().flat_map(|key| [(key, true), (key, false)]) {
        let key = if right { right_key } else { WRONG };
        let at = usize::from(role.code());
        let begin = || {
            town.line.borrow_mut().load(&town.guessed.image);
            town.line.borrow_mut().steps = 0;
            Bench::power_on(&town.line, town.guessed.time, 3)
        };
        let mut bench = begin();
        let started = town.line.borrow().steps;
        assert_eq!(bench.log_in(role, key).is_ok(), right);
        let steps = town.line.borrow().steps - started;
        for tear in [Tear::Untouched, Tear::Noise, Tear::Zeroed] {
            let mut seen = Vec::new();
            for cut in 0..steps {
                let mut bench = begin();
                town.line.borrow_mut().cut_after(cut, tear);
                let answer = bench.log_in(role, key).map(|_channel| ());
                let after = Bench::power_on(&town.line, bench.time.get(), 4).status().attempts;
                assert!(
                    is_counted(5, right, answer, after[at]),
                    "{role:?}, cut {cut}, {tear:?}: {answer:?}, {after:?}"
                );
                assert!((0..3).all(|other| other == at || after[other] == 5), "another role's");
                seen.push(after[at]);
                cuts += 1;
            }
            seen.dedup();
            // Counted first, whatever the key; and given back, where it was the right one.
            assert_eq!(seen, if right { vec![5, 4, 8] } else { vec![5, 4] }, "{role:?}, {tear:?}");
        }
    }
    println!("log-ins: {cuts} cuts");
    assert!(cuts > 6 * 3 * 150, "{cuts}");
}

/// Zeroising, by the officer and by the button: once begun, it is finished, and no piece of what was kept is left.
#[test]
fn zeroising_is_finished() {
    let town = Town::new();
    let sector = town.line.borrow().sector;
    let kept: HashSet<[u8; 8]> =
        town.working.image.chunks(sector).flat_map(|sector| pieces_of(&sector[24..])).collect();
    assert!(town.working.image.len() > sector && kept.len() > 1000);
    let mut cuts = 0;
    for by_button in [false, true] {
        let begin = || {
            town.line.borrow_mut().load(&town.working.image);
            let mut bench = Bench::power_on(&town.line, town.working.time, 3);
            let channel = (!by_button).then(|| bench.log_in(Role::Officer, OFFICER).unwrap());
            (bench, channel)
        };
        let zeroise = |(mut bench, channel): (Bench, Option<RoleChannel>)| match channel {
            Some(mut channel) => bench.act(&mut channel, &RoleAct::Officer(OfficerAct::Zeroise)).map(|_| ()),
            None => bench.appliance.zeroise(),
        };
        let begun = begin();
        town.line.borrow_mut().steps = 0;
        zeroise(begun).unwrap();
        let steps = town.line.borrow().steps;
        assert_eq!(town.line.borrow().holds_any(&kept), None, "without a cut");
        for tear in Tear::ALL {
            let mut stages = Vec::new();
            for cut in 0..steps {
                let begun = begin();
                let time = begun.0.time.get();
                town.line.borrow_mut().cut_after(cut, tear);
                zeroise(begun).unwrap_err();
                let mut bench = Bench::power_on(&town.line, time, 4);
                stages.push(bench.status().stage);
                if bench.status().stage == 0 {
                    assert_eq!(town.line.borrow().holds_any(&kept), None, "cut {cut} of {steps}, {tear:?}");
                } else {
                    assert!(opens(&mut bench, &town.alice, &town.email), "all of it, or nothing");
                }
                cuts += 1;
            }
            stages.dedup();
            assert_eq!(stages, [2, 0], "{tear:?}");
        }
    }
    println!("zeroising: {cuts} cuts");
    assert!(cuts > 2500, "{cuts}");
}

/// Controls: what the checks above would not forgive.
#[test]
fn attempts_that_come_back_are_noticed() {
    assert!(!is_counted(5, false, Err(Fault::Denied), 5), "a verdict that cost nothing");
    assert!(!is_counted(5, false, Err(Fault::Unavailable), 6));
    assert!(!is_counted(5, false, Err(Fault::Unavailable), 8));
    assert!(!is_counted(5, true, Ok(()), 4));
}

/// A driver that says that bytes are programmed when they aren't yet: somewhere a promise is broken, and that is noticed.
#[test]
#[should_panic(expected = "detokenize: cut")]
fn a_lying_driver_is_noticed() {
    let town = Town::new();
    town.line.borrow_mut().lies = 400;
    let detokenize = SESSIONS.iter().find(|case| case.name == "detokenize").unwrap();
    cut_everywhere(detokenize, &town, 0, 1);
}

/// An entry that is gone is missed.
#[test]
#[should_panic(expected = "the control")]
fn a_lost_entry_is_noticed() {
    let town = Town::new();
    let (mut bench, _) = ready(&SESSIONS[0], &town, 0);
    let mut before = bench.entries();
    must_keep_promises(&SESSIONS[0], &town, &mut bench, &before, "as it is");
    before.push(before.last().unwrap().clone());
    must_keep_promises(&SESSIONS[0], &town, &mut bench, &before, "the control");
}
