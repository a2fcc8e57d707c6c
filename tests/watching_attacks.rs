//! Ways around the alarm, its limits and its reactions, and ways to turn them against others. A hostile review found most of them.

mod common;

use common::{AUDIENCE, NOW, TestHost, TestRng, World, alice, bob, enter, keyring, still, trail};
use symbolon::{
    Access, Alarm, AuditKey, Cause, CheckedRng, Config, Environment, Error, Event, Field, GrantTerms, Host, Index,
    Item, Limit, Limits, MemoryStore, Parts, Principal, Purpose, Reaction, Reason, Rights, Session, Store, Token,
    TokenBuf, Vault, View, reply_len,
};

fn world(limits: Limits) -> World {
    World::with(keyring(), &Config { limits, ..Config::new(AUDIENCE) })
}

fn refusals(limit: Limit) -> Limits {
    Limits { refusals: [limit, Limit::NONE, Limit::NONE], ..Limits::NONE }
}

fn open(session: &Session<&Vault>, token: &TokenBuf, host: &mut TestHost) -> Result<(), Error> {
    let mut work = [0; Token::MAX_OPEN_LEN];
    session.detokenize(token.as_token().field(), &token.as_token(), &mut work, host).map(|_| ())
}

fn alarms(host: &mut TestHost) -> Vec<Alarm> {
    std::iter::from_fn(|| host.next_alarm()).collect()
}

fn drain(host: &mut TestHost) {
    host.environment().store.acknowledge(u64::MAX).unwrap();
}

/// A stop whose entry finds no room: its row is stored all the same, and a restart doesn't undo it; the start says so.
#[test]
fn a_stop_outlives_a_full_trail() {
    let mut world = world(refusals(Limit::new(0, 0).then(Reaction::StopAll)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    while world.host.environment().store.memory.room() > 1 {
        open(&mine, &hers, &mut world.host).unwrap();
    }
    assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
    assert!(world.host.is_stopped());
    drain(&mut world.host);
    world.restart(NOW.plus(30_000)).unwrap();
    assert!(world.host.is_stopped());
    let store = world.host.environment().store.clone();
    assert_eq!(store.room(), 255, "one entry");
}

/// An alarm whose log-out finds no place in the registry: the answer is the same as ever, and the session is over; also after more of them than are
/// kept in mind, for then everything is stopped.
#[test]
fn a_full_registry_saves_no_session() {
    let limit = Limit::new(0, 0).then(Reaction::EndSession);
    let mut world = world(Limits { all_refusals: Limit::NONE, ..refusals(limit) });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let mut sessions = Vec::new();
    for _ in 0..9 {
        sessions.push(enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN));
    }
    let mut others = 0;
    while world.vault.log_out(symbolon::SessionId::from_bytes([others; 16]), &mut world.host).is_ok() {
        others += 1;
    }
    assert!(others > 10);
    for (ended, session) in sessions.iter().enumerate() {
        assert_eq!(open(session, &his, &mut world.host), Ok(()), "the control");
        assert_eq!(open(session, &hers, &mut world.host), Err(Error::Denied));
        assert_eq!(open(session, &his, &mut world.host), Err(Error::Denied));
        assert_eq!(world.host.is_stopped(), ended == 8, "{ended}");
    }
}

/// The reaction comes each time, not with the first alarm only: another session of the same principal is ended as well.
#[test]
fn the_second_session_is_ended_too() {
    let mut world = world(refusals(Limit::new(2, 1).then(Reaction::EndSession)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut attempts = Vec::new();
    for _ in 0..3 {
        let session = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
        let mut count = 0;
        while trail(&mut world.host, &world.audit).last().unwrap().entry.reason != Reason::LoggedOut {
            assert_eq!(open(&session, &hers, &mut world.host), Err(Error::Denied));
            count += 1;
        }
        attempts.push(count);
    }
    assert_eq!(attempts, [4, 2, 2], "the last of each is refused as logged out");
}

/// What goes on after a stop is counted anew: one mistake doesn't stop it again, and a burst does.
#[test]
fn a_release_begins_anew() {
    let mut world = world(refusals(Limit::new(2, 1).then(Reaction::StopAll)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let operator = Principal::staff("shop-17", "operator").unwrap();
    let operator = enter(&world.vault, &mut world.host, &mut world.rng, &operator, Rights::OPERATE);
    for _ in 0..2 {
        for count in 0..3 {
            assert!(!world.host.is_stopped(), "{count}");
            assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
        }
        assert!(world.host.is_stopped());
        let held = operator.release_held(&mut world.host).unwrap();
        world.host.settle(&world.vault, held).unwrap();
    }
}

/// One account that makes noise all the time doesn't drown what happens to others: it is told once a minute, and counts over all only up to
/// its own limit.
#[test]
fn noise_drowns_nobody() {
    let mut world = world(Limits::USUAL);
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let noisy = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let mut told = Vec::new();
    for second in 0..300 {
        world.clock.set(Some(NOW.plus(second * 1000)));
        assert_eq!(open(&noisy, &hers, &mut world.host), Err(Error::Denied));
        told.extend(alarms(&mut world.host).iter().map(|alarm| alarm.cause));
        drain(&mut world.host);
    }
    assert_eq!(told, [Cause::Refusals; 5], "once a minute, and none over all");
    let mut all = 0;
    for reader in 0..40 {
        let reader = Principal::person("shop-17", format!("reader {reader}")).unwrap();
        let session = enter(&world.vault, &mut world.host, &mut world.rng, &reader, Rights::OWN);
        assert_eq!(open(&session, &hers, &mut world.host), Err(Error::Denied));
        all += alarms(&mut world.host).iter().filter(|alarm| alarm.cause == Cause::AllRefusals).count();
        drain(&mut world.host);
    }
    assert_eq!(all, 1);
}

/// Only the operators' tenant stops and releases, where there is one; and never a session that is over.
#[test]
fn whose_operators() {
    let config = Config { operators: Some(b"operations"), limits: Limits::NONE, ..Config::new(AUDIENCE) };
    let mut world = World::with(keyring(), &config);
    let here = Principal::staff("operations", "operator").unwrap();
    let elsewhere = Principal::staff("shop-99", "operator").unwrap();
    for (who, logged_out, expected) in
        [(&elsewhere, false, Err(Reason::OtherTenant)), (&here, true, Err(Reason::LoggedOut)), (&here, false, Ok(()))]
    {
        let session = enter(&world.vault, &mut world.host, &mut world.rng, who, Rights::OPERATE);
        if logged_out {
            world.vault.log_out(session.id(), &mut world.host).unwrap();
        }
        let held = session.stop_held(&mut world.host).unwrap();
        let outcome = world.host.settle(&world.vault, held);
        let reason = trail(&mut world.host, &world.audit).last().unwrap().entry.reason;
        assert_eq!(outcome.is_ok(), expected.is_ok());
        assert_eq!(reason, expected.err().unwrap_or(Reason::Done));
        assert_eq!(world.host.is_stopped(), expected.is_ok());
    }
    assert!(Vault::new(keyring(), &Config { operators: Some(b""), ..config }).is_err());
}

/// Who asks again and again while limited gets as much as who waits, and no less.
#[test]
fn asking_while_limited_costs_nothing() {
    let openings = [Limit::new(10, 60), Limit::NONE, Limit::NONE];
    let mut world = world(Limits { openings, ..Limits::NONE });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let mut opened = 0;
    for count in 0..1000 {
        world.clock.set(Some(NOW.plus(count * 700)));
        opened += usize::from(open(&mine, &hers, &mut world.host).is_ok());
        drain(&mut world.host);
    }
    assert!((690..=711).contains(&opened), "{opened} in 700 s, of 10 at once and one a second");
}

/// Logging in and out, by oneself and by others, makes nobody's openings forgotten; and a limit of none is none from the first on.
#[test]
fn debts_are_not_forgotten() {
    for (burst, rounds) in [(5, 20), (0, 3)] {
        let openings = [Limit::new(burst, 0), Limit::NONE, Limit::NONE];
        let mut world = world(Limits { openings, ..Limits::NONE });
        let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
        let mut opened = 0;
        for round in 0..rounds {
            let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
            opened += (0..10).filter(|_| open(&mine, &hers, &mut world.host).is_ok()).count();
            for other in 0..30 {
                let other = Principal::person("shop-17", format!("{round} {other}")).unwrap();
                let _session = enter(&world.vault, &mut world.host, &mut world.rng, &other, Rights::OWN);
                drain(&mut world.host);
            }
        }
        assert_eq!(opened, usize::try_from(burst).unwrap());
    }
}

/// Look-ups are openings, too: who may look up can't walk through everything.
#[test]
fn look_ups_are_limited() {
    let openings = [Limit::NONE, Limit::new(5, 0), Limit::NONE];
    let mut world = world(Limits { openings, ..Limits::NONE });
    let clerk = Principal::staff("shop-17", "clerk").unwrap();
    let clerk = enter(&world.vault, &mut world.host, &mut world.rng, &clerk, Rights::LOOKUP);
    let index = Index { field: Field::EMAIL, name: b"e-mail", version: 1 };
    let mut found = 0;
    for n in 0..8 {
        let held = clerk.look_up_held(&index, format!("{n}@example.jp").as_bytes(), &mut world.host).unwrap();
        found += usize::from(world.host.settle(&world.vault, held).is_ok());
    }
    assert_eq!(found, 5);
    assert_eq!(trail(&mut world.host, &world.audit).last().unwrap().entry.reason, Reason::Limited);
    assert_eq!(alarms(&mut world.host).iter().map(|alarm| alarm.cause).collect::<Vec<_>>(), [Cause::ManyOpenings]);
}

/// Rewrapping shows nothing and isn't limited: a rotation must not end at a limit for those who see values.
#[test]
fn resealing_is_not_limited() {
    let mut ring = keyring();
    let old = world(Limits::NONE).token(&alice(), Field::EMAIL, "alice@example.jp");
    ring.add_epoch(&mut TestRng(8)).unwrap();
    let limits = Limits { openings: [Limit::new(0, 0); 3], ..Limits::NONE };
    let mut world = World::with(ring, &Config { limits, ..Config::new(AUDIENCE) });
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let mut out = [0; Token::MAX_LEN];
    let mut request = mine.request(&Access::OWN, 1, &mut world.host).unwrap();
    let held = request.rewrap_held(&Item::of(old.as_token()), &mut out, &mut world.host).unwrap();
    assert!(world.host.settle(&world.vault, held).is_ok());
    assert_eq!(open(&mine, &old, &mut world.host), Err(Error::Denied), "the control");
}

/// What an alarm does to its own caller's time and to the next one's: one commit each, where the host commits after it asked.
#[test]
fn an_alarm_costs_nobody_a_commit() {
    let mut world = world(refusals(Limit::new(0, 0)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let commits = world.host.environment().store.commits.clone();
    let mut taken = Vec::new();
    for session in [&bob, &mine, &mine] {
        let before = commits.get();
        let _ = open(session, &hers, &mut world.host);
        taken.push(before - commits.get());
        while world.host.next_alarm().is_some() {}
        world.host.commit(&world.vault).unwrap();
    }
    assert_eq!(taken, [1, 1, 1]);
}

/// An operator who releases at once, before the alarm's own stop was committed: the trail has both.
#[test]
fn no_release_without_a_stop() {
    let mut world = world(refusals(Limit::new(0, 0).then(Reaction::StopAll)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let operator = Principal::staff("shop-17", "operator").unwrap();
    let operator = enter(&world.vault, &mut world.host, &mut world.rng, &operator, Rights::OPERATE);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let refused = bob.detokenize_held(&Access::OWN, &Item::of(hers.as_token()), &mut work, &mut world.host).unwrap();
    assert!(world.host.is_stopped());
    let held = operator.release_held(&mut world.host).unwrap();
    world.host.settle(&world.vault, held).unwrap();
    drop(refused);
    let events: Vec<Event> =
        trail(&mut world.host, &world.audit).iter().rev().take(3).map(|recorded| recorded.entry.event).collect();
    assert_eq!(events, [Event::Release, Event::Stop, Event::Detokenize]);
    assert!(!world.host.is_stopped());
    world.restart(NOW.plus(30_000)).unwrap();
    assert!(!world.host.is_stopped());
}

/// A store as small as the largest request: a call that found no room doesn't take the next one's.
#[test]
fn what_was_not_recorded_takes_nobodys_room() {
    let vault = Vault::new(keyring(), &Config::new(AUDIENCE)).unwrap();
    let (mut host, _audit) = still::<5, 8, _>(&vault, MemoryStore::<5, 8>::new());
    let mut rng = TestRng(13);
    let mine = enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN);
    let mut out = [0; Token::MAX_LEN];
    let token =
        TokenBuf::new(&vault.tokenize(&alice(), Field::EMAIL, b"alice@example.jp", &mut out, &mut host).unwrap());
    let items = [Item::of(token.as_token()); 4];
    let mut reply = vec![0; reply_len(&items)];
    assert!(mine.reveal(&Access::OWN, &items, &mut reply, &mut host).is_err(), "it isn't drained");
    let mut revealed = 0;
    for _ in 0..10 {
        host.environment().store.acknowledge(u64::MAX).unwrap();
        revealed += usize::from(mine.reveal(&Access::OWN, &items, &mut reply, &mut host).is_ok());
    }
    assert_eq!(revealed, 10);
}

/// Two reactions at once are both done.
#[test]
fn both_reactions() {
    let limits = Limits { canary: Reaction::EndSession, ..refusals(Limit::new(0, 0).then(Reaction::StopAll)) };
    let mut world = world(limits);
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let mut out = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(TestRng(5));
    let canary = TokenBuf::new(&world.vault.canary("shop-17", &his.as_token(), b"x", &mut out, &mut rng).unwrap());
    let session = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let operator = Principal::staff("shop-17", "operator").unwrap();
    let operator = enter(&world.vault, &mut world.host, &mut world.rng, &operator, Rights::OPERATE);
    assert_eq!(open(&session, &canary, &mut world.host), Err(Error::Denied));
    assert!(world.host.is_stopped());
    let held = operator.release_held(&mut world.host).unwrap();
    world.host.settle(&world.vault, held).unwrap();
    assert_eq!(open(&session, &his, &mut world.host), Err(Error::Denied));
    assert_eq!(trail(&mut world.host, &world.audit).last().unwrap().entry.reason, Reason::LoggedOut);
}

/// A grant that is refused counts once, though it has three entries; and its scope says why, too.
#[test]
fn a_refused_grant_counts_once() {
    let staff = Principal::staff("shop-17", "authority").unwrap();
    let stranger = Principal::person("shop-99", "alice").unwrap();
    let grantee = Principal::service("shop-99", "carrier").unwrap();
    let mut world = world(Limits { refusals: [Limit::NONE, Limit::new(2, 0), Limit::NONE], ..Limits::NONE });
    let session = enter(&world.vault, &mut world.host, &mut world.rng, &staff, Rights::GRANT);
    let mut raised = Vec::new();
    for _ in 0..3 {
        let terms = GrantTerms {
            grantee: &grantee,
            fields: &[Field::EMAIL],
            purpose: Purpose::SHIPPING,
            view: View::Full,
            record: None,
            not_before: NOW,
            expires: NOW.plus(60_000),
            uses: None,
        };
        let held = session.grant_for_held(&stranger, &terms, "no reason", &mut world.host).unwrap();
        assert!(world.host.settle(&world.vault, held).is_err());
        raised.push(alarms(&mut world.host).len());
    }
    assert_eq!(raised, [0, 0, 1]);
    let entries = trail(&mut world.host, &world.audit);
    let reasons: Vec<_> = entries.iter().rev().take(3).map(|r| (r.entry.event, r.entry.reason)).collect();
    let events = [Event::GrantReason, Event::GrantScope, Event::Grant];
    assert_eq!(reasons, events.map(|event| (event, Reason::OtherTenant)));
}

/// A replay window that is full is nobody's forged log-in; a clock that is back is told once, also where the trail is full.
#[test]
fn alarms_that_are_none() {
    let limits = Limits { log_ins: Limit::new(0, 0).then(Reaction::StopAll), ..Limits::NONE };
    let vault = Vault::new(keyring(), &Config { limits, ..Config::new(AUDIENCE) }).unwrap();
    let mut store = MemoryStore::<64, 8>::new();
    let _audit = AuditKey::create(&vault, &mut store, &mut TestRng(21)).unwrap();
    let clock = std::rc::Rc::new(std::cell::Cell::new(NOW.minus(10_000)));
    let reading = clock.clone();
    let parts = Parts { clock: move || Some(reading.get()), rng: TestRng(22), store };
    let mut host: Host<_, 8, 4> = Host::open(&vault, parts).unwrap();
    clock.set(NOW);
    let mut rng = TestRng(23);
    let key = symbolon::SessionKey::generate(&mut rng).unwrap();
    let issuer = vault.issuer("shop-17", symbolon::Kind::Person, NOW.period()).unwrap();
    let credential = issuer.issue(&alice(), &key, &symbolon::Terms::default(), NOW, &mut rng).unwrap();
    let mut full = 0;
    for _ in 0..12 {
        let proof = key.prove(&credential, common::CONTEXT, NOW, &mut rng).unwrap();
        full += usize::from(vault.authenticate(&credential, &proof, common::CONTEXT, &mut host).is_err());
    }
    assert_eq!(full, 8);
    assert!(!host.is_stopped() && host.next_alarm().is_none());
    host.environment().rng();
    let session = symbolon::SessionId::from_bytes([1; 16]);
    while host.environment().store.room() > 0 {
        vault.log_out(session, &mut host).unwrap();
    }
    clock.set(NOW.minus(20_000));
    for _ in 0..5 {
        assert_eq!(vault.log_out(session, &mut host), Err(Error::Unavailable));
    }
    let causes: Vec<Cause> = std::iter::from_fn(|| host.next_alarm()).map(|alarm| alarm.cause).collect();
    assert_eq!(causes, [Cause::ClockBack]);
}

/// A canary is of the epoch of the token that it is to look like, and gives its name back below the floor, too.
#[test]
fn canaries_of_an_older_epoch() {
    let mut ring = keyring();
    let old = world(Limits::NONE).token(&alice(), Field::EMAIL, "alice@example.jp");
    ring.add_epoch(&mut TestRng(8)).unwrap();
    let vault = Vault::new(ring, &Config { token_floor: 2, ..Config::new(AUDIENCE) }).unwrap();
    let (mut out, mut rng) = ([0; Token::MAX_LEN], CheckedRng::new(TestRng(5)));
    let canary = vault.canary("shop-17", &old.as_token(), b"export", &mut out, &mut rng).unwrap();
    assert_eq!(canary.epoch(), 1);
    assert_eq!(vault.canary_export("shop-17", &canary, &mut [0; Token::MAX_OPEN_LEN]), Some(&b"export"[..]));
    let mut bytes = old.as_token().as_bytes().to_vec();
    bytes[4] = 9;
    let unknown = Token::from_bytes(&bytes).unwrap();
    let mut out = [0; Token::MAX_LEN];
    assert_eq!(vault.canary("shop-17", &unknown, b"x", &mut out, &mut rng).unwrap_err(), Error::InvalidKeyring);
}

/// A scanner key that doesn't fit leaves nothing behind; epochs that don't rise, or are 0, are no scanner key.
#[test]
fn scanner_keys_whole_or_not_at_all() {
    let vault = Vault::new(keyring(), &Config::new(AUDIENCE)).unwrap();
    let key = vault.scanner_key("shop-17").unwrap();
    let mut secret = [0; symbolon::ScannerKey::MAX_LEN];
    let len = key.write_secret(&mut secret).unwrap();
    for short in 0..len {
        let mut out = vec![0; short];
        assert_eq!(key.write_secret(&mut out), Err(Error::BufferTooSmall));
        assert!(out.iter().all(|byte| *byte == 0), "{short}");
    }
    let (head, epoch) = secret[..len].split_at(len - 34);
    let twice = [&head[..head.len() - 1], &[2], epoch, epoch].concat();
    let mut zero = secret[..len].to_vec();
    zero[len - 34] = 0;
    for bad in [twice, zero] {
        assert_eq!(symbolon::ScannerKey::read_secret(&bad).unwrap_err(), Error::Malformed);
    }
}

/// Attribution across a rotation, and that a refusal is no opening and an erasable token no other.
#[test]
fn attribution_is_exact() {
    let mut ring = keyring();
    let old = world(Limits::NONE).token(&alice(), Field::EMAIL, "alice@example.jp");
    ring.add_epoch(&mut TestRng(8)).unwrap();
    let mut world = World::with(ring, &Config { limits: Limits::NONE, ..Config::new(AUDIENCE) });
    let new = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    // Forged: the flag says erasable, and the commitment is a plain token's.
    let mut bytes = new.as_token().as_bytes().to_vec();
    bytes[1] |= 0x10;
    let forged = TokenBuf::new(&Token::from_bytes(&bytes).unwrap());
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    for token in [&old, &new, &forged] {
        assert!(open(&bob, token, &mut world.host).is_err());
    }
    assert!(open(&mine, &old, &mut world.host).is_ok());
    // Refused, with her tag where a commitment stands: only a log that was made up has that, and it is no opening.
    let entries: Vec<_> = trail(&mut world.host, &world.audit).into_iter().map(|recorded| recorded.entry).collect();
    let store = world.host.environment().store.clone();
    let whose = world.vault.attribution(&alice(), &store).unwrap();
    let refused = entries.iter().filter(|entry| whose.was_refused(entry)).count();
    assert_eq!((refused, entries.iter().filter(|entry| whose.was_opened(entry)).count()), (2, 1));
    let mut made_up = entries.last().unwrap().clone();
    assert!(whose.was_opened(&made_up));
    made_up.reason = Reason::DoesNotOpen;
    assert!(!whose.was_opened(&made_up));
}
