//! Values: which a field takes, what their masks show, and whether they come back as they were.

use arbitrary::Unstructured;
use symbolon::{Class, Error, Field, Rights, Slot, Token};

use crate::world::{World, alice, enter};

/// What the field's check accepts is sealed, into the smallest class, and opens to the same bytes; the rest is refused for the same reason. The
/// mask is short, has nothing that a page or a table would run, and is never the value.
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let code: u16 = data.arbitrary().unwrap_or_default();
    let field = Field::from_code(code).unwrap_or(Field::STANDARD[usize::from(code) % Field::STANDARD.len()]);
    let value = data.take_rest();
    let checked = field.check(value);
    let mut out = [0; Field::MASK_LEN];
    let mask = field.mask(value, &mut out).expect("room for every mask");
    is_harmless(mask);
    match checked {
        Ok(()) => hides_some(field, value, mask),
        Err(_) => assert_eq!(mask, field.placeholder()),
    }

    let mut world = World::new();
    let slot = if field.is_bound() { Slot::in_record(field, b"order-7").expect("a record") } else { field.into() };
    let mut buffer = [0; Token::MAX_LEN];
    let made = world.vault.tokenize(&alice(), slot, value, &mut buffer, &mut world.host);
    assert_eq!(made.as_ref().map(|_| ()).map_err(|error| *error), checked, "sealed is what is checked");
    if let Err(refused) = &made {
        assert!(!refused.to_string().is_empty());
    }
    let Ok(token) = made else { return };
    let class = Class::of_value(value.len()).expect("what is sealed has a class");
    assert_eq!(token.class(), class.max(field.smallest_class()));
    let client = world.log_in_as_bearer(&alice(), Rights::OWN);
    let session = enter(&world.vault, &client, &mut world.host);
    let mut work = [0; Token::MAX_OPEN_LEN];
    if field.is_bound() {
        let other = Slot::in_record(field, b"order-8").expect("a record");
        let refused = session.detokenize(other, &token, &mut work, &mut world.host);
        assert_eq!(refused.err(), Some(Error::Denied), "of another order");
    }
    let opened = session.detokenize(slot, &token, &mut work, &mut world.host).expect("hers");
    assert!(opened.expose() == value);
    assert_eq!(format!("{opened:?}"), "Plaintext(redacted)");
}

/// A mask needs no escaping, wherever it stands.
pub fn is_harmless(mask: &str) {
    assert!(!mask.is_empty() && mask.len() <= Field::MASK_LEN);
    assert!(!mask.starts_with(['=', '+', '-', '@', ' ', '\t']), "{mask:?} is a formula, or trimmed");
    let dangerous = |c: char| c.is_control() || c.is_whitespace() && c != ' ' || "<>&\"',;\\".contains(c);
    assert!(!mask.contains(dangerous), "{mask:?}");
}

/// A mask is never the value.
pub fn hides_some(field: Field, value: &[u8], mask: &str) {
    // Of what is all dots a mask tells nothing anyway.
    let value = std::str::from_utf8(value).unwrap_or_default();
    if !value.is_empty() && !value.contains('●') {
        assert!(!mask.contains(value), "{field}: {mask:?} shows all of {value:?}");
    }
}

/// Values of every field.
pub fn seeds() -> Vec<Vec<u8>> {
    let values: [(Field, &str); 18] = [
        (Field::PERSON_NAME, "山田 太郎"),
        (Field::PERSON_NAME, "a"),
        (Field::PERSON_NAME, "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} Smith"),
        (Field::POSTAL_ADDRESS, "1-1 Chiyoda\nTokyo"),
        (Field::PHONE, "+81 (0)3-1234-5678 ext. 12"),
        (Field::PHONE, "０３（１２３４）５６７８内線７"),
        (Field::EMAIL, "alice@example.com"),
        (Field::EMAIL, "a@[127.0.0.1]"),
        (Field::CARD_NUMBER, "4242 4242 4242 4242"),
        (Field::CARD_NUMBER, "4242424242424242 123"),
        (Field::CARD_EXPIRY, "12/30"),
        (Field::BANK_ACCOUNT, "DE02120300000000202051"),
        (Field::BIRTH_DATE, "1990年5月7日"),
        (Field::BIRTH_DATE, "2000-02-29"),
        (Field::NATIONAL_ID, "123456789012"),
        (Field::FREE_TEXT, ";4242424242424242=3012"),
        (Field::SHIPPING_ADDRESS, "White Rabbit House"),
        (Field::ORDER_LINE, "1 x tea"),
    ];
    let seed = |(field, value): &(Field, &str)| [&field.code().to_le_bytes()[..], value.as_bytes()].concat();
    let mut seeds: Vec<_> = values.iter().map(seed).collect();
    seeds.push([&0x8000_u16.to_le_bytes()[..], &[0xff; 31]].concat());
    seeds.push([&0xd800_u16.to_le_bytes()[..], &[0; 1022]].concat());
    seeds.push([&11_u16.to_le_bytes()[..], &[b'a'; 1023]].concat());
    seeds
}
