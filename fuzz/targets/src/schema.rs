//! The program's schema files.

use symbolon::{Principal, names_security_code};
use symbolon_cli::fuzzing::{self, ReadSchema};

/// A schema that is accepted can be meant: it has a tenant and something to protect, protects neither owner nor record nor what must not be kept, and
/// nothing twice, and knows the record of what is bound to one.
pub fn run(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(schema) = fuzzing::schema(text) {
        can_be_meant(&schema);
    }
}

/// What is promised of a schema that was accepted.
pub fn can_be_meant(schema: &ReadSchema) {
    let ReadSchema { tenant, owner, record, fields, dropped } = schema;
    assert!((1..=Principal::MAX_ID_LEN).contains(&tenant.len()));
    assert!(!fields.is_empty());
    let mut seen = std::collections::BTreeSet::new();
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
        "tenant = \"t\"\nowner = \"id\"\nother = 1\n[fields]\n",
        "tenant = \"t\"\nowner = \"id\"\ndrop_columns = [\"id\"]\n[fields]\n\"a.b\" = \"phone\"\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
