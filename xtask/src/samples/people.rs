//! The customers: who they are, where they live, how they pay.

use super::generator::Generator;
use super::pools::{AWKWARD_ADDRESSES, AWKWARD_NAMES, CARDS, DOMAINS, REGIONS, Region};

/// The header of `customers.csv`.
pub(super) const COLUMNS: [&str; 8] =
    ["customer_id", "name", "postal_address", "phone", "email", "card_number", "card_expiry", "member_since"];

/// What the protected columns hold.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("name", "person-name"),
    ("postal_address", "postal-address"),
    ("phone", "phone"),
    ("email", "email"),
    ("card_number", "card-number"),
    ("card_expiry", "card-expiry"),
];

/// One row of `customers.csv`. There is no security code: a shop must not keep one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) postal_address: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) card_number: &'static str,
    pub(super) card_expiry: String,
    pub(super) member_since: String,
}

impl Customer {
    /// The cells, in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [&str; 8] {
        [
            &self.id,
            &self.name,
            &self.postal_address,
            &self.phone,
            &self.email,
            self.card_number,
            &self.card_expiry,
            &self.member_since,
        ]
    }
}

/// The customer of row `index`: the two people of the demo, then people of all the world.
pub(super) fn customer(seed: u64, index: u64) -> Customer {
    match index {
        0 => alice(),
        1 => bob(),
        _ => somebody(seed, index),
    }
}

/// The customer id of row `index`.
pub(super) fn id(index: u64) -> String {
    match index {
        0 => "alice".to_owned(),
        1 => "bob".to_owned(),
        _ => format!("c{:05}", index - 1),
    }
}

fn alice() -> Customer {
    Customer {
        id: id(0),
        name: "山田 花子".to_owned(),
        postal_address: "〒000-0000 東京都葛飾区青戸九百九十九丁目 999-9999".to_owned(),
        phone: "+81-3-0000-0001".to_owned(),
        email: "alice@example.com".to_owned(),
        card_number: "4242424242424242",
        card_expiry: "12/31".to_owned(),
        member_since: "2016-04-01".to_owned(),
    }
}

fn bob() -> Customer {
    Customer {
        id: id(1),
        name: "Robert O'Neil-佐藤".to_owned(),
        postal_address: "99999 Null Island Avenue, Apt. \"0\", Springfield 00000".to_owned(),
        phone: "+1-202-555-0102".to_owned(),
        email: "bob@example.net".to_owned(),
        card_number: "5555555555554444",
        card_expiry: "06/30".to_owned(),
        member_since: "2019-09-26".to_owned(),
    }
}

fn somebody(seed: u64, index: u64) -> Customer {
    let g = &mut Generator::of_row(seed, index);
    // Every second customer is from the first region, Japan; the others are spread.
    let region = if g.one_in(2) { REGIONS[0] } else { g.pick(REGIONS) };
    Customer {
        id: id(index),
        name: name(g, region, index),
        postal_address: address(g, region, index),
        phone: phone(g, region),
        email: email(g, &id(index)),
        card_number: g.pick(CARDS),
        card_expiry: format!("{:02}/{:02}", 1 + g.below(12), 27 + g.below(8)),
        member_since: format!("{}-{:02}-{:02}", 2009 + g.below(16), 1 + g.below(12), 1 + g.below(28)),
    }
}

/// A name: composed of the region's parts; every 40th row has the next of the awkward ones.
fn name(g: &mut Generator, region: &Region, index: u64) -> String {
    if let Some(name) = in_turn(AWKWARD_NAMES, index, 40) {
        return name.to_owned();
    }
    let (family, given) = (g.pick(region.family_names), g.pick(region.given_names));
    region.name.replace("{family}", family).replace("{given}", given)
}

/// An address with a number that no house has; every 99th row has the next of the awkward ones.
fn address(g: &mut Generator, region: &Region, index: u64) -> String {
    if let Some(address) = in_turn(AWKWARD_ADDRESSES, index, 99) {
        return address.to_owned();
    }
    let number = (9_000 + g.below(1_000)).to_string();
    g.pick(region.addresses).replace("{n}", &number)
}

/// The members of the pool one after another, one every `every` rows: so each of them occurs in a file that is long enough.
fn in_turn(pool: &[&'static str], index: u64, every: u64) -> Option<&'static str> {
    index.is_multiple_of(every).then(|| pool[(index / every) as usize % pool.len()])
}

/// A telephone number that is not given out; one in fifty has none, as in any real export.
fn phone(g: &mut Generator, region: &Region) -> String {
    if g.one_in(50) {
        return String::new();
    }
    let (width, count) = region.phone_digits;
    let digits = format!("{:0width$}", g.below(count));
    format!("{}{digits}", region.phone)
}

fn email(g: &mut Generator, id: &str) -> String {
    let domain = g.pick(DOMAINS);
    match g.below(20) {
        0 => format!("{id}+shop@{domain}"),
        1 => format!("{}@{domain}", id.to_uppercase()),
        2 => format!("お客様.{id}@{domain}"),
        3 => format!("\"the.customer.{id}\"@{domain}"),
        _ => format!("{id}@{domain}"),
    }
}
