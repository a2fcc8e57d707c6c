//! What a chain can't say of itself: that its tail is there, that it isn't an old copy; and what the trail says of the keyring.

mod common;

use common::{AUDIENCE, NOW, TestRng, World, alice, bob, enter, keyring, still, trail};
use symbolon::{
    AuditKey, Checkpoint, Config, Error, Event, Field, Grant, GrantTerms, Limits, MemoryStore, Purpose, Recorded,
    Rights, SealedEntry, Store, Token, TrailReader, Vault, View,
};

/// A vault's log after some openings, the checkpoint at its end, and one from the middle.
fn log() -> (AuditKey, Vec<SealedEntry>, Checkpoint, Checkpoint) {
    let mut world = World::new();
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let session = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let mut middle = None;
    for count in 0..10 {
        assert!(session.detokenize(Field::EMAIL, &hers.as_token(), &mut work, &mut world.host).is_ok());
        if count == 4 {
            middle = Some(world.host.checkpoint().unwrap());
        }
    }
    let end = world.host.checkpoint().unwrap();
    let mut log = Vec::new();
    let mut each = |sealed: &SealedEntry| {
        log.push(sealed.clone());
        true
    };
    world.host.environment().store.memory.entries(&mut each).unwrap();
    (world.audit, log, middle.unwrap(), end)
}

/// Reads a log and asks for a checkpoint at every place: how often it was confirmed.
fn confirmed(audit: &AuditKey, log: &[SealedEntry], checkpoint: &Checkpoint) -> usize {
    let mut reader = audit.reader();
    let mut times = usize::from(reader.confirms(checkpoint));
    for sealed in log {
        reader.read(sealed).unwrap();
        times += usize::from(reader.confirms(checkpoint));
    }
    times
}

/// A whole log confirms its checkpoints, each at one place; every cut tail loses the last one, though the chain verifies.
#[test]
fn a_cut_tail_shows() {
    let (audit, log, middle, end) = log();
    assert_eq!(confirmed(&audit, &log, &middle), 1);
    assert_eq!(confirmed(&audit, &log, &end), 1);
    for kept in 0..log.len() {
        assert_eq!(confirmed(&audit, &log[..kept], &end), 0, "{kept} entries kept");
    }
    assert_eq!(middle.time(), NOW);
    assert_eq!((middle.node(), middle.next() < end.next()), (0, true));
}

/// Nobody without the keys makes a checkpoint: every altered byte, another trail's, another node's is confirmed nowhere. The auditor's own is.
#[test]
fn checkpoints_are_not_made_up() {
    let (audit, log, middle, end) = log();
    for at in 0..Checkpoint::LEN {
        let mut bytes = end.to_bytes();
        bytes[at] ^= 1;
        let forged = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(confirmed(&audit, &log, &forged), 0, "byte {at}");
    }
    let (_, _, _, other) = self::log();
    assert_eq!(confirmed(&audit, &log, &other), 0);
    for len in [0, Checkpoint::LEN - 1, Checkpoint::LEN + 1] {
        assert_eq!(Checkpoint::from_bytes(&vec![0; len]), Err(Error::Malformed));
    }
    assert_eq!(Checkpoint::from_bytes(&middle.to_bytes()), Ok(middle));
    let mut reader = audit.reader();
    for sealed in &log[..5] {
        reader.read(sealed).unwrap();
    }
    let own = reader.checkpoint(NOW.plus(7));
    assert_eq!(confirmed(&audit, &log, &own), 1, "what the auditor saw is asked for the next time");
    assert_eq!(confirmed(&audit, &log[..4], &own), 0);
}

/// One node's checkpoint in another's trail comes back as it was; a node takes none of its own, and none while something waits.
#[test]
fn nodes_witness_each_other() {
    let (_, _, _, checkpoint) = log();
    let vault = Vault::new(keyring(), &Config { node: 7, ..Config::new(AUDIENCE) }).unwrap();
    let (mut host, audit) = still::<16, 16, _>(&vault, MemoryStore::<16, 8>::new());
    let own = host.checkpoint().unwrap();
    assert_eq!(host.witness(&vault, &own), Err(Error::Malformed));
    host.witness(&vault, &checkpoint).unwrap();
    assert_eq!(host.checkpoint(), Err(Error::Unavailable), "it isn't durable yet");
    host.commit(&vault).unwrap();
    assert!(host.checkpoint().is_ok());
    let mut reader = audit.reader();
    let mut seen = Vec::new();
    let mut each = |sealed: &SealedEntry| {
        seen.extend(reader.read(sealed).unwrap().entry.checkpoint());
        true
    };
    host.environment().store.entries(&mut each).unwrap();
    assert_eq!(seen, [checkpoint]);
}

/// Behind a damaged entry the rest can be read, if its tag is whole; what is read strictly is refused.
#[test]
fn what_is_whole_behind_a_damage_is_read() {
    let (audit, log, _, _) = log();
    for (byte, behind) in [(20, true), (95, false)] {
        let mut bytes = *log[5].as_bytes();
        bytes[byte] ^= 1;
        let damaged = SealedEntry::from_bytes(bytes);
        let mut reader: TrailReader = audit.reader();
        for sealed in &log[..5] {
            reader.read(sealed).unwrap();
        }
        assert_eq!(reader.read(&damaged).unwrap_err(), Error::Denied);
        assert_eq!(reader.pass(4, &damaged).unwrap_err(), Error::Denied, "never back");
        let before = reader.fork();
        let number = reader.next();
        reader.pass(number, &damaged).unwrap();
        assert_eq!(reader.read(&log[6]).is_ok(), behind, "byte {byte}");
        if behind {
            assert!(log[7..].iter().all(|sealed| reader.read(sealed).is_ok()));
        } else {
            reader.pass(number + 1, &log[6]).unwrap();
            assert!(
                log[7..].iter().all(|sealed| reader.read(sealed).is_ok()),
                "one more is lost, for its neighbour's tag"
            );
        }
        assert_eq!(before.next(), number);
    }
}

/// A start says which root keys there are; a rotation, a retirement and a floor are entries of their own, before anything else under them.
#[test]
fn the_trail_knows_the_keyring() {
    let mut world = World::with(keyring(), &Config { limits: Limits::NONE, ..Config::new(AUDIENCE) });
    let hers = world.token(&alice(), Field::EMAIL, "alice@example.jp");
    let mut ring = keyring();
    let mut vaults = Vec::new();
    ring.add_epoch(&mut TestRng(8)).unwrap();
    let copy = |ring: &symbolon::Keyring| {
        let mut secret = [0; symbolon::Keyring::MAX_LEN];
        let len = ring.write_secret(&mut secret).unwrap();
        symbolon::Keyring::read_secret(&secret[..len]).unwrap()
    };
    vaults.push(Vault::new(copy(&ring), &Config::new(AUDIENCE)).unwrap());
    vaults.push(Vault::new(copy(&ring), &Config { token_floor: 2, ..Config::new(AUDIENCE) }).unwrap());
    ring.retire(1).unwrap();
    vaults.push(Vault::new(ring, &Config { token_floor: 2, ..Config::new(AUDIENCE) }).unwrap());
    let mut work = [0; Token::MAX_OPEN_LEN];
    for vault in &vaults {
        for _ in 0..2 {
            let session = enter(vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
            let _ = session.detokenize(Field::EMAIL, &hers.as_token(), &mut work, &mut world.host);
        }
    }
    let said: Vec<_> = trail(&mut world.host, &world.audit)
        .into_iter()
        .filter_map(|recorded| {
            let Recorded { entry, .. } = recorded;
            let epochs = entry.epochs()?;
            Some((entry.event, epochs[..3].to_vec(), entry.field, entry.purpose))
        })
        .collect();
    assert_eq!(
        said,
        [
            (Event::Started, vec![1, 0, 0], 0, 1),
            (Event::Keyring, vec![1, 2, 0], 0, 1),
            (Event::Keyring, vec![1, 2, 0], 2, 1),
            (Event::Keyring, vec![2, 0, 0], 2, 2),
        ]
    );
}

/// A grant's entries say all that it is for.
#[test]
fn a_grants_scope_is_on_the_record() {
    let mut world = World::new();
    let session = enter(&world.vault, &mut world.host, &mut world.rng, &alice(), Rights::OWN);
    let terms = GrantTerms {
        grantee: &bob(),
        fields: &[Field::PHONE, Field::EMAIL],
        purpose: Purpose::SHIPPING,
        view: View::Full,
        record: None,
        not_before: NOW,
        expires: NOW.plus(60_000),
        uses: Some(3),
    };
    let held = session.grant_held(&terms, &mut world.host).unwrap();
    let _grant: Grant = world.host.settle(&world.vault, held).unwrap();
    let entries = trail(&mut world.host, &world.audit);
    let [.., grant, scope] = &entries[..] else { panic!("two entries") };
    assert_eq!((grant.entry.event, scope.entry.event), (Event::Grant, Event::GrantScope));
    assert_eq!((grant.entry.grant, grant.entry.caller), (scope.entry.grant, scope.entry.caller));
    let fields = [Field::EMAIL.code(), Field::PHONE.code(), 0, 0, 0, 0, 0, 0];
    let mut fields = fields;
    fields[..2].sort_unstable();
    assert_eq!(scope.entry.grant_scope(), Some((NOW, NOW.plus(60_000), fields)));
    assert_eq!(grant.entry.grant_scope(), None);
}
