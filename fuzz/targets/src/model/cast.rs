//! Who takes part, and the values that are protected: each holds a pattern by which any copy of it is found.

use symbolon::{Class, Field, Kind, Principal};

/// A principal, by its number.
pub(super) type Who = usize;

/// Subject, kind, tenant. The same subject stands in both tenants and under two kinds: neither may be taken for the other.
const PEOPLE: [(&str, Kind, usize); 7] = [
    ("alice", Kind::Person, 0),
    ("bob", Kind::Person, 0),
    ("carrier", Kind::Service, 0),
    ("desk", Kind::Staff, 0),
    ("alice", Kind::Person, 1),
    ("desk", Kind::Staff, 1),
    ("alice", Kind::Staff, 0),
];

pub(super) const COUNT: usize = PEOPLE.len();
pub(super) const TENANTS: [&str; 2] = ["shop-17", "shop-18"];

pub(super) fn tenant(who: Who) -> usize {
    PEOPLE[who].2
}

pub(super) fn kind(who: Who) -> Kind {
    PEOPLE[who].1
}

pub(super) fn is_person(who: Who) -> bool {
    kind(who) == Kind::Person
}

/// The same subject and kind of whatever tenant: what a model that forgot tenants would take for one.
pub(super) fn same_but_for_tenant(a: Who, b: Who) -> bool {
    PEOPLE[a].0 == PEOPLE[b].0 && PEOPLE[a].1 == PEOPLE[b].1
}

pub(super) fn people() -> [Principal; COUNT] {
    PEOPLE.map(|(subject, kind, tenant)| {
        Principal::new(TENANTS[tenant].as_bytes(), kind, subject.as_bytes()).expect("a valid principal")
    })
}

/// The fields: a name, an address of mail, a card, bytes of any form, and one that is bound to a record.
pub(super) const FIELDS: usize = 5;
pub(super) const PARCEL: usize = 4;

pub(super) fn field(number: usize) -> Field {
    match number {
        0 => Field::PERSON_NAME,
        1 => Field::EMAIL,
        2 => Field::CARD_NUMBER,
        3 => Field::custom(7, Class::SMALLEST).expect("a custom field"),
        _ => Field::SHIPPING_ADDRESS,
    }
}

/// The fields that addresses are confirmed for: one more than an owner has room for.
pub(super) fn address_field(number: usize) -> Field {
    match number {
        0 => Field::EMAIL,
        1 => Field::PHONE,
        number => Field::custom(number as u16, Class::SMALLEST).expect("a custom field"),
    }
}

pub(super) const ADDRESS_FIELDS: usize = 6;
/// The pattern of values stands in them, too: none of them may be kept in clear.
pub(super) const ADDRESSES: [&[u8]; 4] =
    [b"", b"qJ7zVx.a@example.com", b"qJ7zVx.b@example.com", b"+81312345678 qJ7zVx"];
pub(super) const RECORDS: [&[u8]; 2] = [b"order-7", b"order-8"];

/// Stands in every value that is text or bytes.
const PATTERN: &str = "qJ7zVx";
/// Stands in every card number.
const CARD_PATTERN: &str = "252525";

/// Value number `n` for a field, of several lengths.
pub(super) fn value(field: usize, n: usize) -> Vec<u8> {
    match field {
        0 => format!("{PATTERN}{n:03}{PATTERN}").into_bytes(),
        1 => format!("{PATTERN}{n:03}@{PATTERN}.example").into_bytes(),
        2 => card(n),
        3 => {
            let mut bytes = format!("{PATTERN}{n:03}\0").into_bytes();
            while bytes.len() + PATTERN.len() < [30, 60, 300][n % 3] {
                bytes.extend(PATTERN.as_bytes());
            }
            bytes
        }
        _ => format!("{n:03} {}", PATTERN.repeat(3)).into_bytes(),
    }
}

/// 16 digits that pass Luhn.
fn card(n: usize) -> Vec<u8> {
    let mut digits = format!("42525252525{:04}", n % 10_000).into_bytes();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    digits.push(b'0' + ((10 - sum % 10) % 10) as u8);
    digits
}

/// What SPEC.md section 10 shows of [`value`].
pub(super) fn mask(field: usize, value: &[u8]) -> Vec<u8> {
    match field {
        0 => "q●●".into(),
        1 => "q●●@●●●".into(),
        2 => ["●●●● ".as_bytes(), value.get(12..).unwrap_or_default()].concat(),
        _ => "●●●●".into(),
    }
}

/// Values that must be refused, each with why.
pub(super) const BAD_VALUES: [(usize, &[u8], symbolon::Error); 4] = [
    (0, b"", symbolon::Error::InvalidValue),
    (2, b"123", symbolon::Error::ForbiddenValue),
    (2, b"4252525252500001", symbolon::Error::InvalidValue),
    (3, &[7; 1023], symbolon::Error::TooLong),
];

/// Whether a value, or a good part of one, stands in these bytes.
pub(super) fn holds_a_value(bytes: &[u8]) -> bool {
    let starts = |at: usize, pattern: &str| bytes[at..].starts_with(pattern.as_bytes());
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'q' => starts(at, PATTERN),
        b'2' => starts(at, CARD_PATTERN),
        _ => false,
    })
}
