//! The alarm, the kill switch, canaries, scanner keys, and whose a refused token was: each with the attack that it is for.

mod common;

use common::{AUDIENCE, Fault, NOW, TestHost, TestRng, World, alice, bob, enter, keyring, trail};
use symbolon::{
    Access, Alarm, AuditKey, Cause, CheckedRng, Config, Error, Event, Field, Item, Kind, Limit, Limits, Principal,
    Reaction, Reason, Rights, ScannerKey, Session, SessionKey, Terms, Token, TokenBuf, Vault, reply_len,
};

/// A vault with these limits.
fn world(limits: Limits) -> World {
    World::with(keyring(), &Config { limits, ..Config::new(AUDIENCE) })
}

/// No limits but this one of persons' refusals.
fn refusals(limit: Limit) -> Limits {
    Limits { refusals: [limit, Limit::NONE, Limit::NONE], ..Limits::NONE }
}

/// Presents a token: what comes of it.
fn open(session: &Session<&Vault>, token: &TokenBuf, host: &mut TestHost) -> Result<(), Error> {
    let mut work = [0; Token::MAX_OPEN_LEN];
    session.detokenize(token.as_token().field(), &token.as_token(), &mut work, host).map(|_| ())
}

fn alarms(host: &mut TestHost) -> Vec<Alarm> {
    std::iter::from_fn(|| host.next_alarm()).collect()
}

fn last_reason(host: &mut TestHost, audit: &AuditKey) -> Reason {
    trail(host, audit).last().unwrap().entry.reason
}

fn causes(host: &mut TestHost) -> Vec<Cause> {
    alarms(host).iter().map(|alarm| alarm.cause).collect()
}

fn at(world: &World, millis: u64) {
    world.clock.set(Some(NOW.plus(millis)));
}

/// A page that was meant for another: its first refusals are usual, the next one raises the alarm, once, with who it was; and again only
/// after it was quiet.
#[test]
fn a_burst_of_refusals() {
    let mut world = world(refusals(Limit::new(3, 3)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    for count in 1..=8 {
        assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
        assert_eq!(open(&bob, &his, &mut world.host), Ok(()), "what is his opens all the while");
        let raised = alarms(&mut world.host);
        assert_eq!(raised.len(), usize::from(count == 4), "after {count} refusals");
        if let [alarm] = raised[..] {
            let caller = world.vault.owner_tag(bob.principal());
            let session = *bob.id().as_bytes().first_chunk().unwrap();
            let expected = Alarm {
                cause: Cause::Refusals,
                time: NOW,
                caller,
                kind: Some(Kind::Person),
                session,
                count: 1,
                reaction: Reaction::Record,
            };
            assert_eq!(alarm, expected);
        }
    }
    // Three a minute leak out: a minute later it is empty, and a burst is news again.
    at(&world, 60_000);
    let counts: Vec<usize> = (0..5)
        .map(|_| {
            assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
            alarms(&mut world.host).len()
        })
        .collect();
    assert_eq!(counts, [0, 0, 0, 1, 0]);
    let entries: Vec<_> = trail(&mut world.host, &world.audit)
        .into_iter()
        .filter(|recorded| recorded.entry.event == Event::Alarm)
        .collect();
    assert_eq!(entries.len(), 2, "both are in the trail, the second with the commit after it");
    let entry = &entries[0].entry;
    assert_eq!((entry.view, entry.count, entry.caller_kind), (Cause::Refusals.code(), 1, Kind::Person.code()));
    assert_eq!(entry.caller, world.vault.owner_tag(bob.principal()));
}

/// What is under the limit for ever never raises it, and one refusal more a minute does some day.
#[test]
fn what_is_usual_stays_quiet() {
    for (every, expected) in [(20_000, false), (15_000, true)] {
        let mut world = world(refusals(Limit::new(3, 3)));
        let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
        let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
        let mut raised = 0;
        for count in 0..40 {
            at(&world, count * every);
            assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
            raised += alarms(&mut world.host).len();
        }
        assert_eq!(raised > 0, expected, "one every {every} ms");
    }
}

/// Foreign tokens beyond the fourth of a request share an entry, and count for as many refusals as they are.
#[test]
fn foreign_tokens_count_one_by_one() {
    let limit = Limit::new(10, 0);
    for (limits, cause) in
        [(refusals(limit), Cause::Refusals), (Limits { all_refusals: limit, ..Limits::NONE }, Cause::AllRefusals)]
    {
        for (tokens, expected) in [(10, vec![]), (11, vec![cause])] {
            let mut world = world(limits);
            let other = Principal::person("shop 18", "alice").unwrap();
            let foreign = world.token(&other, Field::EMAIL, "alice@example.jp");
            let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
            let items = vec![Item::of(foreign.as_token()); tokens];
            let mut out = vec![0; reply_len(&items)];
            bob.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap();
            assert_eq!(causes(&mut world.host), expected, "{tokens}");
        }
    }
}

/// Many readers with one wrong token each: nobody's limit is reached, the one over all is. Another principal's refusals are not one's own.
#[test]
fn refusals_over_all() {
    let limit = Limit::new(5, 5);
    let mut world = world(Limits { all_refusals: limit, ..refusals(Limit::new(3, 3)) });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut raised = Vec::new();
    for reader in 0..8 {
        let reader = Principal::person("shop-17", format!("reader {reader}")).unwrap();
        let session = enter(&world.vault, &mut world.host, &mut world.rng, &reader, Rights::OWN);
        assert_eq!(open(&session, &hers, &mut world.host), Err(Error::Denied));
        raised.extend(alarms(&mut world.host).into_iter().map(|alarm| (alarm.cause, alarm.caller)));
    }
    assert_eq!(raised, [(Cause::AllRefusals, [0; 16])], "it is about nobody in particular");
}

/// Refusals that say nothing about whose it is don't count: a session that is over, a missing purpose.
#[test]
fn what_is_everybodys_does_not_count() {
    let mut world = world(Limits { all_refusals: Limit::new(0, 0), ..Limits::NONE });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let powerless = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::NONE);
    assert_eq!(open(&powerless, &hers, &mut world.host), Err(Error::Denied));
    world.vault.log_out(mine.id(), &mut world.host).unwrap();
    assert_eq!(open(&mine, &hers, &mut world.host), Err(Error::Denied));
    assert_eq!(causes(&mut world.host), []);
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
    assert_eq!(causes(&mut world.host), [Cause::AllRefusals], "the control");
}

/// Bulk opening meets its limit: what is over it is refused, of tokens that open and others, in every session of that principal and of nobody
/// else; and time makes room.
#[test]
fn bulk_opening_is_limited() {
    let openings = [Limit::new(10, 60), Limit::NONE, Limit::NONE];
    let mut world = world(Limits { openings, ..Limits::NONE });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let clock = world.clock.clone();
    let one = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let two = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    for count in 0..10 {
        assert_eq!(open(if count % 2 == 0 { &one } else { &two }, &hers, &mut world.host), Ok(()), "{count}");
    }
    assert_eq!(causes(&mut world.host), []);
    for (session, token) in [(&one, &hers), (&two, &hers), (&one, &his)] {
        assert_eq!(open(session, token, &mut world.host), Err(Error::Denied));
        assert_eq!(last_reason(&mut world.host, &world.audit), Reason::Limited);
    }
    assert_eq!(causes(&mut world.host), [Cause::ManyOpenings]);
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    assert_eq!(open(&bob, &his, &mut world.host), Ok(()));
    clock.set(Some(NOW.plus(999)));
    assert_eq!(open(&one, &hers, &mut world.host), Err(Error::Denied));
    clock.set(Some(NOW.plus(2_000)));
    assert_eq!(open(&one, &hers, &mut world.host), Ok(()), "one a second");
}

/// A reveal is limited item by item: those that fit open, the others are refused.
#[test]
fn a_reveal_is_limited_within() {
    let openings = [Limit::new(3, 1), Limit::NONE, Limit::NONE];
    let mut world = world(Limits { openings, ..Limits::NONE });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let alice = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let items = vec![Item::of(hers.as_token()); 5];
    let mut out = vec![0; symbolon::reply_len(&items)];
    let _reply = alice.reveal(&symbolon::Access::OWN, &items, &mut out, &mut world.host).unwrap();
    let reasons: Vec<Reason> = world
        .trail()
        .iter()
        .filter(|recorded| recorded.entry.event == Event::Reveal)
        .map(|recorded| recorded.entry.reason)
        .collect();
    assert_eq!(reasons, [Reason::Done, Reason::Done, Reason::Done, Reason::Limited, Reason::Limited]);
}

/// Somebody who walks through many records is told from somebody who opens the same ones again and again.
#[test]
fn many_different_tokens() {
    let staff = Principal::staff("shop-17", "clerk").unwrap();
    for (different, expected) in [(20, false), (400, true)] {
        let tokens_limit = [Limit::NONE, Limit::new(100, 0), Limit::NONE];
        let mut world = world(Limits { tokens: tokens_limit, ..Limits::NONE });
        let mut token = |n| world.token(&staff, Field::EMAIL, &format!("{n}@example.jp"));
        let tokens: Vec<TokenBuf> = (0..different).map(&mut token).collect();
        let clerk = enter(&world.vault, &mut world.host, &mut world.rng, &staff, Rights::OWN);
        let mut first = None;
        for count in 0..400 {
            assert_eq!(open(&clerk, &tokens[count % different], &mut world.host), Ok(()));
            if !alarms(&mut world.host).is_empty() {
                first.get_or_insert(count);
            }
            let all = world.host.environment().store.memory.clone();
            let last = symbolon::Store::last_entry(&all).unwrap().unwrap().sequence();
            symbolon::Store::acknowledge(&mut world.host.environment().store, last).unwrap();
        }
        assert_eq!(first.is_some(), expected, "{different} different ones");
        assert!(first.is_none_or(|first| (70..140).contains(&first)), "about the hundredth: {first:?}");
    }
}

/// An alarm that ends the session: the very next token of the same request is refused, and a new log-in is possible.
#[test]
fn an_alarm_ends_the_session() {
    let mut world = world(refusals(Limit::new(2, 1).then(Reaction::EndSession)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let who = bob();
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &who, Rights::OWN);
    let items = [&hers, &his, &hers, &hers, &his, &his].map(|token| Item::of(token.as_token()));
    let mut out = vec![0; symbolon::reply_len(&items)];
    let _reply = bob.reveal(&symbolon::Access::OWN, &items, &mut out, &mut world.host).unwrap();
    let reasons: Vec<Reason> =
        trail(&mut world.host, &world.audit).iter().rev().take(6).rev().map(|recorded| recorded.entry.reason).collect();
    use Reason::{DoesNotOpen, Done, LoggedOut};
    assert_eq!(reasons, [DoesNotOpen, Done, DoesNotOpen, DoesNotOpen, LoggedOut, LoggedOut]);
    assert_eq!(open(&bob, &his, &mut world.host), Err(Error::Denied));
    let again = enter(&world.vault, &mut world.host, &mut world.rng, &who, Rights::OWN);
    assert_eq!(open(&again, &his, &mut world.host), Ok(()));
    assert_eq!(alarms(&mut world.host)[0].reaction, Reaction::EndSession);
}

/// The kill switch: an alarm pulls it, a restart doesn't undo it, only the right role does; meanwhile nothing opens, is granted or erased.
#[test]
fn an_alarm_stops_everything() {
    let mut world = world(refusals(Limit::new(2, 1).then(Reaction::StopAll)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    assert_eq!(open(&mine, &hers, &mut world.host), Ok(()), "the control");
    for _ in 0..3 {
        assert!(!world.host.is_stopped());
        assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Denied));
    }
    assert!(world.host.is_stopped());
    assert_eq!(open(&mine, &hers, &mut world.host), Err(Error::Denied));
    assert_eq!(last_reason(&mut world.host, &world.audit), Reason::Stopped);
    let stops =
        trail(&mut world.host, &world.audit).iter().filter(|recorded| recorded.entry.event == Event::Stop).count();
    assert_eq!(stops, 1);

    world.restart(NOW.plus(30_000)).unwrap();
    assert!(world.host.is_stopped(), "after a restart, too");
    let vault = &world.vault;
    let operator = Principal::staff("shop-17", "operator").unwrap();
    let clerk = enter(vault, &mut world.host, &mut world.rng, &operator, Rights::OWN.and(Rights::MAINTAIN));
    let held = clerk.erase_held(&alice(), &mut world.host).unwrap();
    assert_eq!(world.host.settle(vault, held), Err(Error::Denied));
    let held = clerk.release_held(&mut world.host).unwrap();
    assert_eq!(world.host.settle(vault, held), Err(Error::Denied), "without the right");
    assert!(world.host.is_stopped());
    let operator = enter(vault, &mut world.host, &mut world.rng, &operator, Rights::OPERATE);
    let held = operator.release_held(&mut world.host).unwrap();
    world.host.settle(vault, held).unwrap();
    let mine = enter(vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    assert_eq!(open(&mine, &hers, &mut world.host), Ok(()));
    // And by hand.
    let held = operator.stop_held(&mut world.host).unwrap();
    world.host.settle(vault, held).unwrap();
    assert_eq!(open(&mine, &hers, &mut world.host), Err(Error::Denied));
    world.restart(NOW.plus(40_000)).unwrap();
    assert!(world.host.is_stopped());
}

/// An alarm stops everything while the store is down: it holds at once, and is durable as soon as anything is.
#[test]
fn a_stop_waits_for_its_store() {
    let mut world = world(refusals(Limit::new(0, 0).then(Reaction::StopAll)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let commits = world.host.environment().store.commits.clone();
    commits.set(0);
    assert_eq!(open(&bob, &hers, &mut world.host), Err(Error::Unavailable));
    assert!(world.host.is_stopped());
    commits.set(usize::MAX);
    world.host.commit(&world.vault).unwrap();
    world.restart(NOW.plus(30_000)).unwrap();
    assert!(world.host.is_stopped());
}

/// A person can't have the right to operate, whatever an issuer writes.
#[test]
fn a_person_can_not_operate() {
    let mut world = world(Limits::NONE);
    let key = SessionKey::generate(&mut world.rng).unwrap();
    let issuer = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let terms = Terms { rights: Rights::OWN.and(Rights::OPERATE), ..Terms::default() };
    assert!(issuer.issue(&alice(), &key, &terms, NOW, &mut world.rng).is_err());
}

/// A canary like another token: of its form, for nobody, and loud, also under the name of whoever it pretends to be of, and in the hands of
/// its own maker.
#[test]
fn canaries() {
    let mut world = world(Limits::NONE);
    let mut rng = CheckedRng::new(TestRng(5));
    for (field, value) in [(Field::EMAIL, "alice@example.jp"), (Field::POSTAL_ADDRESS, "東京都千代田区1-1")] {
        for erasable in [false, true] {
            let hers = if erasable {
                let held = world.vault.erasable_sealer_held(&alice(), &mut world.host).unwrap();
                let sealer = world.host.settle(&world.vault, held).unwrap();
                let mut out = [0; Token::MAX_LEN];
                TokenBuf::new(&sealer.tokenize(field, value.as_bytes(), &mut out, &mut rng).unwrap())
            } else {
                world.token(&alice(), field, value)
            };
            let like = hers.as_token();
            let mut out = [0; Token::MAX_LEN];
            let canary = world.vault.canary("shop-17", &like, b"2026-11 newsletter", &mut out, &mut rng).unwrap();
            let form = |token: &Token<'_>| (token.field(), token.class(), token.epoch(), token.is_erasable());
            assert_eq!(form(&canary), form(&like));
            assert_eq!(canary.as_bytes().len(), like.as_bytes().len());
            assert!(world.vault.scanner_key("shop-17").unwrap().recognises(&canary));
            let mut work = [0; Token::MAX_OPEN_LEN];
            assert_eq!(world.vault.canary_export("shop-17", &canary, &mut work).unwrap(), b"2026-11 newsletter");
            assert_eq!(world.vault.canary_export("shop-18", &canary, &mut work), None);
            assert_eq!(world.vault.canary_export("shop-17", &like, &mut work), None);
            for who in [alice(), bob(), Principal::service("shop-17", "backup").unwrap()] {
                let session = enter(&world.vault, &mut world.host, &mut world.rng, &who, Rights::OWN);
                let refused = session.detokenize(field, &canary, &mut work, &mut world.host).unwrap_err();
                assert_eq!(refused, Error::Denied);
                assert_eq!(last_reason(&mut world.host, &world.audit), Reason::Canary);
                assert_eq!(causes(&mut world.host), [Cause::Canary]);
            }
        }
    }
    let like = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut out = [0; Token::MAX_LEN];
    for (name, ok) in [(&b"x"[..], true), (&[b'x'; 30], true), (&[b'x'; 31], false), (b"", false), (b"a\0b", false)] {
        assert_eq!(world.vault.canary("shop-17", &like.as_token(), name, &mut out, &mut rng).is_ok(), ok, "{name:?}");
    }
}

/// Canaries are refused under a limit, in a stopped vault and without the right, and are told all the same.
#[test]
fn a_canary_is_told_whatever_else_is_wrong() {
    let openings = [Limit::new(0, 0); 3];
    let mut world = world(Limits { openings, ..Limits::NONE });
    let like = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut out = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(TestRng(5));
    let canary = world.vault.canary("shop-17", &like.as_token(), b"x", &mut out, &mut rng).unwrap();
    let canary = TokenBuf::new(&canary);
    let powerless = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::NONE);
    assert_eq!(open(&powerless, &canary, &mut world.host), Err(Error::Denied));
    assert_eq!(last_reason(&mut world.host, &world.audit), Reason::Canary);
}

/// A flood of alarms of one caller is one that counts them, and drives nothing else out of the queue; other callers' are others.
#[test]
fn a_flood_of_alarms_is_counted() {
    let mut world = world(refusals(Limit::new(3, 3)));
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut out = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(TestRng(5));
    let canary = TokenBuf::new(&world.vault.canary("shop-17", &hers.as_token(), b"x", &mut out, &mut rng).unwrap());
    let bob = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    let alice = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let items: Vec<Item<'_>> =
        (0..20).map(|_| Item::of(canary.as_token())).chain([Item::of(hers.as_token())]).collect();
    let mut out = vec![0; symbolon::reply_len(&items)];
    let _reply = bob.reveal(&symbolon::Access::OWN, &items, &mut out, &mut world.host).unwrap();
    assert_eq!(open(&alice, &canary, &mut world.host), Err(Error::Denied));
    let raised = alarms(&mut world.host);
    let told: Vec<_> = raised.iter().map(|alarm| (alarm.cause, alarm.count)).collect();
    assert_eq!(told, [(Cause::Canary, 20), (Cause::Refusals, 1), (Cause::Canary, 21)]);
    assert_ne!(raised[0].caller, raised[2].caller);
    assert_eq!(open(&bob, &canary, &mut world.host), Err(Error::Denied));
    assert_eq!(alarms(&mut world.host)[0].count, 22);
}

/// A stuck generator, a clock that goes back, a full trail, and forged log-ins.
#[test]
fn what_is_wrong_with_the_machine() {
    let mut world = world(Limits { log_ins: Limit::new(2, 1), ..Limits::NONE });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut client = world.log_in(&alice());
    client.key = SessionKey::generate(&mut world.rng).unwrap();
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    // A constant can be seen at its second time only.
    for (fault, seen_at) in [(Fault::Error, 0), (Fault::Constant(7), 1)] {
        world.fault.set(fault);
        let mut out = [0; Token::MAX_LEN];
        for turn in 0..3 {
            let _first_may_pass = world.vault.tokenize(&alice(), Field::EMAIL, b"a@b.jp", &mut out, &mut world.host);
            let expected: &[Cause] = if turn == seen_at { &[Cause::RandomNumbers] } else { &[] };
            assert_eq!(causes(&mut world.host), expected, "once for {fault:?}, at turn {turn}");
        }
        world.fault.set(Fault::None);
        assert!(world.vault.tokenize(&alice(), Field::EMAIL, b"a@b.jp", &mut out, &mut world.host).is_ok());
    }
    world.clock.set(Some(NOW.minus(5_000)));
    for _ in 0..2 {
        assert_eq!(open(&mine, &hers, &mut world.host), Err(Error::Unavailable));
    }
    assert_eq!(causes(&mut world.host), [Cause::ClockBack]);
    world.clock.set(Some(NOW));
    for _ in 0..4 {
        let proof = client.key.prove(&client.credential, common::CONTEXT, NOW, &mut world.rng).unwrap();
        let refused = world.vault.authenticate(&client.credential, &proof, common::CONTEXT, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Denied);
    }
    assert_eq!(causes(&mut world.host), [Cause::LogIns]);
    // No room to stage is the host's matter, and no alarm while the store has room.
    let request = mine.request(&Access::OWN, 64, &mut world.host);
    assert_eq!(request.err(), Some(Error::Unavailable), "more than can be staged");
    assert_eq!(causes(&mut world.host), []);
    while open(&mine, &hers, &mut world.host).is_ok() {}
    assert_eq!(causes(&mut world.host), [Cause::TrailFull], "the first time");
    for _ in 0..4 {
        assert_eq!(open(&mine, &hers, &mut world.host), Err(Error::Unavailable));
    }
    assert_eq!(causes(&mut world.host), [], "and once");
    symbolon::Store::acknowledge(&mut world.host.environment().store, u64::MAX).unwrap();
    assert_eq!(open(&mine, &hers, &mut world.host), Ok(()));
    let last = world.host.environment().store.memory.clone();
    let mut kept = 0;
    symbolon::Store::entries(&last, &mut |_| {
        kept += 1;
        true
    })
    .unwrap();
    assert_eq!(kept, 2, "how many calls were not recorded, and the one that was");
}

/// A scanner key knows its own tenant's tokens of every epoch, and its secret form survives; no other form is read.
#[test]
fn scanner_keys() {
    let mut keyring = keyring();
    keyring.add_epoch(&mut TestRng(6)).unwrap();
    let old = world(Limits::NONE).token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut world = World::with(keyring, &Config { token_floor: 2, ..Config::new(AUDIENCE) });
    let new = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let key = world.vault.scanner_key("shop-17").unwrap();
    let other = world.vault.scanner_key("shop-18").unwrap();
    let mut secret = [0; ScannerKey::MAX_LEN];
    let len = key.write_secret(&mut secret).unwrap();
    let secret = &secret[..len];
    assert_eq!(len, 1 + 1 + 7 + 1 + 2 * 34);
    let read = ScannerKey::read_secret(secret).unwrap();
    assert_eq!((read.tenant(), key.tenant()), (&b"shop-17"[..], &b"shop-17"[..]));
    for token in [&old, &new] {
        assert!(key.recognises(&token.as_token()) && read.recognises(&token.as_token()));
        assert!(!other.recognises(&token.as_token()));
    }
    let mut bytes = new.as_token().as_bytes().to_vec();
    bytes[6] ^= 1;
    assert!(!key.recognises(&Token::from_bytes(&bytes).unwrap()), "another mark");
    for cut in 0..len {
        assert_eq!(ScannerKey::read_secret(&secret[..cut]).unwrap_err(), Error::Malformed);
    }
    let mut swapped = secret.to_vec();
    swapped[10..].rotate_left(34);
    for bad in [[secret, &[0]].concat(), swapped, [&[2], &secret[1..]].concat(), [&secret[..9], &[0]].concat()] {
        assert_eq!(ScannerKey::read_secret(&bad).unwrap_err(), Error::Malformed);
    }
    assert!(!format!("{key:?}").contains("shop"), "{key:?}");
    assert_eq!(key.write_secret(&mut [0; 20]).unwrap_err(), Error::BufferTooSmall);
}

/// The longest scanner key there is has exactly the length that is promised.
#[test]
fn the_longest_scanner_key() {
    let mut ring = keyring();
    for seed in 0..7 {
        ring.add_epoch(&mut TestRng(1000 + seed)).unwrap();
    }
    let vault = Vault::new(ring, &Config::new(AUDIENCE)).unwrap();
    let key = vault.scanner_key([b'x'; 64]).unwrap();
    let mut secret = [0; ScannerKey::MAX_LEN];
    assert_eq!(key.write_secret(&mut secret), Ok(ScannerKey::MAX_LEN));
    assert_eq!(ScannerKey::read_secret(&secret).unwrap().tenant(), [b'x'; 64]);
}

/// Who opens different tokens slowly is usual for ever.
#[test]
fn different_tokens_in_time() {
    let mut world = world(Limits { tokens: [Limit::new(5, 60), Limit::NONE, Limit::NONE], ..Limits::NONE });
    let mut token = |n| world.token(&alice(), Field::EMAIL, &format!("{n}@example.jp"));
    let tokens: Vec<TokenBuf> = (0..30).map(&mut token).collect();
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    for (second, token) in (0..).zip(&tokens) {
        world.clock.set(Some(NOW.plus(second * 1500)));
        assert_eq!(open(&mine, token, &mut world.host), Ok(()));
        assert_eq!(causes(&mut world.host), [], "{second}");
    }
}

/// Whose a refused token was: hers alone, of each kind of token, across a rotation; until the owner's secret is gone, for those that took it.
#[test]
fn whose_a_refused_token_was() {
    let mut world = world(Limits::NONE);
    let plain = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let held = world.vault.erasable_sealer_held(&alice(), &mut world.host).unwrap();
    let sealer = world.host.settle(&world.vault, held).unwrap();
    let mut out = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(TestRng(5));
    let erasable = TokenBuf::new(&sealer.tokenize(Field::PHONE, b"090-1234-5678", &mut out, &mut rng).unwrap());
    let his = world.token(&bob(), Field::EMAIL, "bob@example.jp");
    let session = enter(&world.vault, &mut world.host, &mut world.rng, &bob(), Rights::OWN);
    for token in [&plain, &erasable, &his] {
        let _ = open(&session, token, &mut world.host);
    }
    let entries: Vec<_> = trail(&mut world.host, &world.audit).into_iter().map(|recorded| recorded.entry).collect();
    let about = |world: &mut World, who: &Principal| {
        let store = world.host.environment().store.clone();
        let whose = world.vault.attribution(who, &store).unwrap();
        let opened = entries.iter().filter(|entry| whose.was_opened(entry)).count();
        let refused: Vec<u16> =
            entries.iter().filter(|entry| whose.was_refused(entry)).map(|entry| entry.field).collect();
        (opened, refused)
    };
    let (email, phone) = (Field::EMAIL.code(), Field::PHONE.code());
    assert_eq!(about(&mut world, &alice()), (0, vec![email, phone]));
    assert_eq!(about(&mut world, &bob()), (1, vec![]));
    assert_eq!(about(&mut world, &Principal::person("shop-18", "alice").unwrap()), (0, vec![]));
    assert_eq!(about(&mut world, &Principal::staff("shop-17", "alice").unwrap()), (0, vec![]));
    let mine = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let held = mine.erase_held(&alice(), &mut world.host).unwrap();
    world.host.settle(&world.vault, held).unwrap();
    assert_eq!(about(&mut world, &alice()), (0, vec![email]), "what the lost secret would tell is lost with it");
}
