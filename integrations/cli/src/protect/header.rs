//! A table's header: which column is what.

use std::collections::HashSet;

use anyhow::Result;
use csv::ByteRecord;
use symbolon::{Field, Token, names_security_code};

use crate::{
    error::Failure,
    schema::{self, Plan},
};

/// What is to be done with each column.
#[derive(Debug)]
pub(super) struct Header {
    /// The columns' names.
    pub(super) names: Vec<String>,
    /// The column that says whose row it is.
    pub(super) owner: usize,
    /// The column that says which record it is about, where the plan has one.
    pub(super) record: Option<usize>,
    /// For each column.
    pub(super) uses: Vec<Use>,
}

/// What is to be done with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It stays as it is.
    Keep,
    /// The result does not have it.
    Drop,
    /// It is worked on; the plan may say what it holds.
    Work(Option<Field>),
}

impl Header {
    /// Finds the plan's columns in the first row of `input`.
    pub(super) fn new(row: &ByteRecord, plan: &Plan, input: &str) -> Result<Self> {
        let refuse = |what: String| Failure::Input.because(format!("{input}: {what}"));
        let names = row.iter().map(|name| String::from_utf8(name.to_vec())).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|_| {
            refuse("the header is not UTF-8. Save the file as UTF-8 (for example: iconv -f SHIFT_JIS -t UTF-8)".into())
        })?;
        let mut known = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !known.insert(name.as_str())) {
            return Err(refuse(if may_be_shown(&names) {
                format!("two columns are named {twice:?}: which one is meant can't be told")
            } else {
                format!("two columns have the same name. {NO_HEADER}")
            }));
        }
        let wanted = plan.fields.iter().map(|(column, _)| column).chain(&plan.dropped);
        let wanted = wanted.chain(&plan.record).chain(plan.columns.iter().flatten());
        let wanted = wanted.chain(Some(&plan.owner).filter(|owner| !owner.is_empty()));
        let missing: Vec<_> = wanted.filter(|column| !known.contains(column.as_str())).collect();
        if !missing.is_empty() {
            return Err(refuse(describe_missing(&missing, &names)));
        }
        let uses: Vec<_> = names.iter().map(|name| use_of(name, plan)).collect();
        let code = names.iter().zip(&uses).find(|(name, what)| **what != Use::Drop && names_security_code(name));
        if let Some((name, _)) = code.filter(|_| !plan.tokens_only) {
            return Err(refuse(schema::security_code(name)));
        }
        let owner = names.iter().position(|name| *name == plan.owner).unwrap_or_default();
        let record = names.iter().position(|name| Some(name) == plan.record.as_ref());
        Ok(Self { names, owner, record, uses })
    }
}

fn use_of(name: &str, plan: &Plan) -> Use {
    if plan.drops(name) {
        return Use::Drop;
    }
    plan.work_on(name).map_or(Use::Keep, Use::Work)
}

fn describe_missing(missing: &[&String], names: &[String]) -> String {
    let list =
        |names: &mut dyn Iterator<Item = &String>| names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let missing = list(&mut missing.iter().copied());
    if may_be_shown(names) {
        format!("there is no column {missing}; there are {}", list(&mut names.iter()))
    } else {
        format!("there is no column {missing}. {NO_HEADER}")
    }
}

/// Whether the first row is one of names. A file without a header would have somebody's data in the message.
fn may_be_shown(names: &[String]) -> bool {
    let telling = [Field::EMAIL, Field::PHONE, Field::CARD_NUMBER, Field::CARD_EXPIRY, Field::BIRTH_DATE];
    let is_value = |name: &String| {
        name.len() > LONGEST_NAME
            || name.starts_with(Token::TEXT_PREFIX)
            || name.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS
            || telling.iter().any(|field| field.check(name.as_bytes()).is_ok())
    };
    !names.iter().any(is_value)
}

const NO_HEADER: &str =
    "The first row does not look like names of columns, so it is not shown here: is the header missing?";

/// Bytes of a column's name beyond which it is taken for a value.
const LONGEST_NAME: usize = 100;

/// Digits that a column's name may have.
const MOST_DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str], dropped: &[&str]) -> Result<Header> {
        let plan = Plan {
            tenant: "t".into(),
            owner: "id".into(),
            fields: vec![("mail".into(), Field::EMAIL)],
            dropped: dropped.iter().map(|name| (*name).to_owned()).collect(),
            ..Plan::default()
        };
        Header::new(&ByteRecord::from(names.to_vec()), &plan, "in.csv")
    }

    #[test]
    fn columns_are_found() {
        let header = header(&["x", "mail", "cvv", "id"], &["cvv"]).unwrap();
        assert_eq!(header.owner, 3);
        assert_eq!(header.uses, [Use::Keep, Use::Work(Some(Field::EMAIL)), Use::Drop, Use::Keep]);
    }

    /// The names help; what may be a value is not shown.
    #[test]
    fn messages_name_columns_and_no_values() {
        let message = |names: &[&str]| header(names, &[]).unwrap_err().to_string();
        assert!(message(&["id", "Mail"]).contains(r#"there is no column "mail"; there are "id", "Mail""#));
        for value in
            ["a@example.com", "+81-3-0000-0001", "4242424242424242", "1990-05-17", "12/31", "99999 Null Street"]
        {
            assert!(!message(&["alice", value]).contains(value));
            assert!(!message(&["alice", value, value]).contains(value));
        }
        assert!(message(&["id", "mail", "mail"]).contains(r#"two columns are named "mail""#));
        assert!(message(&["id", "mail", "CVC"]).contains("PCI DSS"));
    }
}
