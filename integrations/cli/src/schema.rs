//! Whose data the rows of a file are, and which of its columns hold what: a schema file, or the same on the command line.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;
use symbolon::{Field, Kind, MAX_ID_LEN, names_security_code};

use crate::error::Failure;

/// What is to be protected in a file, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Whose customers they are.
    pub(crate) tenant: String,
    /// The column that says whose data a row is.
    pub(crate) owner: String,
    /// What kind of principals they are.
    pub(crate) owner_kind: OwnerKind,
    /// Columns to protect, each with what it holds.
    pub(crate) fields: Vec<(String, Field)>,
    /// Columns that the result won't have.
    pub(crate) dropped: Vec<String>,
}

/// The kinds of principals by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OwnerKind {
    /// Customers, patients, members: people whose data it is
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
        let schema: Schema = toml::from_str(&text)
            .map_err(|error| Failure::Input.because(format!("{name} is not a schema:\n{error}\n{EXAMPLE}")))?;
        let fields = schema.fields.into_iter().map(|(column, field)| {
            let field =
                field_named(&field).map_err(|why| Failure::Input.because(format!("{name}, {column:?}: {why}")))?;
            Ok((column, field))
        });
        Ok(Self {
            tenant: schema.tenant,
            owner: schema.owner,
            owner_kind: schema.owner_kind.unwrap_or(OwnerKind::Person),
            fields: fields.collect::<Result<_>>()?,
            dropped: schema.drop_columns,
        })
    }

    /// Refuses a plan that can't be meant.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |why: String| Err(Failure::Input.because(why));
        if self.tenant.is_empty() || self.tenant.len() > MAX_ID_LEN {
            return refuse(format!("the tenant has {} bytes; 1 to {MAX_ID_LEN} are possible", self.tenant.len()));
        }
        if self.fields.is_empty() {
            return refuse("there is no column to protect: name one with --field COLUMN=FIELD or in the schema".into());
        }
        for (at, (column, _)) in self.fields.iter().enumerate() {
            if *column == self.owner {
                return refuse(format!(
                    "{column:?} says whose row it is and can't be protected itself: a token there would hide the owner"
                ));
            }
            if self.fields.iter().take(at).any(|(earlier, _)| earlier == column) {
                return refuse(format!("{column:?} is given two fields"));
            }
            if names_security_code(column) {
                return refuse(security_code(column));
            }
            if self.dropped.contains(column) {
                return refuse(format!("{column:?} is both to be protected and to be dropped"));
            }
        }
        if self.dropped.contains(&self.owner) {
            return refuse(format!("{:?} says whose row it is and can't be dropped", self.owner));
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

/// `COLUMN=FIELD` of the command line. The last `=` divides: fields' names have none.
pub(crate) fn parse_field(text: &str) -> Result<(String, Field), String> {
    let (column, field) = text.rsplit_once('=').ok_or("it must be COLUMN=FIELD, such as mail=email")?;
    Ok((column.to_owned(), field_named(field)?))
}

fn field_named(name: &str) -> Result<Field, String> {
    Field::from_name(name).map_err(|_| {
        let known = Field::STANDARD.map(|field| field.to_string()).join(", ");
        format!("there is no field {name:?}; there are {known}, and custom-64-0 to custom-64-2047 (or 32, 128 … 1024)")
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    tenant: String,
    owner: String,
    owner_kind: Option<OwnerKind>,
    #[serde(default)]
    drop_columns: Vec<String>,
    fields: BTreeMap<String, String>,
}

const EXAMPLE: &str = "\
A schema looks like this:
  tenant = \"shop-17\"
  owner = \"customer_id\"        # the column that says whose data a row is
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
            owner_kind: OwnerKind::Person,
            fields: vec![("mail".into(), Field::EMAIL)],
            dropped: Vec::new(),
        }
    }

    /// Every plan that can't be meant is refused, and the plain one isn't.
    #[test]
    fn plans_are_checked() {
        assert!(plan().check().is_ok());
        assert!(Plan { tenant: String::new(), ..plan() }.check().is_err());
        assert!(Plan { tenant: "t".repeat(MAX_ID_LEN), ..plan() }.check().is_ok());
        assert!(Plan { tenant: "t".repeat(MAX_ID_LEN + 1), ..plan() }.check().is_err());
        assert!(Plan { fields: Vec::new(), ..plan() }.check().is_err());
        assert!(Plan { owner: "mail".into(), ..plan() }.check().is_err());
        assert!(Plan { fields: vec![("cvv".into(), Field::FREE_TEXT)], ..plan() }.check().is_err());
        assert!(Plan { dropped: vec!["mail".into()], ..plan() }.check().is_err());
        assert!(Plan { dropped: vec!["id".into()], ..plan() }.check().is_err());
        let twice = vec![("mail".into(), Field::EMAIL), ("mail".into(), Field::FREE_TEXT)];
        assert!(Plan { fields: twice, ..plan() }.check().is_err());
    }

    #[test]
    fn fields_are_named_after_the_last_equals_sign() {
        assert_eq!(parse_field("a=b=email"), Ok(("a=b".into(), Field::EMAIL)));
        assert!(parse_field("email").is_err());
        assert!(parse_field("a=e-mail").unwrap_err().contains("person-name"));
    }
}
