//! Whose data the rows of a file are, and which of its columns hold what: a schema file, or the same on the command line.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;
use symbolon::{Class, Field, Kind, Principal, names_security_code};

use crate::error::Failure;

/// What is to be protected in a file, and for whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Whose customers they are.
    pub(crate) tenant: String,
    /// The column that says whose data a row is.
    pub(crate) owner: String,
    /// What kind of principals they are.
    pub(crate) owner_kind: OwnerKind,
    /// The column that says which record (an order, say) a row is about, for fields that are bound to one.
    pub(crate) record: Option<String>,
    /// Columns to protect, each with what it holds.
    pub(crate) fields: Vec<(String, Field)>,
    /// Whether the tokens can be made unopenable for good, with their owner's secret.
    pub(crate) erasable: bool,
    /// Nothing but tokens is looked at, of which there may be some in every column: no value is stored that wasn't before.
    pub(crate) tokens_only: bool,
    /// Where it doesn't matter what they hold: the columns to work on.
    pub(crate) columns: Option<Vec<String>>,
    /// Columns that the result won't have.
    pub(crate) dropped: Vec<String>,
    /// Columns in which 16 digits take the token's place; and whether the last four are the value's.
    pub(crate) surrogates: Vec<(String, bool)>,
}

/// The kinds of principals by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OwnerKind {
    /// Customers, patients, members: people whose data it is
    #[default]
    Person,
    /// Employees
    Staff,
    /// Programs
    Service,
}

impl From<OwnerKind> for Kind {
    fn from(kind: OwnerKind) -> Self {
        match kind {
            OwnerKind::Person => Self::Person,
            OwnerKind::Staff => Self::Staff,
            OwnerKind::Service => Self::Service,
        }
    }
}

impl Plan {
    /// Reads a schema file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("can't read the schema {name}"))?;
        Self::parse(&text, &name.to_string())
    }

    /// Reads a schema file's text. Messages speak of `name`.
    pub(crate) fn parse(text: &str, name: &str) -> Result<Self> {
        let schema: Schema = toml::from_str(text)
            .map_err(|error| Failure::Input.because(format!("{name} is not a schema:\n{error}\n{EXAMPLE}")))?;
        let fields = schema.fields.into_iter().map(|(column, field)| {
            let field =
                field_named(&field).map_err(|why| Failure::Input.because(format!("{name}, {column:?}: {why}")))?;
            Ok((column, field))
        });
        Ok(Self {
            tenant: schema.tenant,
            owner: schema.owner,
            owner_kind: schema.owner_kind.unwrap_or_default(),
            record: schema.record,
            erasable: schema.erasable,
            tokens_only: false,
            fields: fields.collect::<Result<_>>()?,
            dropped: schema.drop_columns,
            ..Self::default()
        })
    }

    /// Whether a column is worked on, and what it holds where that is said.
    pub(crate) fn work_on(&self, column: &str) -> Option<Option<Field>> {
        if let Some(columns) = &self.columns {
            return columns.iter().any(|name| name == column).then_some(None);
        }
        let every = self.tokens_only && self.fields.is_empty();
        let named = self.fields.iter().find(|(name, _)| name == column).map(|(_, field)| Some(*field));
        named.or(every.then_some(None))
    }

    /// Whether the result does not have this column.
    pub(crate) fn drops(&self, column: &str) -> bool {
        self.dropped.iter().any(|name| name == column)
    }

    /// Whether 16 digits are to stand in this column; and whether the last four are the value's.
    pub(crate) fn surrogate(&self, column: &str) -> Option<bool> {
        self.surrogates.iter().find(|(name, _)| name == column).map(|(_, last4)| *last4)
    }

    /// Refuses a plan that can't be meant.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |why: String| Err(Failure::Input.because(why));
        if self.tenant.is_empty() || self.tenant.len() > Principal::MAX_ID_LEN {
            return refuse(format!(
                "the tenant has {} bytes; 1 to {} are possible",
                self.tenant.len(),
                Principal::MAX_ID_LEN
            ));
        }
        if self.fields.is_empty() && !self.tokens_only {
            return refuse("there is no column to protect: name one with --field COLUMN=FIELD or in the schema".into());
        }
        for (at, (column, field)) in self.fields.iter().enumerate() {
            if *column == self.owner {
                return refuse(format!(
                    "{column:?} says whose row it is and can't be protected itself: a token there would hide the owner"
                ));
            }
            if self.record.as_ref() == Some(column) {
                return refuse(format!(
                    "{column:?} says which record a row is about and can't be protected itself: a token there would hide the record"
                ));
            }
            if field.is_bound() && self.record.is_none() {
                return refuse(format!(
                    "{column:?} is to be {field}, which opens only with the record that it belongs to (an order's number): say which \
                     column has that, with --record COLUMN or record = \"COLUMN\" in the schema"
                ));
            }
            if self.fields.iter().take(at).any(|(earlier, _)| earlier == column) {
                return refuse(format!("{column:?} is given two fields"));
            }
            if names_security_code(column) && !self.tokens_only {
                return refuse(security_code(column));
            }
            if self.dropped.contains(column) {
                return refuse(format!("{column:?} is both to be protected and to be dropped"));
            }
        }
        for (column, _) in &self.surrogates {
            let Some((_, field)) = self.fields.iter().find(|(name, _)| name == column) else {
                return refuse(format!("{column:?} is to have surrogates and isn't protected: give it a field too"));
            };
            if field.smallest_class() != Class::SMALLEST {
                return refuse(format!(
                    "{column:?}: tokens of {field} are too long for surrogates, which stand for card numbers, telephone numbers and \
                     other fields of 32 bytes"
                ));
            }
        }
        if self.dropped.contains(&self.owner) {
            return refuse(format!("{:?} says whose row it is and can't be dropped", self.owner));
        }
        if let Some(record) = self.record.as_ref().filter(|record| self.dropped.contains(record)) {
            return refuse(format!("{record:?} says which record a row is about and can't be dropped"));
        }
        Ok(())
    }
}

/// Why a column of security codes is refused, and what to do.
pub(crate) fn security_code(column: &str) -> String {
    format!(
        "{column:?} is named like a card's security code, PIN or track data: those must not be kept after the payment is \
         authorised, not even encrypted (PCI DSS 4.0.1, 3.3.1). Leave them out: --drop-column {column:?}"
    )
}

/// `COLUMN` or `COLUMN:last4`.
pub(crate) fn parse_surrogate(text: &str) -> Result<(String, bool), String> {
    let (column, last4) = text.strip_suffix(":last4").map_or((text, false), |column| (column, true));
    if column.is_empty() { Err("it must be COLUMN or COLUMN:last4".into()) } else { Ok((column.to_owned(), last4)) }
}

/// `COLUMN=FIELD` of the command line. The last `=` divides: fields' names have none.
pub(crate) fn parse_field(text: &str) -> Result<(String, Field), String> {
    let (column, field) = text.rsplit_once('=').ok_or("it must be COLUMN=FIELD, such as mail=email")?;
    Ok((column.to_owned(), field_named(field)?))
}

fn field_named(name: &str) -> Result<Field, String> {
    Field::from_name(name).map_err(|_| {
        let known = Field::STANDARD.map(|field| field.to_string()).join(", ");
        format!(
            "there is no field {name:?}; there are {known}, custom-64-0 to custom-64-2047 (or 32, 128 … 1024), and for values of one \
             record bound-64-0 to bound-64-2047"
        )
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    tenant: String,
    owner: String,
    owner_kind: Option<OwnerKind>,
    record: Option<String>,
    #[serde(default)]
    erasable: bool,
    #[serde(default)]
    drop_columns: Vec<String>,
    fields: BTreeMap<String, String>,
}

const EXAMPLE: &str = "\
A schema looks like this:
  tenant = \"shop-17\"
  owner = \"customer_id\"        # the column that says whose data a row is
  record = \"order_id\"          # optional: which record a row is about, for shipping-address and bound-… fields
  erasable = true              # optional: tokens that `symbolon erase` makes unopenable for good
  drop_columns = [\"cvv\"]       # optional
  [fields]
  name = \"person-name\"
  mail = \"email\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            tenant: "shop-17".into(),
            owner: "id".into(),
            fields: vec![("mail".into(), Field::EMAIL)],
            ..Plan::default()
        }
    }

    /// Every plan that can't be meant is refused, and the plain one isn't.
    #[test]
    fn plans_are_checked() {
        assert!(plan().check().is_ok());
        assert!(Plan { tenant: String::new(), ..plan() }.check().is_err());
        assert!(Plan { tenant: "t".repeat(Principal::MAX_ID_LEN), ..plan() }.check().is_ok());
        assert!(Plan { tenant: "t".repeat(Principal::MAX_ID_LEN + 1), ..plan() }.check().is_err());
        assert!(Plan { fields: Vec::new(), ..plan() }.check().is_err());
        assert!(Plan { owner: "mail".into(), ..plan() }.check().is_err());
        assert!(Plan { fields: vec![("cvv".into(), Field::FREE_TEXT)], ..plan() }.check().is_err());
        assert!(Plan { dropped: vec!["mail".into()], ..plan() }.check().is_err());
        assert!(Plan { dropped: vec!["id".into()], ..plan() }.check().is_err());
        let twice = vec![("mail".into(), Field::EMAIL), ("mail".into(), Field::FREE_TEXT)];
        assert!(Plan { fields: twice, ..plan() }.check().is_err());
        assert!(Plan { fields: Vec::new(), tokens_only: true, ..plan() }.check().is_ok());
    }

    /// A bound field needs a column that says the record, and that column stays as it is.
    #[test]
    fn records_are_checked() {
        let bound = || Plan { fields: vec![("to".into(), Field::SHIPPING_ADDRESS)], ..plan() };
        let with = |record: &str| Plan { record: Some(record.into()), ..bound() };
        assert!(bound().check().unwrap_err().to_string().contains("--record"));
        assert!(with("order").check().is_ok());
        assert!(with("to").check().is_err());
        assert!(Plan { dropped: vec!["order".into()], ..with("order") }.check().is_err());
        assert!(
            Plan { record: Some("order".into()), ..plan() }.check().is_ok(),
            "no harm in a record that nothing needs"
        );
    }

    #[test]
    fn fields_are_named_after_the_last_equals_sign() {
        assert_eq!(parse_field("a=b=email"), Ok(("a=b".into(), Field::EMAIL)));
        assert!(parse_field("email").is_err());
        assert!(parse_field("a=e-mail").unwrap_err().contains("person-name"));
    }
}
