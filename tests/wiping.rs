//! Looks into memory after a drop: what a secret's bytes were is gone. The only tests with `unsafe` code, which the core forbids.
#![allow(unsafe_code, reason = "reads the memory of values that were dropped")]

mod common;
#[cfg(feature = "appliance")]
mod device;

use std::mem::{MaybeUninit, size_of};

use common::{CONTEXT, NOW, TestRng, World, alice};
use symbolon::{
    Access, AuditKey, Field, Issuer, Item, Keyring, Record, RecordKey, SessionKey, Store, Table, Token, reply_len,
};

/// True where any of the `secrets` stands in the memory of `value` before, and in it after it was dropped.
fn before_and_after<T>(value: T, secrets: &[[u8; 32]]) -> (bool, bool) {
    let mut place = MaybeUninit::new(value);
    let holds = |place: &MaybeUninit<T>| times_in_memory(place, secrets) > 0;
    let before = holds(&place);
    // SAFETY: it was initialised, and is not used as a value again.
    unsafe { place.assume_init_drop() };
    (before, holds(&place))
}

/// How many times one of the `secrets` stands in the memory of `value`.
fn times_in_memory<T, const LEN: usize>(value: &T, secrets: &[[u8; LEN]]) -> usize {
    // SAFETY: the bytes belong to `value`; they are read one by one, volatile, so padding or not is no matter to the comparison.
    let bytes: Vec<u8> = (0..size_of::<T>())
        .map(|at| unsafe { std::ptr::from_ref(value).cast::<u8>().add(at).read_volatile() })
        .collect();
    bytes.windows(LEN).filter(|window| secrets.iter().any(|secret| window == secret)).count()
}

const WIPED: (bool, bool) = (true, false);

fn chunks(bytes: &[u8], at: &[usize]) -> Vec<[u8; 32]> {
    at.iter().map(|at| bytes[*at..at + 32].try_into().unwrap()).collect()
}

/// The control: something that isn't wiped is still there.
#[test]
fn the_method_finds_what_is_left() {
    assert_eq!(before_and_after([7_u8; 32], &[[7; 32]]), (true, true));
}

#[test]
fn keyrings_vaults_and_issuers() {
    let keyring = common::keyring();
    let mut bytes = [0; Keyring::MAX_LEN];
    keyring.write_secret(&mut bytes).unwrap();
    // Tag key at 2, first root at 36.
    let secrets = chunks(&bytes, &[2, 36]);
    assert_eq!(before_and_after(keyring, &secrets[..1]), WIPED);
    assert_eq!(before_and_after(Keyring::read_secret(&bytes[..68]).unwrap(), &secrets[1..]), WIPED);
    let world = World::new();
    let issuer = world.vault.issuer("shop-17", common::PERSON, NOW.period()).unwrap();
    let mut secret = [0; Issuer::MAX_LEN];
    let len = issuer.write_secret(&mut secret).unwrap();
    assert_eq!(before_and_after(issuer, &chunks(&secret, &[8])), WIPED);
    assert_eq!(before_and_after(Issuer::read_secret(&secret[..len]).unwrap(), &chunks(&secret, &[8])), WIPED);
    for secret in &secrets {
        let vault =
            symbolon::Vault::new(Keyring::read_secret(&bytes[..68]).unwrap(), &symbolon::Config::new(b"a")).unwrap();
        assert_eq!(before_and_after(vault, std::slice::from_ref(secret)), WIPED);
    }
}

/// A root that was retired is gone at once; the one behind it has left its place, and nothing there.
#[test]
fn retired_roots() {
    let mut keyring = common::keyring();
    keyring.add_epoch(&mut TestRng(7)).unwrap();
    let mut bytes = [0; Keyring::MAX_LEN];
    keyring.write_secret(&mut bytes).unwrap();
    let roots = chunks(&bytes, &[36, 70]);
    let holds = |keyring: &Keyring| [&roots[..1], &roots[1..]].map(|root| times_in_memory(keyring, root));
    assert_eq!(holds(&keyring), [1, 1]);
    keyring.retire(1).unwrap();
    assert_eq!(holds(&keyring), [0, 1]);
    assert_eq!(before_and_after(keyring, &roots), WIPED);
}

#[test]
fn session_and_audit_keys() {
    let key = SessionKey::generate(&mut TestRng(1)).unwrap();
    let secret = *key.write_secret();
    assert_eq!(before_and_after(key, &[secret]), WIPED);
    let world = World::new();
    let secret = world.audit.write_secret();
    for at in [5, 37] {
        let audit = AuditKey::read_secret(&secret).unwrap();
        assert_eq!(before_and_after(audit, &chunks(secret.as_slice(), &[at])), WIPED);
    }
    // A reader begins with what is made of the first key, by the labels ENTRY and RATCHET: SPEC.md sections 2 and 8.
    let first = chunks(secret.as_slice(), &[5])[0];
    for label in [25, 24] {
        let mut block = [0; 16];
        block[0] = label;
        let made = chacha20::hchacha::<chacha20::R20>(&first.into(), &block.into());
        assert_eq!(before_and_after(world.audit.reader(), &[made.into()]), WIPED);
    }
    let client = World::new().log_in(&alice());
    let mut world = World::new();
    let client_key = *client.key.write_secret();
    let issuer = world.vault.issuer("shop-17", common::PERSON, NOW.period()).unwrap();
    let credential = issuer.issue(&alice(), &client.key, &symbolon::Terms::default(), NOW, &mut world.rng).unwrap();
    let verified = issuer.verify(&credential, NOW).unwrap();
    assert_eq!(before_and_after(verified, &[client_key]), WIPED);
}

/// The universal hash of the PRF's long form wipes its state: `r` stands in it while it lives.
#[test]
fn the_dependency_poly1305() {
    use poly1305::universal_hash::KeyInit;
    // r with the bits that are clamped clear, so that it is kept as it is; the state holds at least s verbatim.
    let key = [0x04_u8; 32];
    let hash = poly1305::Poly1305::new((&key).into());
    let mut place = MaybeUninit::new(hash);
    let count = |place: &MaybeUninit<poly1305::Poly1305>| {
        // SAFETY: as above.
        (0..size_of::<poly1305::Poly1305>())
            .filter(|at| unsafe { place.as_ptr().cast::<u8>().add(*at).read_volatile() } == 4)
            .count()
    };
    assert!(count(&place) >= 16);
    // SAFETY: it was initialised, and is not used as a value again.
    unsafe { place.assume_init_drop() };
    assert_eq!(count(&place), 0);
}

/// Values live in the caller's buffer, which is clean after the drop: of a value, of a refusal, of a client's reply.
#[test]
fn values_in_the_callers_buffers() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::ORDER_LINE, &"secret ".repeat(20));
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let value = session.detokenize(Field::ORDER_LINE, &token.as_token(), &mut work, &mut world.host).unwrap();
    assert!(value.expose().starts_with(b"secret"));
    drop(value);
    assert_eq!(work, [0; Token::MAX_OPEN_LEN]);
    let items = [Item::of(token.as_token())];
    let mut out = vec![0; reply_len(&items)];
    let mut reply = session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap().as_bytes().to_vec();
    let opened = client.key.open_reply(&client.credential, Some(&proof), &items, &mut reply).unwrap();
    assert!(opened.values().next().unwrap().unwrap().starts_with(b"secret"));
    drop(opened);
    assert!(reply[16..reply.len() - 16].iter().all(|byte| *byte == 0));
}

/// An owner's secret stands in the host's memory (in the store, here), and nowhere in it once the owner is erased: not where it was staged
/// either.
#[test]
fn an_erased_owners_secret() {
    let mut world = World::new();
    let held = world.vault.erasable_sealer_held(&alice(), &mut world.host).unwrap();
    drop(world.host.settle(&world.vault, held).unwrap());
    let key = RecordKey { table: Table::Owner, id: world.vault.owner_tag(&alice()) };
    let mut value = [0; Record::MAX_LEN];
    world.host.environment().store.get(&key, &mut value).unwrap().unwrap();
    let secret: [u8; 32] = value[6..38].try_into().unwrap();
    assert_ne!(secret, [0; 32]);
    let halves = secret.as_chunks::<16>().0;
    let holds = |host: &common::TestHost| times_in_memory(host, halves);
    assert_eq!(holds(&world.host), 2, "each half in the store, and nowhere else");
    let client = world.log_in(&alice());
    let session = common::session(&world.vault, &mut world.host, &client, &mut world.rng);
    let held = session.erase_held(&alice(), &mut world.host).unwrap();
    world.host.settle(&world.vault, held).unwrap();
    assert_eq!(holds(&world.host), 0);
}

/// A row on its way to the store holds an owner's secret; so does a store's copy of it.
#[test]
fn rows_that_hold_a_secret() {
    let mut world = World::new();
    let _sealer = world.vault.erasable_sealer_held(&alice(), &mut world.host).unwrap();
    let (batch, _ticket) = world.host.batch(&world.vault).unwrap();
    let row = batch.records().find(|record| record.key().table == Table::Owner).unwrap();
    let secret: [u8; 32] = row.value()[6..38].try_into().unwrap();
    assert_ne!(secret, [0; 32]);
    assert_eq!(before_and_after(row.clone(), &[secret]), WIPED);
}

/// Of a device that was zeroised, nobody reads on in the trail that it had: none of its keys is left in memory.
#[cfg(feature = "appliance")]
#[test]
fn a_zeroised_appliances_trail() {
    use device::{Bench, OFFICER};
    use symbolon::appliance::{OfficerAct, Role};
    let mut bench = Bench::ready(8);
    let audit = bench.audit_key().write_secret();
    let mut keys = vec![<[u8; 32]>::try_from(&audit[5..37]).unwrap()];
    for _ in 0..512 {
        keys.push(common::forge::prf(keys.last().unwrap(), 24, b""));
    }
    // The first one is the generator's, which buffers what it gives: the environment's matter.
    keys.remove(0);
    let holds = |bench: &Bench| times_in_memory(&bench.appliance, &keys);
    // A compiler may leave a copy of what it moved there.
    assert!(holds(&bench) >= 2, "the key of the next entry, and the one that is kept ahead");
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Zeroise).unwrap();
    assert_eq!(holds(&bench), 0);
}

/// What came over the line: a role's secret may be in it.
#[cfg(feature = "appliance")]
#[test]
fn frames_on_their_way() {
    let mut reader = symbolon::appliance::FrameReader::<64>::new();
    for _ in 0..32 {
        reader.push(7).unwrap();
    }
    assert_eq!(before_and_after(reader, &[[7; 32]]), WIPED);
}
