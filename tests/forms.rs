//! What is shown and what is written of the types besides values: messages, `Debug`, codes, the host's own rows.

mod common;

use std::collections::BTreeSet;

use common::{CONTEXT, NOW, TestRng, World, alice, bob, enter, session, trail};
use symbolon::{
    Access, Cause, CheckedRng, Class, Config, Environment, Error, Event, Field, Format, GrantTerms, Index, Issuer,
    Item, Kind, Lookup, MemoryStore, Principal, Purpose, Record, Rewriter, Rights, Scanner, Slot, Stopped, StoreError,
    Table, Time, Token, Vault, View, reply_len,
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
    assert_eq!(StoreError.to_string(), "the store failed or is full");
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

/// SPEC.md section 6: each right has its bit.
#[test]
fn bits_of_rights() {
    let rights = [
        Rights::OWN,
        Rights::ISSUE,
        Rights::TOKENIZE,
        Rights::LOOKUP,
        Rights::MAINTAIN,
        Rights::READ_TRAIL,
        Rights::CONFIRM_ADDRESS,
        Rights::GRANT,
        Rights::OPERATE,
    ];
    assert_eq!(rights.map(Rights::bits), [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    assert_eq!(Rights::NONE.bits(), 0);
}

/// A right that is there already changes nothing.
#[test]
fn rights_add_up() {
    let both = Rights::OWN.and(Rights::LOOKUP);
    assert_eq!((both.and(Rights::OWN), Rights::OWN.and(Rights::OWN)), (both, Rights::OWN));
    assert!(both.contains(Rights::OWN) && both.contains(Rights::LOOKUP) && !Rights::OWN.contains(both));
}

/// A whole value needs its token's sealed part of work space; a mask its own length, where that is more.
#[test]
fn work_space_that_is_enough() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::PHONE, "+81 90 1234 5678");
    let client = world.log_in(&alice());
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let (item, mut work) = (Item::of(token.as_token()), [0; Token::MAX_OPEN_LEN]);
    let mut opens = |access: &Access<'_>, len: usize| {
        session.detokenize_as(access, &item, &mut work[..len], &mut world.host).map(drop)
    };
    let masked = Access::OWN.masked();
    assert_eq!([opens(&Access::OWN, 48), opens(&Access::OWN, 47)], [Ok(()), Err(Error::BufferTooSmall)]);
    assert_eq!([opens(&masked, 64), opens(&masked, 63)], [Ok(()), Err(Error::BufferTooSmall)]);
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

/// The same of what a session, a grant and the way into pages are made of.
#[test]
fn debug_of_what_is_asked_with() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    let scanner_key = world.vault.scanner_key("shop-17").unwrap();
    let World { vault, host, audit, rng, .. } = &mut world;
    let proof = client.key.prove(&client.credential, CONTEXT, NOW, rng).unwrap();
    let session = vault.authenticate(&client.credential, &proof, CONTEXT, host).unwrap();
    let terms = GrantTerms {
        grantee: &bob(),
        fields: &[Field::EMAIL],
        purpose: Purpose::SHIPPING,
        view: View::Masked,
        record: None,
        not_before: NOW,
        expires: NOW.plus(60_000),
        uses: None,
    };
    let grant = session.grant_held(&terms, host).unwrap();
    let grant = host.settle(vault, grant).unwrap();
    assert_eq!(grant.expires_unverified(), NOW.plus(60_000));
    let told = trail(host, audit);
    let minted = &told.iter().find(|recorded| recorded.entry.event == Event::Grant).unwrap().entry;
    assert_eq!(minted.grant, grant.id_unverified());
    assert_eq!(minted.grantee(), Some(vault.owner_tag(&bob())));
    assert!(
        told.iter()
            .filter(|recorded| recorded.entry.event != Event::Grant)
            .all(|recorded| recorded.entry.grantee().is_none())
    );
    let service = enter(vault, host, rng, &Principal::service("shop-17", "shop").unwrap(), Rights::TOKENIZE);
    let index = Index { field: Field::EMAIL, name: b"mail", version: 1 };
    let indexer = service.indexer_held(&index, 7, host).unwrap();
    let indexer = host.settle(vault, indexer).unwrap();
    let items = [Item::of(token.as_token())];
    let mut out = vec![0; reply_len(&items)];
    let sealed = session.reveal(&Access::OWN, &items, &mut out, host).unwrap();
    let sealed_shown = format!("{sealed:?}");
    let mut reply = sealed.as_bytes().to_vec();
    let reply = client.key.open_reply(&client.credential, Some(&proof), &items, &mut reply).unwrap();
    let shown = [
        format!("{:?}", token.as_token()),
        format!("{:?}", Access::new(Purpose::SHIPPING).masked()),
        format!("{grant:?}"),
        format!("{terms:?}"),
        format!("{indexer:?}"),
        format!("{:?}", Slot::from(Field::EMAIL)),
        format!("{scanner_key:?}"),
        format!("{:?}", Scanner::new(Format::Json)),
        format!("{:?}", Rewriter::new(Format::Json, Access::OWN, &session, host)),
        sealed_shown,
        format!("{reply:?}"),
    ];
    let expected = [
        format!("Token({})", token.as_token()),
        "Access { purpose: Purpose(shipping), view: Masked, .. }".into(),
        "Grant { purpose: Purpose(shipping), .. }".into(),
        "GrantTerms { purpose: Purpose(shipping), view: Masked, .. }".into(),
        "Indexer { left: 7, .. }".into(),
        "Slot { field: Field(email), .. }".into(),
        "ScannerKey { epochs: 1, .. }".into(),
        "Scanner { carried: 0, .. }".into(),
        "Rewriter { access: Access { purpose: Purpose(own-use), view: Full, .. }, .. }".into(),
        format!("SealedReply {{ len: {}, .. }}", reply_len(&items)),
        "Reply { items: 1, .. }".into(),
    ];
    assert_eq!(shown, expected);
}

/// A purpose has one name, and the host's own have numbers without a sign or leading zeros.
#[test]
fn purposes_by_name() {
    for code in 0..=63 {
        let Ok(purpose) = Purpose::from_code(code) else { continue };
        assert_eq!(Purpose::from_name(&purpose.to_string()), Ok(purpose));
    }
    assert_eq!(Purpose::from_name("custom-0"), Purpose::custom(0));
    assert_eq!(Purpose::from_name("custom-10"), Purpose::custom(10));
    for wrong in ["custom-", "custom-00", "custom-01", "custom-+1", "custom-32", "Shipping", ""] {
        assert_eq!(Purpose::from_name(wrong), Err(Error::InvalidTerms), "{wrong}");
    }
}

/// Who is refused a value of some field is told what one looks like.
#[test]
fn requirements_speak_of_their_field() {
    for (field, word) in [
        (Field::PHONE, "phone number"),
        (Field::EMAIL, "e-mail"),
        (Field::CARD_NUMBER, "card number"),
        (Field::CARD_EXPIRY, "expiry date"),
        (Field::BIRTH_DATE, "birth date"),
        (Field::FREE_TEXT, "UTF-8"),
        (Field::custom(1, Class::of_value(1).unwrap()).unwrap(), "1 to 1,022 bytes."),
    ] {
        assert!(field.requirement().contains(word), "{field}: {}", field.requirement());
    }
    assert!(!Field::custom(1, Class::of_value(1).unwrap()).unwrap().requirement().contains("UTF-8"));
}

/// Each length's last one is taken, and the next is told to be too long.
#[test]
fn lengths_up_to_their_bounds() {
    let mut world = World::new();
    let World { vault, host, rng, .. } = &mut world;
    let desk = enter(vault, host, rng, &Principal::service("shop-17", "desk").unwrap(), Rights::from_bits(0x1ff));
    let mut confirm = |len: usize| desk.confirm_address_held(&alice(), Field::EMAIL, &vec![b'a'; len], host).map(drop);
    assert_eq!((confirm(320), confirm(321)), (Ok(()), Err(Error::TooLong)));
    let mut look_up = |name: usize, value: usize| {
        let index = Index { field: Field::EMAIL, name: &vec![b'a'; name], version: 1 };
        desk.look_up_held(&index, &vec![b'a'; value], host).map(drop)
    };
    assert_eq!((look_up(64, 1022), look_up(65, 1)), (Ok(()), Err(Error::InvalidTerms)));
    assert_eq!((look_up(1, 1023), look_up(0, 1)), (Err(Error::TooLong), Err(Error::InvalidTerms)));
    assert_eq!(look_up(1, 0), Err(Error::InvalidValue));
    // Whatever is no token is so however long it is: the longest token's buffer is never too small.
    for digits in Token::MAX_TEXT_LEN - 8..Token::MAX_TEXT_LEN + 8 {
        let text = [b"sym_".as_slice(), &vec![b'A'; digits]].concat();
        assert_eq!(Token::from_text(&text, &mut [0; Token::MAX_LEN]).unwrap_err(), Error::Malformed, "{digits}");
    }
    assert_eq!([u64::MAX, 86_400_000 << 32].map(|time| Time::from_millis(time).period()), [u32::MAX; 2]);
    assert_eq!(Time::from_millis((86_400_000 << 32) - 1).period(), u32::MAX);
    assert_eq!(Time::from_millis(86_400_000 * 7 + 1).period(), 7);
}

/// Lengths that the documentation names, so that whoever makes a buffer of one knows how much it takes.
#[test]
fn lengths_are_those_that_are_documented() {
    assert_eq!((Token::MAX_LEN, Token::MAX_TEXT_LEN, Token::OVERHEAD), (1078, 1442, 54));
    assert_eq!((Token::MAX_OPEN_LEN, Token::MAX_EXPORT_LEN), (1040, 30));
}

/// An issuer of the longest names fills its secret form.
#[test]
fn the_longest_issuer() {
    let vault = Vault::new(common::keyring(), &Config::new(&[b'a'; 64])).unwrap();
    let issuer = vault.issuer("t".repeat(64), Kind::Staff, NOW.period()).unwrap();
    assert_eq!(issuer.write_secret(&mut [0; Issuer::MAX_LEN]), Ok(Issuer::MAX_LEN));
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
