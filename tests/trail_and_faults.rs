//! Promise 4 and its enemies: a full trail, a store that fails, a crash between commit and release, a restart, a broken generator.

mod common;

use common::{
    AUDIENCE, CONTEXT, Client, Env, Fault, NOW, TestRng, World, alice, bob, enter, forge, keyring, session, still,
};
use symbolon::{
    Access, AuditKey, CheckedRng, Config, Error, Event, Field, Host, Item, Keyring, MemoryStore, Reason, Rights,
    SealedEntry, SessionId, Store, Token, TokenBuf, Vault, reply_len,
};

fn setting() -> (World, Client, TokenBuf) {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    (world, client, token)
}

fn sealed_entries(world: &mut World) -> Vec<SealedEntry> {
    let mut all = Vec::new();
    let store = &world.host.environment().store.memory;
    store
        .entries(&mut |entry| {
            all.push(entry.clone());
            true
        })
        .unwrap();
    all
}

/// A full trail refuses to open and to refuse, draining it is never blocked and has two steps, and then it goes on.
#[test]
fn a_full_trail_opens_nothing_until_drained() {
    let (mut world, client, token) = setting();
    let foreign = world.token(&bob(), Field::EMAIL, "bob@example.com");
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let mut opened = 0;
    let full = loop {
        match session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host) {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((full, opened), (Error::Unavailable, 256 - 2), "capacity, less the start and the authentication");
    assert_eq!(work, [0; Token::MAX_OPEN_LEN]);
    let refused = session.detokenize(Field::EMAIL, &foreign.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);
    let proof = client.key.prove(&client.credential, CONTEXT, NOW, &mut world.rng).unwrap();
    let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);

    // Reading consumes nothing; acknowledging does.
    let first = {
        let mut n = 0;
        world
            .host
            .environment()
            .store
            .entries(&mut |_| {
                n += 1;
                true
            })
            .unwrap();
        n
    };
    assert_eq!(first, 256);
    world.host.environment().store.acknowledge(99).unwrap();
    // The first of the 100 says how many calls were answered *unavailable*.
    for _ in 0..99 {
        assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    }
    let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);
}

/// A batch reserves all its entries first: where they don't all fit, none of it is opened.
#[test]
fn a_batch_fits_whole_or_not_at_all() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let token = token.as_token();
    for (count, expected) in [(31, true), (32, false), (1000, false), (1025, false), (0, false)] {
        let items = vec![Item::of(token); count];
        let mut out = vec![0xaa; reply_len(&items)];
        let outcome =
            session.reveal(&Access::OWN, &items, &mut out, &mut world.host).map(|reply| reply.as_bytes().len());
        match outcome {
            Ok(len) => assert!(expected && len == reply_len(&items)),
            Err(error) => {
                assert!(!expected);
                assert_eq!(error, Error::TooLong);
            }
        }
    }
    let items = [Item::of(token)];
    let mut short = vec![0; reply_len(&items) - 1];
    assert_eq!(session.reveal(&Access::OWN, &items, &mut short, &mut world.host).unwrap_err(), Error::BufferTooSmall);
    let mut short = [0; 79];
    let refused = session.detokenize(Field::EMAIL, &token, &mut short, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::BufferTooSmall, "64 and 16 bytes are needed");
    let before = world.host.environment().store.memory.room();
    assert_eq!(before, 256 - 2 - 31, "what was refused for its size left no entry");
}

/// While the store is down nothing opens and nothing is refused; what was staged then is on the record when it is back.
#[test]
fn a_store_that_is_down() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut work = [0; Token::MAX_OPEN_LEN];
    world.down.set(true);
    let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);
    assert_eq!(work, [0; Token::MAX_OPEN_LEN]);
    let items = [Item::of(token.as_token())];
    let mut out = vec![0xaa; reply_len(&items)];
    assert_eq!(session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap_err(), Error::Unavailable);
    world.down.set(false);
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    drop(session);
    assert_eq!(world.trail().len(), 3, "start, authentication, and the opening");
}

/// A value is held until its own entry is durable: an earlier receipt, or another trail's, releases nothing.
#[test]
fn a_receipt_for_something_else() {
    let (mut world, client, token) = setting();
    let (mut other, ..) = setting();
    let before = world.last().sequence;
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let earlier = world.host.commit(&world.vault).unwrap();
    // The other trail is the longer one.
    for _ in 0..5 {
        let id = SessionId::from_bytes([0; 16]);
        other.vault.log_out(id, &mut other.host).unwrap();
    }
    let another = other.host.commit(&other.vault).unwrap();
    assert!(other.last().sequence > before + 4);
    for receipt in [earlier, another] {
        let mut work = [0; Token::MAX_OPEN_LEN];
        let held =
            session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
        assert!(!held.is_covered_by(&receipt));
        assert_eq!(held.release(&receipt).unwrap_err(), Error::Unavailable);
        assert_eq!(work, [0; Token::MAX_OPEN_LEN], "the value is gone");
    }
    let mut work = [0; Token::MAX_OPEN_LEN];
    let held = session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
    let receipt = world.host.commit(&world.vault).unwrap();
    assert_eq!(held.release(&receipt).unwrap().expose(), b"alice@example.com", "the control");
}

/// Whoever forgets a held value and looks into the buffer sees nothing of it; a held reply can't be opened even by its client.
#[test]
fn a_held_outcome_that_is_forgotten() {
    let (mut world, client, token) = setting();
    let proof = client.key.prove(&client.credential, CONTEXT, NOW, &mut world.rng).unwrap();
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    std::mem::forget(
        session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap(),
    );
    assert!(!contains(&work, b"alice"), "masked while it is held");
    let items = [Item::of(token.as_token())];
    let mut out = vec![0; reply_len(&items)];
    std::mem::forget(session.reveal_held(&Access::OWN, &items, &mut out, &mut world.host).unwrap());
    assert!(out.iter().any(|byte| *byte != 0) && !contains(&out, b"alice"));
    assert!(client.key.open_reply(&client.credential, Some(&proof), &items, &mut out).is_err());
    drop(session.reveal_held(&Access::OWN, &items, &mut out, &mut world.host).unwrap());
    assert!(out.iter().all(|byte| *byte == 0), "dropped without release: wiped");
    // A crash here: both are on the record, though nothing was shown.
    world.host.commit(&world.vault).unwrap();
    drop(session);
    let events: Vec<_> = world.trail().iter().map(|recorded| recorded.entry.event).collect();
    assert_eq!(events[2..], [Event::Detokenize, Event::Reveal, Event::Reveal]);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A host that commits elsewhere: one batch at a time, outcomes wait for theirs, a batch that failed is part of the next.
#[test]
fn batches_that_are_committed_elsewhere() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let (mut first_work, mut second_work) = ([0; Token::MAX_OPEN_LEN], [0; Token::MAX_OPEN_LEN]);
    let first =
        session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut first_work, &mut world.host).unwrap();
    let (batch, ticket) = world.host.batch(&world.vault).unwrap();
    assert_eq!(batch.entries().count(), 1);
    let second =
        session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut second_work, &mut world.host).unwrap();
    assert_eq!(world.host.batch(&world.vault).unwrap_err(), Error::Unavailable, "one at a time");
    assert_eq!(world.host.commit(&world.vault).unwrap_err(), Error::Unavailable);
    let receipt = world.host.committed(ticket).unwrap();
    assert!(first.is_covered_by(&receipt) && !second.is_covered_by(&receipt));
    assert_eq!(first.release(&receipt).unwrap().expose(), b"alice@example.com");

    let (batch, ticket) = world.host.batch(&world.vault).unwrap();
    assert_eq!(batch.entries().count(), 1);
    world.host.not_committed(ticket);
    let (batch, ticket) = world.host.batch(&world.vault).unwrap();
    assert_eq!(batch.entries().count(), 1, "it is part of the next");
    let receipt = world.host.committed(ticket).unwrap();
    assert_eq!(second.release(&receipt).unwrap().expose(), b"alice@example.com");
}

/// Many short lives: numbers rise over every restart, the gap is recorded, and no number is sealed twice with different contents.
#[test]
fn restarts_never_reuse_a_number() {
    let (mut world, client, token) = setting();
    let mut everything: std::collections::HashMap<u64, SealedEntry> = std::collections::HashMap::new();
    for life in 0..20_u64 {
        let at = NOW.plus(life * 10_000);
        world.restart(at).unwrap();
        let mut work = [0; Token::MAX_OPEN_LEN];
        world.clock.set(Some(at.plus(5_000)));
        let proof = client.key.prove(&client.credential, CONTEXT, at.plus(5_000), &mut world.rng).unwrap();
        let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
        for _ in 0..life % 7 {
            session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
        }
        // Staged and taken, perhaps half written, but the power goes before it is durable.
        let _lost =
            session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
        let (batch, _ticket) = world.host.batch(&world.vault).unwrap();
        let lost: Vec<_> = batch.entries().cloned().collect();
        drop(session);
        let kept = sealed_entries(&mut world);
        for entry in kept.into_iter().chain(lost) {
            let sequence = entry.sequence();
            if let Some(before) = everything.insert(sequence, entry.clone()) {
                assert_eq!(before, entry, "number {sequence} was sealed twice");
            }
        }
    }
    let trail = world.trail();
    let starts: Vec<_> = trail.iter().filter(|recorded| recorded.entry.event == Event::Started).collect();
    assert_eq!(starts.len(), 21);
    assert!(starts[1..].iter().all(|recorded| recorded.entry.count > 0), "each gap is counted");
    for pair in trail.windows(2) {
        let gap = pair[1].sequence - pair[0].sequence - 1;
        assert_eq!(gap, if pair[1].entry.event == Event::Started { u64::from(pair[1].entry.count) } else { 0 });
    }
}

/// The stored key moves ahead in time: a long life crosses many blocks.
#[test]
fn a_long_life_crosses_blocks() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut reader = world.audit.reader();
    let mut read = 0;
    for _ in 0..1000 {
        let mut work = [0; Token::MAX_OPEN_LEN];
        session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
        let store = &mut world.host.environment().store;
        let mut last = 0;
        store
            .entries(&mut |sealed| {
                last = reader.read(sealed).unwrap().sequence;
                read += 1;
                true
            })
            .unwrap();
        store.acknowledge(last).unwrap();
    }
    assert_eq!(read, 1002);
    drop(session);
    // It is kept a stride ahead, or two, and not further: what a restart skips is bounded.
    world.restart(NOW).unwrap();
    let store = &mut world.host.environment().store;
    let mut skipped = 0;
    let mut each = |sealed: &SealedEntry| {
        skipped = reader.read(sealed).unwrap().entry.count;
        true
    };
    store.entries(&mut each).unwrap();
    assert!((1..=2 * 128).contains(&skipped), "{skipped}");
}

/// Altered, swapped, left out, doubled, made up: the reader notices each, and the untouched trail is the control.
#[test]
fn a_trail_that_was_tampered_with() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    for _ in 0..6 {
        let mut work = [0; Token::MAX_OPEN_LEN];
        session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
    }
    drop(session);
    let entries = sealed_entries(&mut world);
    let reads = |entries: &[SealedEntry]| {
        let mut reader = world.audit.reader();
        entries.iter().all(|entry| reader.read(entry).is_ok())
    };
    assert!(reads(&entries), "the control");
    for (index, entry) in entries.iter().enumerate() {
        for at in 0..symbolon::SealedEntry::LEN {
            let mut altered = entries.clone();
            let mut bytes = *entry.as_bytes();
            bytes[at] ^= 1;
            altered[index] = SealedEntry::from_bytes(bytes);
            assert!(!reads(&altered), "byte {at} of entry {index}");
        }
        let mut without = entries.clone();
        without.remove(index);
        // The last one left out is a shorter trail: that needs a checkpoint to be seen, which comes with the audit work.
        assert_eq!(reads(&without), index == entries.len() - 1);
        let mut doubled = entries.clone();
        doubled.insert(index, entry.clone());
        assert!(!reads(&doubled));
        if index > 0 {
            let mut swapped = entries.clone();
            swapped.swap(index - 1, index);
            assert!(!reads(&swapped));
        }
    }
    let mut stranger = World::with(Keyring::generate(&mut TestRng(9)).unwrap(), &Config::new(AUDIENCE));
    assert!(!reads(&sealed_entries(&mut stranger)[..1]), "another trail's entry");
}

/// Identities are sealed from whoever stores the log, and no plaintext is in it.
#[test]
fn the_stored_trail_names_nobody() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut work = [0; Token::MAX_OPEN_LEN];
    session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
    drop(session);
    let tag = world.audit.tag_of(&alice());
    let stored: Vec<u8> = sealed_entries(&mut world).iter().flat_map(|entry| *entry.as_bytes()).collect();
    let opened = world.last().entry;
    assert_eq!((opened.caller, opened.owner_or_commitment), (tag, tag), "the control: the auditor sees it");
    for secret in [tag.as_slice(), b"alice", &token.as_token().as_bytes()[22..38]] {
        assert!(!contains(&stored, secret));
    }
}

/// Of tokens that are another tenant's, the first four of a request have an entry each and the rest one count.
#[test]
fn forgeries_do_not_fill_the_trail() {
    let (mut world, client, token) = setting();
    let mut other = World::with(Keyring::generate(&mut TestRng(43)).unwrap(), &Config::new(AUDIENCE));
    let foreign = other.token(&alice(), Field::EMAIL, "alice@example.com");
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut items = vec![Item::of(foreign.as_token()); 25];
    items.push(Item::of(token.as_token()));
    let mut out = vec![0; reply_len(&items)];
    let _reply = session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap();
    drop(session);
    let trail = world.trail();
    let entries = &trail[2..];
    assert_eq!(entries.len(), 6);
    assert!(entries[..4].iter().all(|recorded| recorded.entry.reason == Reason::ForeignToken));
    assert_eq!(entries[4].entry.reason, Reason::Done);
    assert_eq!((entries[5].entry.event, entries[5].entry.count), (Event::ForeignTokens, 21));
}

/// Where each is answered for itself there is nothing to wait for, so each has its entry, and the fifth foreign one is refused like the first.
#[test]
fn foreign_tokens_one_by_one() {
    let (mut world, client, token) = setting();
    let mut other = World::with(Keyring::generate(&mut TestRng(43)).unwrap(), &Config::new(AUDIENCE));
    let foreign = other.token(&alice(), Field::EMAIL, "alice@example.com");
    let bobs = world.token(&bob(), Field::EMAIL, "bob@example.com");
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut request = session.request(&Access::OWN, 16, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    for refused in [&foreign, &bobs] {
        for number in 1..=6 {
            let answer = request.detokenize(&Item::of(refused.as_token()), &mut work, &mut world.host);
            assert_eq!(answer.unwrap_err(), Error::Denied, "{number}");
        }
    }
    assert!(request.detokenize(&Item::of(token.as_token()), &mut work, &mut world.host).is_ok());
    // What is held counts on its own: four entries, and the rest at the end.
    for _ in 0..6 {
        drop(request.detokenize_held(&Item::of(foreign.as_token()), &mut work, &mut world.host).unwrap());
        let answer = request.detokenize(&Item::of(foreign.as_token()), &mut work, &mut world.host);
        assert_eq!(answer.unwrap_err(), Error::Denied);
    }
    request.finish(&mut world.host).unwrap();
    world.host.commit(&world.vault).unwrap();
    drop(session);
    let trail = world.trail();
    let of = |reason| trail.iter().filter(|recorded| recorded.entry.reason == reason).count();
    assert_eq!((of(Reason::ForeignToken), of(Reason::DoesNotOpen)), (6 + 6 + 4 + 1, 6));
    assert_eq!(trail.last().map(|last| (last.entry.event, last.entry.count)), Some((Event::ForeignTokens, 2)));
}

/// A store has one trail. Another node's would begin behind entries that are not its own, and could never be read.
#[test]
fn a_second_trail_in_one_store() {
    let (mut world, ..) = setting();
    let other = Vault::new(keyring(), &Config { node: 1, ..Config::new(AUDIENCE) }).unwrap();
    let store = &mut world.host.environment().store;
    for vault in [&world.vault, &other] {
        assert_eq!(AuditKey::create(vault, store, &mut TestRng(3)).unwrap_err(), Error::Unavailable);
    }
    assert!(AuditKey::create(&other, &mut MemoryStore::<8, 8>::new(), &mut TestRng(3)).is_ok(), "the control");
}

/// A generator that errs, sticks or repeats seals nothing; and one that repeats unnoticed gives no nonce to two values.
#[test]
fn generators_that_fail() {
    let (mut world, ..) = setting();
    let mut out = [0; Token::MAX_LEN];
    for fault in [Fault::Error, Fault::Constant(0)] {
        world.fault.set(fault);
        let refused = world.vault.tokenize(&alice(), Field::EMAIL, b"a@example.com", &mut out, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::RngFailed, "{fault:?}");
    }
    // Zeros are refused at their first time, before there is anything to compare with.
    let mut zeros = CheckedRng::new(world.host.environment().rng.clone());
    let refused = world.vault.sealer(&alice()).tokenize(Field::EMAIL, b"a@example.com", &mut out, &mut zeros);
    assert_eq!(refused.unwrap_err(), Error::RngFailed);
    world.fault.set(Fault::Constant(0x55));
    assert!(world.vault.tokenize(&alice(), Field::EMAIL, b"a@example.com", &mut out, &mut world.host).is_ok());
    let refused = world.vault.tokenize(&alice(), Field::EMAIL, b"a@example.com", &mut out, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::RngFailed, "the same 16 bytes again");

    for seed in [0x55, 0] {
        world.fault.set(Fault::Constant(seed));
        assert_eq!(Keyring::generate(&mut world.host.environment().rng).unwrap_err(), Error::RngFailed);
    }
    world.fault.set(Fault::Error);
    assert_eq!(symbolon::SessionKey::generate(&mut world.host.environment().rng).unwrap_err(), Error::RngFailed);

    // The same state again, as after a copied virtual machine: equal values give equal tokens, others another nonce.
    let nonce = |value: &[u8]| {
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(TestRng(1));
        world.vault.sealer(&alice()).tokenize(Field::EMAIL, value, &mut out, &mut rng).unwrap().as_bytes()[10..22]
            .to_vec()
    };
    assert_eq!(nonce(b"a@example.com"), nonce(b"a@example.com"));
    assert_ne!(nonce(b"a@example.com"), nonce(b"b@example.com"));
}

/// With a dead generator at log-in, two people, or one person twice, still share neither session id nor the key that seals theirs.
#[test]
fn a_dead_generator_at_log_in() {
    let mut dead = common::BadRng::new(Fault::Constant(0));
    let world = World::new();
    let issuer = world.vault.issuer("shop-17", common::PERSON, NOW.period()).unwrap();
    let mut rng = TestRng(3);
    let keys = [symbolon::SessionKey::generate(&mut rng).unwrap(), symbolon::SessionKey::generate(&mut rng).unwrap()];
    let mut serials = std::collections::HashSet::new();
    let mut sessions = std::collections::HashSet::new();
    for who in [alice(), bob()] {
        for key in &keys {
            for now in [NOW, NOW.plus(1)] {
                let credential = issuer.issue(&who, key, &symbolon::Terms::default(), now, &mut dead).unwrap();
                let bytes = credential.as_bytes();
                serials.insert(bytes[bytes.len() - 64..bytes.len() - 48].to_vec());
                sessions.insert(*credential.session_unverified().as_bytes());
            }
        }
    }
    assert_eq!((serials.len(), sessions.len()), (8, 8));
}

/// A vault and its trail belong together: another vault's key doesn't open the stored state, and a trail is made once.
#[test]
fn a_trail_of_another_vault() {
    let (mut world, ..) = setting();
    let other = Vault::new(Keyring::generate(&mut TestRng(43)).unwrap(), &Config::new(AUDIENCE)).unwrap();
    let env = world.host.environment();
    let env = Env { clock: env.clock.clone(), rng: env.rng.clone(), store: env.store.clone() };
    assert_eq!(Host::<Env, 64, 64>::open(&other, env).unwrap_err(), Error::Unavailable);
    let store = &mut world.host.environment().store;
    assert_eq!(AuditKey::create(&world.vault, store, &mut TestRng(1)).unwrap_err(), Error::Unavailable);
    let secret = world.audit.write_secret();
    assert!(AuditKey::read_secret(&secret).is_ok());
    let mut wrong = *secret;
    wrong[0] = 2;
    assert_eq!(AuditKey::read_secret(&wrong).unwrap_err(), Error::Malformed);
}

/// Keyrings are read as they were written, and nothing else is.
#[test]
fn keyrings_that_are_damaged() {
    let mut keyring = common::keyring();
    for epoch in 2..=8 {
        assert_eq!(keyring.add_epoch(&mut TestRng(u64::from(epoch))), Ok(epoch));
    }
    assert_eq!(keyring.add_epoch(&mut TestRng(9)).unwrap_err(), Error::InvalidKeyring, "eight are the most");
    let mut bytes = [0; symbolon::Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut bytes).unwrap();
    assert_eq!(len, bytes.len());
    assert!(keyring.write_secret(&mut [0; symbolon::Keyring::MAX_LEN - 1]).is_err());
    assert_eq!(Keyring::read_secret(&bytes).unwrap().newest(), 8);
    for cut in 0..len {
        assert!(Keyring::read_secret(&bytes[..cut]).is_err());
    }
    let mut wrong = bytes;
    wrong[0] = 2;
    assert_eq!(Keyring::read_secret(&wrong).unwrap_err(), Error::Malformed);
    let mut twice = bytes;
    twice[34 + 34..34 + 36].copy_from_slice(&1_u16.to_le_bytes());
    assert_eq!(Keyring::read_secret(&twice).unwrap_err(), Error::InvalidKeyring, "epochs rise");
    assert_eq!(Keyring::read_secret(&[&[1, 0][..], &[7; 32]].concat()).unwrap_err(), Error::InvalidKeyring, "no epoch");
}

/// The power goes between the two commits of the first start: the next start is not taken for a first one, whose window fears nothing.
#[test]
fn a_first_start_that_was_cut_short() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let mut store = common::FaultyStore::new();
    let audit = AuditKey::create(&vault, &mut store, &mut TestRng(1)).unwrap();
    let clock = std::rc::Rc::new(std::cell::Cell::new(Some(NOW)));
    let fault = std::rc::Rc::new(std::cell::Cell::new(Fault::None));
    let commits = store.commits.clone();
    let env = |store: &common::FaultyStore| Env {
        clock: clock.clone(),
        rng: common::BadRng { good: TestRng(2), fault: fault.clone() },
        store: store.clone(),
    };
    // The first commit goes to a store that the second start will find.
    commits.set(1);
    let mut kept = store.clone();
    {
        struct Shared<'s>(&'s mut common::FaultyStore, Env);
        impl symbolon::Environment for Shared<'_> {
            type Rng = common::BadRng;
            type Store = common::FaultyStore;
            fn now(&mut self) -> Option<symbolon::Time> {
                self.1.clock.get()
            }
            fn rng(&mut self) -> &mut common::BadRng {
                &mut self.1.rng
            }
            fn store(&mut self) -> &mut common::FaultyStore {
                self.0
            }
        }
        let environment = env(&kept);
        let cut = Host::<_, 64, 64>::open(&vault, Shared(&mut kept, environment));
        assert_eq!(cut.unwrap_err(), Error::Unavailable);
    }
    commits.set(usize::MAX);
    let mut host: Host<Env, 64, 64> = Host::open(&vault, env(&kept)).unwrap();
    let key = symbolon::SessionKey::generate(&mut TestRng(3)).unwrap();
    let issuer = vault.issuer("shop-17", common::PERSON, NOW.period()).unwrap();
    let credential = issuer.issue(&alice(), &key, &symbolon::Terms::default(), NOW, &mut TestRng(4)).unwrap();
    let proof = key.prove(&credential, CONTEXT, NOW, &mut TestRng(5)).unwrap();
    assert_eq!(vault.authenticate(&credential, &proof, CONTEXT, &mut host).unwrap_err(), Error::Denied);
    let mut reader = audit.reader();
    let mut counts = Vec::new();
    host.environment()
        .store
        .entries(&mut |sealed| {
            let recorded = reader.read(sealed).unwrap();
            counts.push((recorded.entry.event, recorded.entry.reason, recorded.entry.count));
            true
        })
        .unwrap();
    let block = 128;
    assert_eq!(counts[0], (Event::Started, Reason::Done, block), "what the first start could have used is skipped");
    assert_eq!(counts[1].1, Reason::ProofBeforeStart);
}

/// Another keyring, and no room to say so: what waits is committed first, and then it is said.
#[test]
fn keys_that_change_while_the_trail_is_full() {
    let mut keyring = keyring();
    let vault = Vault::new(forge::copy(&keyring), &Config::new(AUDIENCE)).unwrap();
    keyring.add_epoch(&mut TestRng(44)).unwrap();
    let rotated = Vault::new(keyring, &Config::new(AUDIENCE)).unwrap();
    let (mut host, audit) = still::<5, 8, _>(&vault, MemoryStore::<64, 8>::new());
    let her = enter(&vault, &mut host, &mut TestRng(77), &alice(), Rights::OWN);
    let mut out = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice(), Field::EMAIL, b"a@example.com", &mut out, &mut host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let mut open = |host: &mut _| her.detokenize_held(&Access::OWN, &Item::of(token), &mut work, host).map(drop);
    for _ in 0..5 {
        open(&mut host).unwrap();
    }
    assert_eq!(open(&mut host), Err(Error::Unavailable), "the control");
    host.commit(&rotated).unwrap();
    host.commit(&rotated).unwrap();
    let (mut reader, mut events) = (audit.reader(), Vec::new());
    let mut each = |sealed: &SealedEntry| {
        events.push(reader.read(sealed).unwrap().entry.event);
        true
    };
    host.environment().store.entries(&mut each).unwrap();
    let of = |event| events.iter().filter(|each| **each == event).count();
    assert_eq!((of(Event::Detokenize), of(Event::Keyring), of(Event::Unrecorded)), (5, 1, 1), "{events:?}");
}

/// A host commits for its own vault only.
#[test]
fn committing_for_another_vault() {
    let (mut world, ..) = setting();
    let other = Vault::new(Keyring::generate(&mut TestRng(43)).unwrap(), &Config::new(AUDIENCE)).unwrap();
    assert_eq!(world.host.commit(&other).unwrap_err(), Error::Unavailable);
    assert_eq!(world.host.batch(&other).unwrap_err(), Error::Unavailable);
    assert!(world.host.commit(&world.vault).is_ok(), "the control");
}

/// A clock that is a little behind what was stored starts; more than two seconds behind does not.
#[test]
fn starting_with_a_clock_that_is_behind() {
    let (mut world, ..) = setting();
    world.clock.set(Some(NOW.plus(3_600_000)));
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    drop(session);
    assert_eq!(world.restart(NOW.plus(3_600_000 - 2_001)).unwrap_err(), Error::Unavailable);
    assert!(world.restart(NOW.plus(3_600_000 - 2_000)).is_ok());
}

/// Time goes on without entries, too: the latest that was seen is stored by the minute, and no restart begins before it.
#[test]
fn a_clock_set_back_with_no_entry_since() {
    let (mut world, ..) = setting();
    let (last, later) = (world.last().time, NOW.plus(3_600_000));
    world.clock.set(Some(later));
    // It looks at the clock, and leaves nothing behind.
    let other = Vault::new(common::keyring(), &Config::new(b"other")).unwrap();
    assert!(other.log_out_held(SessionId::from_bytes([0; 16]), &mut world.host).is_err());
    world.host.put_surrogate(*b"1234567890123456", b"a token").unwrap();
    world.host.commit(&world.vault).unwrap();
    assert!(world.last().time == last, "no entry says what time it is");
    assert_eq!(world.restart(NOW).unwrap_err(), Error::Unavailable);
    assert!(world.restart(later).is_ok());
}
