//! Lists of people: CSV with the columns tenant, kind and subject.

use std::path::Path;

use anyhow::{Context, Result};
use csv::ReaderBuilder;
use symbolon::{AuditKey, Kind, Principal};
use symbolon_host::audit::Names;

use crate::{error::Failure, protect::input::Input};

/// Everybody in the file.
pub(super) fn read(path: &Path) -> Result<Vec<Principal>> {
    let Input { reader, name, .. } = Input::open(path)?;
    let refuse = |what: String| Failure::Input.because(format!("{name}: {what}"));
    let mut reader = ReaderBuilder::new().from_reader(reader);
    let header = reader.headers().with_context(|| format!("{name} is not CSV"))?.clone();
    let column = |wanted: &str| {
        let found = header.iter().position(|column| column.trim() == wanted);
        found.ok_or_else(|| refuse(format!("there is no column {wanted}: the first line must be tenant,kind,subject")))
    };
    let (tenant, kind, subject) = (column("tenant")?, column("kind")?, column("subject")?);
    let mut people = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| refuse(format!("{error}")))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |at| row.get(at).unwrap_or_default();
        let kind =
            kind_of(cell(kind)).ok_or_else(|| refuse(format!("line {line}: the kind is person, staff or service")))?;
        let person = Principal::new(cell(tenant).as_bytes(), kind, cell(subject).as_bytes());
        people.push(person.map_err(|_| refuse(format!("line {line}: tenant and subject have 1 to 64 bytes each")))?);
    }
    Ok(people)
}

/// Names for the tags of those in the file, if there is one.
pub(super) fn names(path: Option<&Path>, key: &AuditKey) -> Result<Names> {
    let mut names = Names::default();
    for person in path.map(read).transpose()?.unwrap_or_default() {
        names.add(key, &person);
    }
    Ok(names)
}

/// A kind by its name.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    Some(match name.trim() {
        "person" => Kind::Person,
        "staff" => Kind::Staff,
        "service" => Kind::Service,
        _ => return None,
    })
}
