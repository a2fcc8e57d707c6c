//! What the types refuse at compile time, and what `Debug` shows.

mod common;

use common::{CONTEXT, World, alice};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use static_assertions::assert_not_impl_any;
use std::fmt::Display;
use symbolon::{
    AuditKey, Credential, Field, Held, Issuer, Keyring, Plaintext, Receipt, Reply, SealedReply, Sealer, Session,
    SessionKey, Ticket, Token, TokenBuf, Vault, Verified,
};

type Shared = Session<&'static Vault>;

// Nobody clones, serialises, compares, prints or defaults a secret or what stands for authority.
assert_not_impl_any!(Shared: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(SessionKey: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display, AsRef<[u8]>);
assert_not_impl_any!(Keyring: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display, AsRef<[u8]>);
assert_not_impl_any!(Vault: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(Issuer: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(AuditKey: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(Sealer: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(Verified: Clone, Copy, Serialize, DeserializeOwned, PartialEq, Default, Display);
assert_not_impl_any!(Plaintext<'static>: Clone, Copy, Serialize, PartialEq, Default, Display, AsRef<[u8]>, std::ops::Deref);
assert_not_impl_any!(Reply<'static>: Clone, Copy, Serialize, PartialEq, Default, Display);
assert_not_impl_any!(SealedReply<'static>: Clone, Copy, Serialize, Default, Display);
assert_not_impl_any!(Held<Plaintext<'static>>: Clone, Copy, Serialize, PartialEq, Default, Display, std::ops::Deref);
// A receipt and a ticket come from the trail alone.
assert_not_impl_any!(Receipt: Default, DeserializeOwned, From<u64>);
assert_not_impl_any!(Ticket: Clone, Copy, Default, DeserializeOwned);

/// `Debug` of everything, searched for every secret there is.
#[test]
fn debug_shows_no_secret() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let value = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
    let issuer = world.vault.issuer("shop-17", common::PERSON, common::NOW.period()).unwrap();
    let verified = issuer.verify(&client.credential, common::NOW).unwrap();
    let shown = [
        format!("{:?}", common::keyring()),
        format!("{:?}", world.vault),
        format!("{:?}", world.audit),
        format!("{:?}", world.audit.reader()),
        format!("{:?}", client.key),
        format!("{issuer:?}"),
        format!("{verified:?}"),
        format!("{session:?}"),
        format!("{value:?}"),
        format!("{:?}", alice()),
        format!("{:?}", client.credential),
        format!("{proof:?}"),
        format!("{:?}", world.vault.sealer(&alice())),
    ];
    assert_eq!(
        shown,
        [
            "Keyring { newest: 1, .. }",
            "Vault { keyring: Keyring { newest: 1, .. }, node: 0, .. }",
            "AuditKey { node: 0, .. }",
            "TrailReader { next: 0, .. }",
            "SessionKey(redacted)",
            "Issuer { kind: Person, period: 20833, .. }",
            "Verified(redacted)",
            "Session { principal: Principal { kind: Person, .. }, ends: Time(1800000060000), .. }",
            "Plaintext(redacted)",
            "Principal { kind: Person, .. }",
            "Credential { expires: Time(1800000900000), .. }",
            "Proof { time: Time(1800000000000), .. }",
            "Sealer { epoch: 1, .. }",
        ]
    );
}

/// Tokens in the caller's own structures: text in JSON, bytes in postcard, and nothing else is read as one.
#[test]
fn tokens_through_serde() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Row {
        id: u32,
        name: TokenBuf,
    }
    let mut world = World::new();
    let row = Row { id: 7, name: world.token(&alice(), Field::EMAIL, "alice@example.com") };
    let json = serde_json::to_string(&row).unwrap();
    assert_eq!(json, format!("{{\"id\":7,\"name\":\"{}\"}}", row.name.as_token()));
    assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
    assert!(serde_json::from_str::<Row>(&json.replace("sym_", "sym-")).is_err());
    let expected = serde_json::from_str::<Row>("{\"id\":7,\"name\":8}").unwrap_err().to_string();
    assert!(expected.contains("expected a symbolon token"), "{expected}");
    let other = world.token(&alice(), Field::EMAIL, "alice@example.com");
    assert_ne!(row.name, other, "the same value, sealed again");
    let bytes = postcard::to_allocvec(&row).unwrap();
    assert_eq!(bytes.len(), 2 + row.name.as_token().as_bytes().len());
    assert_eq!(postcard::from_bytes::<Row>(&bytes).unwrap(), row);
    assert!(postcard::from_bytes::<Row>(&bytes[..bytes.len() - 1]).is_err());
    assert!(postcard::from_bytes::<TokenBuf>(&[3, 1, 2, 3]).is_err());
    let mut short = [0; 161];
    assert!(row.name.as_token().write_text(&mut short).is_err());
    let mut fits = [0; 162];
    assert_eq!(row.name.as_token().write_text(&mut fits).unwrap(), row.name.as_token().to_string());
}

/// Sizes that memory budgets rest on: a change of them is to be noticed.
#[test]
fn sizes() {
    assert!(size_of::<Session<&Vault>>() <= 512, "{}", size_of::<Session<&Vault>>());
    assert!(size_of::<Vault>() <= 1024, "{}", size_of::<Vault>());
    assert_eq!(size_of::<Credential>(), 328);
    assert_eq!(symbolon::SealedEntry::LEN, 110);
}
