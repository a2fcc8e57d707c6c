//! The way of a value from end to end: sealed, logged in, proved, opened, revealed; and what the trail says of it.

mod common;

use common::{AUDIENCE, CONTEXT, NOW, TestRng, World, alice, bob, enter};
use symbolon::{
    Access, AuditKey, Config, Error, Event, Field, Host, Item, MemoryStore, Parts, Reason, Rights, Token, Vault,
    reply_len,
};

/// Alice opens hers, Bob does not, and both are on the record before either knows.
#[test]
fn the_owner_opens_and_nobody_else() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::PERSON_NAME, "山田 太郎");
    let (a, b) = (world.log_in(&alice()), world.log_in(&bob()));
    let (proof_a, proof_b) = (world.prove(&a), world.prove(&b));

    let session = world.vault.authenticate(&a.credential, &proof_a, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let value = session.detokenize(Field::PERSON_NAME, &token.as_token(), &mut work, &mut world.host).unwrap();
    assert_eq!(value.expose(), "山田 太郎".as_bytes());
    drop(value);
    assert_eq!(work, [0; Token::MAX_OPEN_LEN], "wiped");

    let session = world.vault.authenticate(&b.credential, &proof_b, CONTEXT, &mut world.host).unwrap();
    let refused = session.detokenize(Field::PERSON_NAME, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    assert_eq!(work, [0; Token::MAX_OPEN_LEN]);

    let seen: Vec<_> =
        world.trail().into_iter().map(|recorded| (recorded.entry.event, recorded.entry.reason)).collect();
    assert_eq!(
        seen,
        [
            (Event::Started, Reason::Done),
            (Event::Authenticate, Reason::Done),
            (Event::Detokenize, Reason::Done),
            (Event::Authenticate, Reason::Done),
            (Event::Detokenize, Reason::DoesNotOpen),
        ]
    );
    let tag = world.audit.tag_of(&bob());
    assert_eq!(world.last().entry.caller, tag);
}

/// A batch is revealed to the client that proved, with what is not its own refused inside; another client can't open the reply.
#[test]
fn a_reveal_is_sealed_to_the_client() {
    let mut world = World::new();
    let mine = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let theirs = world.token(&bob(), Field::EMAIL, "bob@example.com");
    let a = world.log_in(&alice());
    let b = world.log_in(&bob());
    let proof = world.prove(&a);
    let session = world.vault.authenticate(&a.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let (mine, theirs) = (mine.as_token(), theirs.as_token());
    let items = [Item::of(mine), Item::of(theirs), Item::new(Field::PHONE, mine)];
    let mut out = vec![0; reply_len(&items)];
    let reply = session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap();
    let mut at_bob = reply.as_bytes().to_vec();
    let mut at_alice = reply.as_bytes().to_vec();

    let opened = a.key.open_reply(&a.credential, Some(&proof), &items, &mut at_alice).unwrap();
    let values: Vec<_> = opened.values().collect();
    assert_eq!(values, [Some(b"alice@example.com".as_slice()), None, None]);
    assert_eq!(b.key.open_reply(&b.credential, Some(&proof), &items, &mut at_bob).unwrap_err(), Error::Denied);
}

/// The longest request of all is answered, and one item more is too long, whatever room the host has.
#[test]
fn the_longest_request() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let mut store = MemoryStore::<1100, 8>::new();
    let _audit_key = AuditKey::create(&vault, &mut store, &mut TestRng(3)).unwrap();
    let parts = Parts { clock: || Some(NOW), rng: TestRng(8), store };
    // In a box, and made once: it is larger than what a thread of a test may have on its stack several times.
    let mut host: Box<Host<_, 1026, 8>> = Box::new(Host::open(&vault, parts).unwrap());
    let her = enter(&vault, &mut host, &mut TestRng(77), &alice(), Rights::OWN);
    let mut out = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice(), Field::PHONE, b"090-1234-5678", &mut out, &mut *host).unwrap();
    let items = vec![Item::of(token); Item::MAX + 1];
    let mut reply = vec![0; reply_len(&items)];
    assert_eq!(her.reveal(&Access::OWN, &items, &mut reply, &mut host).unwrap_err(), Error::TooLong);
    assert!(her.reveal(&Access::OWN, &items[1..], &mut reply, &mut host).is_ok());
}
