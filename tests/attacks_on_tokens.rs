//! Attacks on tokens: each is refused as `Denied` (or is no token at all), the trail knows why, and a control shows that the same
//! token opens where nothing was done to it.

mod common;

use common::{CONTEXT, Client, World, alice, bob};
use symbolon::{Config, Error, Field, Keyring, Principal, Reason, Token, TokenBuf};

const VALUE: &str = "山田 太郎";

/// What became of presenting these bytes as a token.
#[derive(Debug, PartialEq)]
enum Outcome {
    Opened(Vec<u8>),
    Denied(Reason),
    NotAToken,
}

/// Presents bytes as `client`, in a new session each time.
fn present(world: &mut World, client: &Client, field: Field, bytes: &[u8]) -> Outcome {
    let Ok(token) = Token::from_bytes(bytes) else { return Outcome::NotAToken };
    let proof = world.prove(client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0xaa; Token::MAX_OPEN_LEN];
    let outcome = session.detokenize(field, &token, &mut work, &mut world.host).map(|value| value.expose().to_vec());
    drain(world);
    match outcome {
        Ok(value) => Outcome::Opened(value),
        Err(error) => {
            assert_eq!(error, Error::Denied, "one answer for every refusal");
            let used = bytes.len() - 38;
            assert!(work[..used].iter().all(|byte| *byte == 0), "a refusal leaves nothing in the buffer");
            Outcome::Denied(LAST.take().expect("a refusal has an entry"))
        }
    }
}

thread_local! {
    static LAST: std::cell::Cell<Option<Reason>> = const { std::cell::Cell::new(None) };
    static READER: std::cell::RefCell<Option<symbolon::TrailReader>> = const { std::cell::RefCell::new(None) };
}

/// Reads what is new in the trail, keeps the last reason, and makes room.
fn drain(world: &mut World) {
    use symbolon::Store;
    READER.with_borrow_mut(|reader| {
        let reader = reader.get_or_insert_with(|| world.audit.reader());
        let mut last = 0;
        let store = &mut world.host.environment().store;
        store
            .entries(&mut |sealed| {
                let recorded = reader.read(sealed).unwrap();
                last = recorded.sequence;
                LAST.set(Some(recorded.entry.reason));
                true
            })
            .unwrap();
        store.acknowledge(last).unwrap();
    });
}

fn setting() -> (World, Client, TokenBuf) {
    READER.set(None);
    let mut world = World::new();
    let token = world.token(&alice(), Field::PERSON_NAME, VALUE);
    let client = world.log_in(&alice());
    (world, client, token)
}

/// The control of everything below: untouched, it opens.
#[test]
fn untouched_it_opens() {
    let (mut world, client, token) = setting();
    let outcome = present(&mut world, &client, Field::PERSON_NAME, token.as_token().as_bytes());
    assert_eq!(outcome, Outcome::Opened(VALUE.as_bytes().to_vec()));
}

/// Every bit of the token flipped: none opens. Bits of the clear header are told apart where they can be.
#[test]
fn every_bit_flipped() {
    let (mut world, client, token) = setting();
    let original = token.as_token().as_bytes().to_vec();
    let (mut denied, mut no_token) = (0, 0);
    for bit in 0..original.len() * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match present(&mut world, &client, Field::PERSON_NAME, &bytes) {
            Outcome::Denied(reason) => {
                denied += 1;
                let expected: &[Reason] = match bit / 8 {
                    2..4 => &[Reason::WrongField],
                    4..6 => &[Reason::UnknownEpoch],
                    6..10 => &[Reason::ForeignToken],
                    10..22 => &[Reason::ForeignToken],
                    _ => &[Reason::DoesNotOpen],
                };
                assert!(expected.contains(&reason), "bit {bit}: {reason:?}");
            }
            Outcome::NotAToken => no_token += 1,
            Outcome::Opened(_) => panic!("bit {bit} flipped, and it opened"),
        }
    }
    assert_eq!(denied + no_token, original.len() * 8);
    assert!(no_token >= 16, "version, class and flags are checked before anything is opened");
    assert!(denied > 800);
}

/// Every truncation, extensions, and two tokens in a row are no token.
#[test]
fn cut_longer_doubled() {
    let (mut world, client, token) = setting();
    let original = token.as_token().as_bytes().to_vec();
    for len in 0..original.len() {
        assert_eq!(present(&mut world, &client, Field::PERSON_NAME, &original[..len]), Outcome::NotAToken);
    }
    for more in [1, 2, 32, 64, original.len()] {
        let mut bytes = original.clone();
        bytes.extend(original.iter().cycle().take(more));
        assert_eq!(present(&mut world, &client, Field::PERSON_NAME, &bytes), Outcome::NotAToken);
    }
}

/// Another class in the header with as many bytes as it asks for: authenticated, so refused.
#[test]
fn another_class() {
    let (mut world, client, token) = setting();
    let original = token.as_token().as_bytes().to_vec();
    for class in 0..16_u8 {
        let len = 54 + (32_usize << class.min(5));
        let mut bytes = original.clone();
        bytes.resize(len, 0);
        bytes[1] = class;
        let outcome = present(&mut world, &client, Field::PERSON_NAME, &bytes);
        match class {
            1 => assert_eq!(outcome, Outcome::Opened(VALUE.as_bytes().to_vec())),
            0..=5 => assert_eq!(outcome, Outcome::Denied(Reason::DoesNotOpen)),
            _ => assert_eq!(outcome, Outcome::NotAToken),
        }
    }
}

/// Other suites, flags that are not defined and a flag that its field doesn't ask for are no tokens; one that was made erasable by hand does
/// not open.
#[test]
fn flags_and_versions() {
    let (mut world, client, token) = setting();
    for (at, value) in (0..=255).map(|v| (0, v)).chain((16..=255).map(|v| (1, v))) {
        let mut bytes = token.as_token().as_bytes().to_vec();
        if bytes[at] == value {
            continue;
        }
        bytes[at] = value;
        let erasable = (at, value) == (1, 0x11);
        let expected = if erasable { Outcome::Denied(Reason::DoesNotOpen) } else { Outcome::NotAToken };
        assert_eq!(present(&mut world, &client, Field::PERSON_NAME, &bytes), expected, "byte {at}: {value:#x}");
    }
}

/// Asked for as any other field, or relabelled in its header and asked for as that.
#[test]
fn swapped_fields() {
    let (mut world, client, token) = setting();
    for field in Field::STANDARD {
        if field == Field::PERSON_NAME {
            continue;
        }
        let original = token.as_token().as_bytes();
        assert_eq!(present(&mut world, &client, field, original), Outcome::Denied(Reason::WrongField));
        let mut relabelled = original.to_vec();
        relabelled[2..4].copy_from_slice(&field.code().to_le_bytes());
        if field.is_bound() {
            assert_eq!(present(&mut world, &client, field, &relabelled), Outcome::NotAToken);
            relabelled[1] |= 0x20;
        }
        assert_eq!(present(&mut world, &client, field, &relabelled), Outcome::Denied(Reason::DoesNotOpen));
    }
}

/// The full square of owners and callers that differ in tenant, kind, subject, or only in where one ends and the next begins.
#[test]
fn swapped_owners() {
    let people = [
        alice(),
        bob(),
        Principal::person("shop-1", "7alice").unwrap(),
        Principal::person("shop-17a", "lice").unwrap(),
        Principal::person("shop-18", "alice").unwrap(),
        Principal::staff("shop-17", "alice").unwrap(),
        Principal::service("shop-17", "alice").unwrap(),
        Principal::person("shop-17", "alice\0").unwrap(),
        Principal::person("shop-17", "Alice").unwrap(),
        Principal::person("shop-17", [0; 64]).unwrap(),
        Principal::person("shop-17", [0; 63]).unwrap(),
    ];
    let (mut world, _, _) = setting();
    let (mut opened, mut refused) = (0, 0);
    for owner in &people {
        let token = world.token(owner, Field::PERSON_NAME, VALUE);
        for caller in &people {
            let client = world.log_in(caller);
            match present(&mut world, &client, Field::PERSON_NAME, token.as_token().as_bytes()) {
                Outcome::Opened(_) => {
                    assert!(owner == caller);
                    opened += 1;
                }
                Outcome::Denied(reason) => {
                    let same_tenant = owner.tenant() == caller.tenant();
                    assert_eq!(reason, if same_tenant { Reason::DoesNotOpen } else { Reason::ForeignToken });
                    refused += 1;
                }
                Outcome::NotAToken => unreachable!(),
            }
        }
    }
    assert_eq!((opened, refused), (people.len(), people.len() * (people.len() - 1)));
}

/// A token of an older epoch opens under its own root only: relabelled to another epoch, either way, it doesn't.
#[test]
fn swapped_epochs() {
    READER.set(None);
    let mut keyring = common::keyring();
    let old = World::with(copy(&keyring), &Config::new(common::AUDIENCE)).token(&alice(), Field::PERSON_NAME, VALUE);
    keyring.add_epoch(&mut common::TestRng(5)).unwrap();
    let mut world = World::with(keyring, &Config::new(common::AUDIENCE));
    let new = world.token(&alice(), Field::PERSON_NAME, VALUE);
    let client = world.log_in(&alice());
    for token in [&old, &new] {
        let bytes = token.as_token().as_bytes();
        assert_eq!(present(&mut world, &client, Field::PERSON_NAME, bytes), Outcome::Opened(VALUE.as_bytes().to_vec()));
    }
    for (token, epoch, reason) in [
        (&old, 2_u16, Reason::ForeignToken),
        (&new, 1, Reason::ForeignToken),
        (&old, 0, Reason::UnknownEpoch),
        (&new, 3, Reason::UnknownEpoch),
        (&new, 0xffff, Reason::UnknownEpoch),
    ] {
        let mut bytes = token.as_token().as_bytes().to_vec();
        bytes[4..6].copy_from_slice(&epoch.to_le_bytes());
        assert_eq!(present(&mut world, &client, Field::PERSON_NAME, &bytes), Outcome::Denied(reason));
    }
}

/// The same names under other root keys: another keyring's tokens don't open, nor do they with every tag key and audience the same.
#[test]
fn another_keyring() {
    let (mut world, client, _) = setting();
    let mut other = World::with(Keyring::generate(&mut common::TestRng(43)).unwrap(), &Config::new(common::AUDIENCE));
    let token = other.token(&alice(), Field::PERSON_NAME, VALUE);
    let outcome = present(&mut world, &client, Field::PERSON_NAME, token.as_token().as_bytes());
    assert_eq!(outcome, Outcome::Denied(Reason::ForeignToken));
}

/// Parts of two tokens of the same owner and field can't be joined.
#[test]
fn spliced() {
    let (mut world, client, first) = setting();
    let second = world.token(&alice(), Field::PERSON_NAME, "鈴木 花子");
    let (a, b) = (first.as_token().as_bytes().to_vec(), second.as_token().as_bytes().to_vec());
    for cut in [6, 10, 22, 38, 60, a.len() - 16] {
        for (front, back) in [(&a, &b), (&b, &a)] {
            let bytes = [&front[..cut], &back[cut..]].concat();
            let outcome = present(&mut world, &client, Field::PERSON_NAME, &bytes);
            if cut == 6 {
                assert!(matches!(outcome, Outcome::Opened(_)), "the headers are the same: nothing was changed");
            } else {
                assert!(matches!(outcome, Outcome::Denied(_)), "cut at {cut}");
            }
        }
    }
}

/// One text for a token: nothing that is nearly it is read.
#[test]
fn texts_that_are_not_canonical() {
    let (_, _, token) = setting();
    let text = token.as_token().to_string();
    let mut bytes = [0; Token::MAX_LEN];
    assert_eq!(Token::from_text(text.as_bytes(), &mut bytes), Ok(token.as_token()), "the control");
    let mut wrong = vec![
        format!("{text}="),
        format!("{text} "),
        format!(" {text}"),
        format!("{text}\n"),
        format!("{text}A"),
        format!("{text}AA"),
        text.replacen("sym_", "SYM_", 1),
        text.replacen("sym_", "sym-", 1),
        text.replacen("sym_", "", 1),
        text[..text.len() - 1].to_owned(),
        format!("{text}{text}"),
        String::new(),
        "sym_".to_owned(),
    ];
    // The unused low bits of the last character: 118 bytes leave 4.
    let last = text.as_bytes()[text.len() - 1];
    wrong.extend(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".bytes().filter(|c| *c != last).map(|c| {
            let mut text = text.clone();
            text.pop();
            text.push(char::from(c));
            text
        }),
    );
    let mut read = 0;
    for text in &wrong {
        if Token::from_text(text.as_bytes(), &mut bytes).is_ok() {
            read += 1;
        }
    }
    // 118 bytes are 157 characters and 2 bits: of the 64 last characters 4 have the unused bits zero, one of which is the token's.
    assert_eq!(read, 3, "only last characters that mean other bytes");
    for at in 0..text.len() {
        for wrong in [b'=', b'+', b'/', b' ', 0, 0xff] {
            let mut text = text.clone().into_bytes();
            text[at] = wrong;
            assert_eq!(Token::from_text(&text, &mut bytes), Err(Error::Malformed));
        }
    }
}

/// Every class at its edges, and one byte more than the largest holds.
#[test]
fn the_smallest_and_the_largest_values() {
    let (mut world, client, _) = setting();
    for (field, len) in [
        (Field::ORDER_LINE, 1),
        (Field::ORDER_LINE, 126),
        (Field::ORDER_LINE, 127),
        (Field::ORDER_LINE, 254),
        (Field::ORDER_LINE, 255),
        (Field::ORDER_LINE, 510),
        (Field::ORDER_LINE, 511),
        (Field::ORDER_LINE, 1022),
    ] {
        let value = "v".repeat(len);
        let token = world.token(&alice(), field, &value);
        let outcome = present(&mut world, &client, field, token.as_token().as_bytes());
        assert_eq!(outcome, Outcome::Opened(value.into_bytes()));
    }
    let mut out = [0; Token::MAX_LEN];
    let long = world.vault.tokenize(&alice(), Field::ORDER_LINE, &[b'v'; 1023], &mut out, &mut world.host);
    assert_eq!(long.unwrap_err(), Error::TooLong);
    let mut short = [0; 181];
    let short = world.vault.tokenize(&alice(), Field::ORDER_LINE, b"v", &mut short, &mut world.host);
    assert_eq!(short.unwrap_err(), Error::BufferTooSmall);
}

fn copy(keyring: &Keyring) -> Keyring {
    let mut bytes = [0; symbolon::Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut bytes).unwrap();
    Keyring::read_secret(&bytes[..len]).unwrap()
}
