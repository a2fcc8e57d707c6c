//! What is shown and what is written of the types besides values: messages, `Debug`, codes, the host's own rows.

mod common;

use std::collections::BTreeSet;

use common::{TestRng, World, alice, session};
use symbolon::{
    Access, Cause, CheckedRng, Environment, Error, Field, Index, Item, Lookup, MemoryStore, Record, Stopped,
    StoreError, Table, Token,
};

const ERRORS: [Error; 12] = [
    Error::Denied,
    Error::Unavailable,
    Error::Malformed,
    Error::InvalidPrincipal,
    Error::InvalidField,
    Error::InvalidValue,
    Error::ForbiddenValue,
    Error::TooLong,
    Error::BufferTooSmall,
    Error::RngFailed,
    Error::InvalidKeyring,
    Error::InvalidTerms,
];

/// Each says something of its own.
#[test]
fn errors_have_messages() {
    let told: BTreeSet<String> = ERRORS.iter().map(ToString::to_string).collect();
    assert!(told.len() == ERRORS.len() && told.iter().all(|message| message.len() >= 6), "{told:?}");
    assert_eq!(Stopped::<StoreError>::Core(Error::Denied).to_string(), Error::Denied.to_string());
    assert_eq!(Stopped::Output(StoreError).to_string(), StoreError.to_string());
}

/// Every error of the core is a fault of the appliance's with the same name; what is its own besides has a message, too.
#[cfg(feature = "appliance")]
#[test]
fn faults_have_messages() {
    use symbolon::appliance::Fault;
    for error in ERRORS {
        assert_eq!(format!("{:?}", Fault::from(error)), format!("{error:?}"));
    }
    let faults: Vec<Fault> = (0..=255).filter_map(Fault::from_code).collect();
    let told: BTreeSet<String> = faults.iter().map(ToString::to_string).collect();
    assert!(told.len() == 17 && told.iter().all(|message| message.len() >= 6), "{told:?}");
}

/// Codes are dense, and each is one thing's.
#[test]
fn codes_round_trip() {
    let tables: Vec<_> =
        (0..=255).filter_map(|code| Table::from_code(code).map(|table| (code, table.code()))).collect();
    assert_eq!(tables, (1..=9).map(|code| (code, code)).collect::<Vec<_>>());
    let causes: Vec<_> =
        (0..=255).filter_map(|code| Cause::from_code(code).map(|cause| (code, cause.code()))).collect();
    assert_eq!(causes, (1..=9).map(|code| (code, code)).collect::<Vec<_>>());
}

/// Of each, what is public, and neither value, name nor key.
#[test]
fn debug_shows_what_is_public() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let (mut work, item) = ([0; Token::MAX_OPEN_LEN], Item::of(token.as_token()));
    let held = session.detokenize_held(&Access::OWN, &item, &mut work, &mut world.host).unwrap();
    let entry = held.entry();
    let shown = [
        format!("{held:?}"),
        format!("{:?}", session.request(&Access::OWN, 1, &mut world.host).unwrap()),
        format!("{:?}", world.vault.attribution(&alice(), world.host.environment().store()).unwrap()),
        format!("{:?}", Index { field: Field::EMAIL, name: b"alice", version: 1 }),
        format!("{:?}", Lookup { newest: [7; 8], older: [8; 8] }),
        format!("{:?}", CheckedRng::new(TestRng(1))),
        format!("{:?}", MemoryStore::<2, 2>::new()),
        format!("{token:?}"),
        format!("{:?}", world.host),
    ];
    let expected = [
        format!("Held {{ entry: {entry}, .. }}"),
        "Request { foreign: 0, .. }".into(),
        "Attribution { epochs: 1, .. }".into(),
        "Index { field: Field(email), version: 1, .. }".into(),
        "Lookup(redacted)".into(),
        "CheckedRng { .. }".into(),
        "MemoryStore { entries: 0, records: 0 }".into(),
        format!("{:?}", token.as_token()),
        format!("Host {{ next_entry: {}, .. }}", entry + 1),
    ];
    assert_eq!(shown, expected);
}

/// A stand-in's row is there once it is staged, stays when it is durable, and is told from others.
#[test]
fn surrogates_are_kept() {
    let mut world = World::new();
    let (mut out, long) = ([0; Record::MAX_LEN], [1; Record::MAX_LEN + 1]);
    assert_eq!(world.host.put_surrogate(*b"1234567890123456", &long), Err(Error::TooLong));
    world.host.put_surrogate(*b"1234567890123456", b"a token").unwrap();
    for _ in 0..2 {
        assert_eq!(world.host.surrogate(*b"1234567890123456", &mut out), Ok(Some(7)));
        assert_eq!(out[..7], *b"a token");
        assert_eq!(world.host.surrogate(*b"1234567890123457", &mut out), Ok(None));
        world.host.commit(&world.vault).unwrap();
    }
}

/// A row is a candidate under either epoch's value, and under no other.
#[test]
fn look_ups_match_either_epoch() {
    let lookup = Lookup { newest: [7; 8], older: [8; 8] };
    assert_eq!([[7; 8], [8; 8], [9; 8]].map(|value| lookup.matches(&value)), [true, true, false]);
}
