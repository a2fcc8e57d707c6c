//! The program's schema files.

use std::collections::BTreeSet;

use symbolon::{Principal, names_security_code};
use symbolon_cli::fuzzing::{self, ReadSchema};
use toml::Table;

/// A schema that is accepted is what the text says, and can be meant: it has a tenant and something to protect, protects neither owner nor record nor
/// what must not be kept, and nothing twice, and knows the record of what is bound to one.
pub fn run(text: &[u8]) {
    let _taken = taken(text);
}

/// The same, and what the text was taken as.
pub fn taken(text: &[u8]) -> Vec<&'static str> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let Ok(schema) = fuzzing::schema(text) else { return Vec::new() };
    can_be_meant(&schema);
    is_what_the_text_says(&schema, text);
    vec!["schema"]
}

/// Nothing else is read, nothing is made up, and nothing is passed over.
pub fn is_what_the_text_says(schema: &ReadSchema, text: &str) {
    let says: Table = text.parse().expect("TOML");
    let unknown = says.keys().find(|key| !KEYS.contains(&key.as_str()));
    assert_eq!(unknown, None, "a key that means nothing");
    let word = |key: &str| says.get(key).map(|word| word.as_str().expect("a string").to_owned());
    let ReadSchema { tenant, owner, record, fields, dropped } = schema;
    assert_eq!((Some(tenant), Some(owner), record), (word("tenant").as_ref(), word("owner").as_ref(), &word("record")));
    let named = says["fields"].as_table().expect("columns");
    let named = named.iter().map(|(column, field)| (column.clone(), field.as_str().expect("a field").to_owned()));
    let read = fields.iter().map(|(column, field)| (column.clone(), field.to_string()));
    assert_eq!(read.collect::<BTreeSet<_>>(), named.collect());
    let says_dropped = says.get("drop_columns").map(|columns| columns.as_array().expect("a list").as_slice());
    let says_dropped = says_dropped.unwrap_or_default().iter().map(|column| column.as_str().expect("a string"));
    assert!(says_dropped.eq(dropped.iter().map(String::as_str)));
}

const KEYS: [&str; 7] = ["tenant", "owner", "owner_kind", "record", "erasable", "drop_columns", "fields"];

/// What is promised of a schema that was accepted.
pub fn can_be_meant(schema: &ReadSchema) {
    let ReadSchema { tenant, owner, record, fields, dropped } = schema;
    assert!((1..=Principal::MAX_ID_LEN).contains(&tenant.len()));
    assert!(!fields.is_empty());
    let mut seen = BTreeSet::new();
    for (column, field) in fields {
        assert!(column != owner && Some(column) != record.as_ref() && !dropped.contains(column), "{column:?}");
        assert!(!names_security_code(column), "{column:?}");
        assert!(seen.insert(column), "{column:?} twice");
        assert!(!field.is_bound() || record.is_some(), "{column:?} has no record");
    }
    assert!(!dropped.contains(owner) && !record.as_ref().is_some_and(|record| dropped.contains(record)));
}

/// Schemas, good and bad.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "tenant = \"shop-17\"\nowner = \"id\"\n[fields]\nname = \"person-name\"\nmail = \"email\"\n",
        "tenant = \"t\"\nowner = \"id\"\nowner_kind = \"staff\"\nrecord = \"no\"\nerasable = true\ndrop_columns = [\"cvv\"]\n\
         fields = { to = \"shipping-address\", x = \"custom-64-7\" }\n",
        "tenant = \"t\"\nowner = \"id\"\n[fields]\ncvv = \"free-text\"\n",
        "tenant = \"t\"\nowner = \"id\"\n[fields]\nid = \"email\"\n",
        "tenant = \"t\"\nowner = \"id\"\n[fields]\nto = \"bound-32-0\"\n",
        "tenant = \"\"\nowner = \"id\"\n[fields]\na = \"email\"\n",
        "tenant = \"t\"\nowner = \"id\"\nother = 1\n[fields]\na = \"email\"\n",
        "tenant = \"t\"\nowner = \"id\"\ndrop_columns = [\"id\"]\n[fields]\n\"a.b\" = \"phone\"\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
